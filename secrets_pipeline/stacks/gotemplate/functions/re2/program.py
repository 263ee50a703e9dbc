"""Instructions for the matcher, made from the tree as Go's regexp/syntax makes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from secrets_pipeline.stacks.gotemplate.functions.re2.nodes import (
    Assert,
    Assertion,
    Characters,
    Choice,
    Group,
    Node,
    One,
    Repeat,
    Sequence,
    SyntaxFailure,
)

_MAX_INSTRUCTIONS: Final = 20_000


class Operation(Enum):
    """What an instruction does."""

    ONE = auto()
    ASSERT = auto()
    SAVE = auto()
    SPLIT = auto()
    MATCH = auto()


class Accepted(dict[str, bool]):
    """Whether a class has a character, looked up once for each."""

    def __init__(self, characters: Characters) -> None:
        super().__init__()
        self._characters = characters

    def __missing__(self, character: str) -> bool:
        self[character] = found = character in self._characters
        return found


@dataclass(slots=True)
class Instruction:
    """One step.

    Attributes:
        operation: what it does.
        following: index of the next instruction; of a split, of the preferred one.
        other: of a split, the other next instruction.
        accepted: what `ONE` consumes.
        assertion: what `ASSERT` needs.
        slot: where `SAVE` puts the position: twice the group's number, plus one for its end.
    """

    operation: Operation
    following: int = 0
    other: int = 0
    accepted: Accepted | None = None
    assertion: Assertion | None = None
    slot: int = 0


def compile_program(node: Node) -> tuple[list[Instruction], int]:
    """The instructions, and the index of the first.

    Raises:
        SyntaxFailure: if there are too many of them.
    """
    compiler = _Compiler([Instruction(Operation.MATCH)])
    return compiler.instructions, compiler.compile(Group(0, node), 0)


@dataclass(slots=True)
class _Compiler:
    """Compiles backwards: every node knows what comes after it."""

    instructions: list[Instruction]

    def compile(self, node: Node, following: int) -> int:
        """Index of the first instruction of a node that is followed by another."""
        if isinstance(node, One):
            return self.add(Instruction(Operation.ONE, following, accepted=Accepted(node.characters)))
        if isinstance(node, Assert):
            return self.add(Instruction(Operation.ASSERT, following, assertion=node.assertion))
        if isinstance(node, Sequence):
            for part in reversed(node.parts):
                following = self.compile(part, following)
            return following
        if isinstance(node, Choice):
            start, *earlier = [self.compile(option, following) for option in reversed(node.options)]
            for option in earlier:
                start = self.add(Instruction(Operation.SPLIT, option, start))
            return start
        if isinstance(node, Group):
            end = self.add(Instruction(Operation.SAVE, following, slot=2 * node.index + 1))
            return self.add(Instruction(Operation.SAVE, self.compile(node.node, end), slot=2 * node.index))
        return self.repeat(node, following)

    def repeat(self, node: Repeat, following: int) -> int:
        """A repetition: copies that must match, then copies that may, or a loop."""
        required = node.least
        if node.most >= 0:
            end = following
            for _ in range(node.most - node.least):
                following = self.split(self.compile(node.node, following), end, lazy=node.lazy)
        elif required == 0 and not _nullable(node.node):
            following = self.loop(node, following, enter=False)
        elif required == 0:
            # Go golang/go#46123: the loop over what may be empty is an optional x+.
            following = self.split(self.loop(node, following, enter=True), following, lazy=node.lazy)
        else:
            following = self.loop(node, following, enter=True)
            required -= 1
        for _ in range(required):
            following = self.compile(node.node, following)
        return following

    def loop(self, node: Repeat, following: int, *, enter: bool) -> int:
        """The node again and again: entered at the node itself, or at the question whether to go on."""
        again = self.split(0, following, lazy=node.lazy)
        start = self.compile(node.node, again)
        question = self.instructions[again]
        if node.lazy:
            question.other = start
        else:
            question.following = start
        return start if enter else again

    def split(self, repeated: int, end: int, *, lazy: bool) -> int:
        """A choice between once more and the end."""
        return self.add(
            Instruction(Operation.SPLIT, end, repeated) if lazy else Instruction(Operation.SPLIT, repeated, end)
        )

    def add(self, instruction: Instruction) -> int:
        """The index of a new instruction."""
        if len(self.instructions) >= _MAX_INSTRUCTIONS:
            raise SyntaxFailure("expression too large")
        self.instructions.append(instruction)
        return len(self.instructions) - 1


def _nullable(node: Node) -> bool:
    if isinstance(node, One):
        return False
    if isinstance(node, Assert):
        return True
    if isinstance(node, Sequence):
        return all(map(_nullable, node.parts))
    if isinstance(node, Choice):
        return any(map(_nullable, node.options))
    return (isinstance(node, Repeat) and node.least == 0) or _nullable(node.node)
