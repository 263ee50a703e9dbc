"""Single mutants of a module: one small change of its source each, every other character as it was."""

from __future__ import annotations

import ast
import difflib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.mutation.changes import changes


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes:
        path: the module, from the repository's root.
        scope: the function or class it is in, dotted; empty in the module itself.
        statement: where the statement begins that it is in, in bytes, as all places here.
        source: of the whole module.
        start: the first byte that goes.
        end: the byte after the last that goes.
        text: what comes in its place.
    """

    path: str
    kind: str
    scope: str
    statement: int
    source: str
    start: int
    end: int
    text: str

    @property
    def mutated(self) -> str:
        """Give the source of the module with the change in it."""
        source = self.source.encode()
        return (source[: self.start] + self.text.encode() + source[self.end :]).decode()

    @cached_property
    def is_one(self) -> bool:
        """Say whether it compiles and means something else than its source."""
        try:
            compile(self.mutated, self.path, "exec", dont_inherit=True)
        except SyntaxError:
            return False
        return ast.dump(ast.parse(self.mutated)) != ast.dump(ast.parse(self.source))

    @cached_property
    def diff(self) -> str:
        """Give it as a unified diff."""
        before, after = self.source.splitlines(keepends=True), self.mutated.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, f"a/{self.path}", f"b/{self.path}", n=3))

    @cached_property
    def changed(self) -> tuple[str, str]:
        """Give the lines that it takes away and those that it puts in their place, without indentation."""
        lines = [line for line in self.diff.splitlines() if not line.startswith(("---", "+++", "@@"))]
        taken, put = ("\n".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
        return taken, put


def mutants(root: Path, path: str) -> list[Mutant]:
    """Make every mutant of a module; some do not compile, which is costly to know: ask `is_one`.

    Args:
        root: the repository.
        path: the module, from there.
    """
    source = (root / path).read_text()
    return [
        Mutant(path, kind, scope, statement, source, start, end, text)
        for scope, statement, (kind, start, end, text) in changes(source)
    ]


def sample(of: Sequence[Mutant], count: int, seed: str) -> list[Mutant]:
    """Draw some: each statement once before one is met twice, so that a long table weighs no more than a line.

    Args:
        of: mutants of any modules.
        count: how many are drawn, if there are so many.
        seed: the same seed draws the same mutants of the same source.
    """
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    by_statement: dict[tuple[str, int], list[Mutant]] = {}
    for mutant in of:
        by_statement.setdefault((mutant.path, mutant.statement), []).append(mutant)
    for found in by_statement.values():
        rng.shuffle(found)
    drawn: list[Mutant] = []
    while len(drawn) < count and by_statement:
        statements = list(by_statement)
        rng.shuffle(statements)
        for statement in statements:
            if len(drawn) == count:
                break
            left = by_statement[statement]
            while left and not left[-1].is_one:
                left.pop()
            if left:
                drawn.append(left.pop())
            else:
                del by_statement[statement]
    return drawn
