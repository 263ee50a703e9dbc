"""What a regular expression says, as a tree."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias


class SyntaxFailure(Exception):
    """An expression that Go would not compile, in Go's words."""


class Assertion(Enum):
    """What must hold between two characters."""

    TEXT_START = auto()
    TEXT_END = auto()
    LINE_START = auto()
    LINE_END = auto()
    WORD_BOUNDARY = auto()
    NO_WORD_BOUNDARY = auto()


@dataclass(frozen=True, slots=True)
class Characters:
    r"""A class of characters.

    Attributes:
        ranges: first and last code point of each range.
        categories: Unicode general categories or their first letters, and whether the class has what is *not* in it.
        excluded: classes whose characters are *not* in them are in this one, for example of `[^a]` or `\D`.
        fold: whether case does not matter.
    """

    ranges: tuple[tuple[int, int], ...] = ()
    categories: tuple[tuple[str, bool], ...] = ()
    excluded: tuple[Characters, ...] = ()
    fold: bool = False

    def __contains__(self, character: str) -> bool:
        if self.has(character):
            return True
        variants = (character.lower(), character.upper(), character.casefold()) if self.fold else ()
        return any(len(variant) == 1 and self.has(variant) for variant in variants)

    def has(self, character: str) -> bool:
        """Whether the character itself is in the class, whatever its case."""
        code = ord(character)
        if any(low <= code <= high for low, high in self.ranges):
            return True
        if self.categories:
            category = unicodedata.category(character)
            if any(category.startswith(prefix) != negated for prefix, negated in self.categories):
                return True
        return any(character not in other for other in self.excluded)


@dataclass(frozen=True, slots=True)
class One:
    """One character of a class."""

    characters: Characters


@dataclass(frozen=True, slots=True)
class Assert:
    """A place."""

    assertion: Assertion


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; of nothing, the empty text."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The first that leads to a match."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What is captured, under a number from 1."""

    index: int
    node: Node


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same, several times; as often as possible unless lazy. `most` is -1 without a limit."""

    node: Node
    least: int
    most: int
    lazy: bool = field(default=False)


Node: TypeAlias = One | Assert | Sequence | Choice | Group | Repeat
