"""Generate passwords: every string that the policy allows is equally likely.

The strings are counted exactly, class by class, with integers; class counts are then drawn in proportion, characters
within their class, and their order by a Fisher-Yates shuffle. Nothing is rejected, rounded or reduced by a modulus.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import comb
from typing import Protocol

from pydantic import SecretStr

from secrets_pipeline.errors import SpecError
from secrets_pipeline.spec.model import PasswordPolicy

MAX_LENGTH = 256
"""Characters; the longest password that RDS takes has 128, and counting costs about length³."""

_Class = tuple[str, int]
_Completions = tuple[tuple[int, ...], ...]


class Chooser(Protocol):
    """A source of uniform integers; the module `secrets` is one."""

    def randbelow(self, exclusive_upper_bound: int, /) -> int:
        """An integer from 0 up to, and without, the bound, each equally likely."""


def generate(policy: PasswordPolicy, choose: Chooser = secrets) -> SecretStr:
    """A password of `policy.length` characters, uniform over all strings that hold the minima.

    Args:
        policy: length, classes and minima.
        choose: where randomness comes from.

    Raises:
        SpecError: if no string satisfies the policy, or it is longer than 256 characters.
    """
    classes = _classes(policy)
    sizes = tuple(len(characters) for characters, _ in classes)
    minima = tuple(minimum for _, minimum in classes)
    completions = _completions(policy.length, sizes, minima)
    counts = _draw_counts(policy.length, sizes, minima, completions, choose)
    drawn = [
        characters[choose.randbelow(len(characters))]
        for (characters, _), count in zip(classes, counts, strict=True)
        for _ in range(count)
    ]
    for last in range(len(drawn) - 1, 0, -1):
        other = choose.randbelow(last + 1)
        drawn[last], drawn[other] = drawn[other], drawn[last]
    return SecretStr("".join(drawn))


def _classes(policy: PasswordPolicy) -> list[_Class]:
    """Classes with a minimum, then all others as one: fewer classes, the same strings.

    Raises:
        SpecError: if the policy allows no string.
    """
    minima = {name: minimum for name, minimum in policy.minima.items() if minimum > 0}
    _check(policy, minima)
    demanded = [(policy.alphabet[name], minimum) for name, minimum in minima.items()]
    free = "".join(characters for name, characters in policy.alphabet.items() if name not in minima)
    return [*demanded, (free, 0)] if free else demanded


def _check(policy: PasswordPolicy, minima: Mapping[str, int]) -> None:
    characters = "".join(policy.alphabet.values())
    repeated = "".join(sorted({c for c in characters if characters.count(c) > 1}))
    empty = sorted(name for name in minima if not policy.alphabet.get(name))
    least = sum(minima.values())
    if not 1 <= policy.length <= MAX_LENGTH:
        problem, remedy = f"length {policy.length} is out of range", f"Choose a length from 1 to {MAX_LENGTH}."
    elif not characters:
        problem, remedy = "the alphabet is empty", "Allow at least one class of characters."
    elif repeated:
        problem, remedy = f"the alphabet repeats {repeated!r}", "Name every character once, in one class."
    elif empty:
        problem, remedy = f"a minimum is asked of the empty class {', '.join(empty)}", "Allow the class, or ask for 0."
    elif least > policy.length:
        problem, remedy = f"the minima ask for {least} characters of {policy.length}", "Raise the length or lower them."
    else:
        return
    raise SpecError(f"no password can be generated: {problem}", remedy=remedy)


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
