"""Single mutants: one statement of the product as it is, and as it would be with one mistake in it.

A mutant is found again by the qualified name of its function and the words of its statement, in whichever module it
stands today and however its lines are broken.
"""

from __future__ import annotations

import ast
import io
import random
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import indent

from benchmarks.mutation.changes import Change, Place, changes

PRODUCT = "secrets_pipeline"
_LAYOUT = {
    tokenize.NEWLINE,
    tokenize.NL,
    tokenize.COMMENT,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True)
class Mutant:
    """One statement with one mistake.

    Attributes:
        module: path of the module that it was drawn from, from the repository's root.
        name: qualified name of its function or class; empty at the top level of the module.
        before: the statement, without indentation; of a statement with a body, its head.
        after: what takes its place.
        nth: which one of the function's statements with these words, from 0.
    """

    module: str
    name: str
    before: str
    after: str
    nth: int = 0


@dataclass(frozen=True)
class Mutated:
    """A mutant in today's source.

    Attributes:
        path: of its module, from the repository's root.
        lines: of the statement, from 1.
        source: the whole module with the mistake.
    """

    path: str
    lines: range
    source: str


def find(root: Path, mutant: Mutant) -> Mutated | None:
    """Find a mutant's statement: in its module, else in the only module that has a function of its name with it.

    Returns:
        None if the statement is gone, or if several modules have it.
    """
    own = root / mutant.module
    if own.is_file() and (found := _in_module(own.read_text(), mutant)):
        return Mutated(mutant.module, *found)
    elsewhere = [
        Mutated(str(path.relative_to(root)), *found)
        for path in sorted((root / PRODUCT).rglob("*.py"))
        if path != own and (found := _in_module(path.read_text(), mutant))
    ]
    return elsewhere[0] if len(elsewhere) == 1 else None


def draw(root: Path, modules: Iterable[str], count: int, seed: str) -> list[Mutant]:
    """Draw mutants: each statement once before one is met twice, so that a long table weighs no more than a line.

    Args:
        root: the repository.
        modules: paths from there.
        count: how many are drawn, if there are so many.
        seed: the same seed draws the same mutants of the same source.
    """
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    by_statement: dict[tuple[str, int], list[tuple[Place, Change]]] = defaultdict(list)
    for module in modules:
        for place, change in changes((root / module).read_text()):
            by_statement[module, place[1]].append((place, change))
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
            mutant = None
            while left and mutant is None:
                mutant = make(root, statement[0], *left.pop())
            if mutant:
                drawn.append(mutant)
            else:
                del by_statement[statement]
    return drawn


def make(root: Path, module: str, place: Place, change: Change) -> Mutant | None:
    """Make one mutant; None if it does not compile, or means the same as its source."""
    name, start, end_of_head = place
    _, first, last, text = change
    source = (root / module).read_text()
    whole = source.encode()
    begin = whole.rfind(b"\n", 0, start) + 1
    end = whole.find(b"\n", max(end_of_head, last))
    mutated = whole[:first] + text.encode() + whole[last:]
    before, after = (
        _dedented(region.decode(), start - begin)
        for region in (whole[begin:end], mutated[begin : end + len(mutated) - len(whole)])
    )
    line = whole[:begin].count(b"\n") + 1
    nth = sum(found[0] < line for found, _ in _places(source, name, before))
    mutant = Mutant(module, name, before, after, nth)
    try:
        meant = ast.dump(ast.parse(mutated))
    except SyntaxError:
        return None
    if meant == ast.dump(ast.parse(source)):
        return None
    found = _in_module(source, mutant)
    if found is None or ast.dump(ast.parse(found[1])) != meant:
        msg = f"{module}:{line}: this statement is not found again by its words"
        raise AssertionError(msg)
    return mutant


def _dedented(text: str, width: int) -> str:
    return "\n".join(line[min(width, len(line) - len(line.lstrip())) :] for line in text.splitlines())


def _in_module(source: str, mutant: Mutant) -> tuple[range, str] | None:
    """Give the lines of the mutant's statement and the source with the mutant in it."""
    # Reading the tokens of a module is slow, and most modules have no function of that name.
    if mutant.name.rpartition(".")[2] not in source:
        return None
    places = list(_places(source, mutant.name, mutant.before))
    if len(places) <= mutant.nth:
        return None
    (first, column), (last, end) = places[mutant.nth]
    lines = source.splitlines(keepends=True)
    after = indent(mutant.after, " " * column).lstrip(" ")
    changed = [lines[first - 1][:column] + after + lines[last - 1][end:]]
    return range(first, last + 1), "".join([*lines[: first - 1], *changed, *lines[last:]])


def _places(source: str, name: str, statement: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield line and column of the statement's begin and end, for each time that a function of this name has it."""
    wanted = [token.string for token in _words(statement)]
    for first, last in _spans(source, name):
        words = [token for token in _words(source) if first <= token.start[0] <= last]
        strings = [token.string for token in words]
        for at in range(len(words) - len(wanted) + 1):
            begins_line = at == 0 or words[at - 1].start[0] < words[at].start[0]
            if begins_line and strings[at : at + len(wanted)] == wanted:
                yield words[at].start, words[at + len(wanted) - 1].end


@cache
def _spans(source: str, name: str) -> tuple[tuple[int, int], ...]:
    """Give first and last line of each function or class of that qualified name; of the module if it is empty."""
    if not name:
        return ((1, source.count("\n") + 1),)
    return tuple(_named(ast.parse(source), "", name))


def _named(node: ast.AST, scope: str, name: str) -> Iterator[tuple[int, int]]:
    for child in ast.iter_child_nodes(node):
        inner = scope
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = f"{scope}.{child.name}".lstrip(".")
            if inner == name:
                yield child.lineno, child.end_lineno or child.lineno
        if inner == scope or name.startswith(f"{inner}."):
            yield from _named(child, inner, name)


@cache
def _words(text: str) -> tuple[tokenize.TokenInfo, ...]:
    """Give the tokens that mean something: no line break, indentation or comment, no comma before a bracket closes."""
    words = [
        token for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline) if token.type not in _LAYOUT
    ]
    kept = [one for one, after in pairwise(words) if not (one.string == "," and after.string in {")", "]", "}"})]
    return (*kept, *words[-1:])
