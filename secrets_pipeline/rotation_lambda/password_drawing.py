"""Draw a password: every string that the rule allows is equally likely.

The strings are counted exactly, class by class, with integers; class counts are then drawn in proportion, characters
within their class, and their order by a Fisher-Yates shuffle. Nothing is rejected, rounded or reduced by a modulus.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import comb
from typing import Protocol

MAX_LENGTH = 256
"""Characters; the longest password that RDS takes has 128, and counting costs about length³."""

CharacterClass = tuple[str, int]
"""Distinct characters, and how many of them at least."""

_Completions = tuple[tuple[int, ...], ...]


class Chooser(Protocol):
    """A source of uniform integers; the module `secrets` is one."""

    def randbelow(self, exclusive_upper_bound: int, /) -> int:
        """An integer from 0 up to, and without, the bound, each equally likely."""


def draw(length: int, classes: Iterable[CharacterClass], choose: Chooser = secrets) -> str:
    """A string of `length` characters, uniform over all that hold the minima.

    Args:
        length: 1 to 256.
        classes: without a character in common; their minima fit into the length.
        choose: where randomness comes from.
    """
    merged = merge(classes)
    sizes = tuple(len(characters) for characters, _ in merged)
    minima = tuple(minimum for _, minimum in merged)
    completions = _completions(length, sizes, minima)
    counts = _draw_counts(length, sizes, minima, completions, choose)
    drawn = [
        characters[choose.randbelow(len(characters))]
        for (characters, _), count in zip(merged, counts, strict=True)
        for _ in range(count)
    ]
    for last in range(len(drawn) - 1, 0, -1):
        other = choose.randbelow(last + 1)
        drawn[last], drawn[other] = drawn[other], drawn[last]
    return "".join(drawn)


def merge(classes: Iterable[CharacterClass]) -> list[CharacterClass]:
    """Classes with a minimum, then all others as one: fewer classes, the same strings."""
    given = list(classes)
    free = "".join(characters for characters, minimum in given if minimum == 0)
    demanded = [one for one in given if one[1] > 0]
    return [*demanded, (free, 0)] if free else demanded


@lru_cache(maxsize=64)
def _completions(length: int, sizes: tuple[int, ...], minima: tuple[int, ...]) -> _Completions:
    """`[i][n]`: how many strings of n characters use the classes from i on and hold their minima."""
    counted: list[tuple[int, ...]] = [(1, *[0] * length)]
    for size, minimum in zip(reversed(sizes), reversed(minima), strict=True):
        later = counted[-1]
        counted.append(
            tuple(
                sum(_ways(total, count, size) * later[total - count] for count in range(minimum, total + 1))
                for total in range(length + 1)
            )
        )
    return tuple(reversed(counted))


def _ways(total: int, count: int, size: int) -> int:
    """Ways to fill `count` of `total` places from a class of `size` characters."""
    return int(comb(total, count) * size**count)


def _draw_counts(
    length: int, sizes: Sequence[int], minima: Sequence[int], completions: _Completions, choose: Chooser
) -> list[int]:
    """How many characters of each class, as likely as the strings with those counts are many."""
    counts = []
    left = length
    for index, (size, minimum) in enumerate(zip(sizes, minima, strict=True)):
        rank = choose.randbelow(completions[index][left])
        count = minimum
        while rank >= (strings := _ways(left, count, size) * completions[index + 1][left - count]):
            rank -= strings
            count += 1
        counts.append(count)
        left -= count
    return counts
