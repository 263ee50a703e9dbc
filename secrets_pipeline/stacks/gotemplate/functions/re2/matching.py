"""Matching by Pike's algorithm: all possibilities side by side, so no expression can make it hang."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from secrets_pipeline.stacks.gotemplate.failure import FunctionFailure
from secrets_pipeline.stacks.gotemplate.functions.re2.nodes import Assertion
from secrets_pipeline.stacks.gotemplate.functions.re2.program import Instruction, Operation, compile_program
from secrets_pipeline.stacks.gotemplate.functions.re2.syntax import Parser

MAX_STEPS: Final = 2_000_000
"""Instructions that the matches of one call of a template function may take: about two seconds."""

Match: TypeAlias = tuple[int, ...]
"""Start and end of the whole match and of each group, in characters; -1 of a group that took no part."""

_TEMPLATE: Final = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


def quote_meta(text: str) -> str:
    """The text with everything escaped that means something in an expression."""
    return _META.sub(r"\\\g<0>", text)


@lru_cache(maxsize=256)
def compile_expression(text: str) -> Expression:
    """The expression, ready for use.

    Raises:
        SyntaxFailure: if Go would not compile it.
    """
    parser = Parser(text)
    node = parser.parse()
    instructions, start = compile_program(node)
    return Expression(text, tuple(instructions), start, dict(parser.names), 2 * (parser.groups + 1))


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        text: as written.
        instructions: the program.
        start: where it begins.
        names: numbers of the groups of each name.
        slots: two for the whole match and two for each group.
    """

    text: str
    instructions: tuple[Instruction, ...]
    start: int
    names: dict[str, list[int]]
    slots: int

    def matches(self, text: str) -> bool:
        """Whether it matches anywhere."""
        return _Run(self, text).match(0) is not None

    def find_all(self, text: str, limit: int = -1) -> list[Match]:
        """The matches from left to right, without overlaps; all of them if the limit is negative."""
        found: list[Match] = []
        run = _Run(self, text)
        position, previous_end = 0, -1
        while position <= len(text) and len(found) != limit:
            match = run.match(position)
            if match is None:
                break
            accepted = True
            if match[1] == position:
                # An empty match right behind a match does not count.
                accepted = match[0] != previous_end
                position += 1
            else:
                position = match[1]
            previous_end = match[1]
            if accepted:
                found.append(match)
        return found

    def replace(self, text: str, replacement: Callable[[Match], str]) -> str:
        """The text with every match replaced (Go's `ReplaceAllStringFunc`)."""
        pieces: list[str] = []
        end = 0
        for match in self._replaceable(text):
            pieces.append(text[end : match[0]])
            if match[1] > end or match[0] == 0:
                pieces.append(replacement(match))
            end = match[1]
        return "".join([*pieces, text[end:]])

    def split(self, text: str, limit: int) -> list[str]:
        """The parts between the matches (Go's `Split`)."""
        if limit == 0:
            return []
        if self.text and not text:
            return [""]
        parts: list[str] = []
        begin = end = 0
        for match in self.find_all(text, limit):
            if 0 < limit == len(parts) + 1:
                break
            end = match[0]
            if match[1] != 0:
                parts.append(text[begin:end])
            begin = match[1]
        return [*parts, text[begin:]] if end != len(text) else parts

    def expand(self, template: str, text: str, match: Match) -> str:
        """A replacement with its `$1`, `${name}` and `$$` (Go's `Expand`)."""

        def group(reference: re.Match[str]) -> str:
            name = reference[1] or reference[2]
            if name is None:
                return "$"
            indexes = [int(name)] if name.isascii() and name.isdigit() else self.names.get(name, [])
            spans = (match[2 * index : 2 * index + 2] for index in indexes)
            return next((text[span[0] : span[1]] for span in spans if span and span[0] >= 0), "")

        return _TEMPLATE.sub(group, template)

    def _replaceable(self, text: str) -> Iterator[Match]:
        run = _Run(self, text)
        position = 0
        while position <= len(text):
            match = run.match(position)
            if match is None:
                return
            yield match
            position = max(position + 1, match[1])


@dataclass(slots=True)
class _Run:
    """The matches of one expression in one text."""

    expression: Expression
    text: str
    steps: int = field(default=0)

    def match(self, position: int) -> Match | None:
        """The leftmost match from a position on, the preferred one of those that begin there."""
        found: Match | None = None
        threads: dict[int, Match] = {}
        empty: Match = (-1,) * self.expression.slots
        while True:
            if found is None:
                self.follow(self.expression.start, position, empty, threads)
            character = self.text[position : position + 1]
            following: dict[int, Match] = {}
            for index, saved in threads.items():
                instruction = self.expression.instructions[index]
                if instruction.operation is Operation.MATCH:
                    found = saved
                    break
                if character and instruction.accepted is not None and instruction.accepted[character]:
                    self.follow(instruction.following, position + 1, saved, following)
            if not character or (found is not None and not following):
                return found
            threads = following
            position += 1

    def follow(self, start: int, position: int, saved: Match, threads: dict[int, Match]) -> None:
        """Add what is reached from an instruction without consuming a character, the preferred ones first."""
        waiting = [(start, saved)]
        seen = threads
        while waiting:
            index, saved = waiting.pop()
            if index in seen:
                continue
            self.steps += 1
            instruction = self.expression.instructions[index]
            seen[index] = saved
            if instruction.operation is Operation.SPLIT:
                waiting += [(instruction.other, saved), (instruction.following, saved)]
            elif instruction.operation is Operation.SAVE:
                slot = instruction.slot
                waiting.append((instruction.following, (*saved[:slot], position, *saved[slot + 1 :])))
            elif instruction.assertion is not None and self.holds(instruction.assertion, position):
                waiting.append((instruction.following, saved))
        if self.steps > MAX_STEPS:
            raise FunctionFailure(f"the regular expression takes too long on a text of {len(self.text)} characters")

    def holds(self, assertion: Assertion, position: int) -> bool:
        """Whether an assertion is true of a position."""
        before, after = self.text[position - 1 : position] if position else "", self.text[position : position + 1]
        if assertion is Assertion.TEXT_START:
            return position == 0
        if assertion is Assertion.TEXT_END:
            return position == len(self.text)
        if assertion is Assertion.LINE_START:
            return before in {"", "\n"}
        if assertion is Assertion.LINE_END:
            return after in {"", "\n"}
        return (_is_word(before) != _is_word(after)) is (assertion is Assertion.WORD_BOUNDARY)


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")
