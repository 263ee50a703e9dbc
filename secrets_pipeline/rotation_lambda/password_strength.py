"""Define the weakest rule for passwords that a stack or a tag may ask for: more values than 26 bits tell apart.

Eight digits, the weakest code that people do ask for, have 26.6 bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

from .password_drawing import CharacterClass, merge

SHORTEST = 8
"""Characters; RDS takes no shorter master password."""
FEWEST_BITS = 26


def weakness(length: int, classes: Iterable[CharacterClass]) -> str:
    """Why values of that length and these classes are guessed too easily; empty if they are not.

    Args:
        length: 1 to 256.
        classes: at least one, without a character in common; their minima fit into the length.
    """
    if length < SHORTEST:
        return f"{length} characters, fewer than {SHORTEST}"
    if _at_least(length, merge(classes)) < 1 << FEWEST_BITS:
        return f"fewer than 2^{FEWEST_BITS} possible values"
    return ""


def _at_least(length: int, classes: list[CharacterClass]) -> int:
    """How many strings hold just the minima, and else the largest class: not all that are allowed, but told at once."""
    counts = [minimum for _, minimum in classes]
    largest = max(range(len(classes)), key=lambda index: len(classes[index][0]))
    counts[largest] += length - sum(counts)
    strings, left = 1, length
    for (characters, _), count in zip(classes, counts, strict=True):
        strings *= comb(left, count) * len(characters) ** count
        left -= count
    return strings
