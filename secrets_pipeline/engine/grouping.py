"""Tell of many things at once: those of which the same is said are one group, with a count and examples. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

EXAMPLES = 3
"""Names that a group of many is told by."""

Item = TypeVar("Item")


def grouped(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[list[Item]]:
    """Return the items of each key together, in the order in which the keys come first."""
    found: dict[Hashable, list[Item]] = {}
    for one in items:
        found.setdefault(key(one), []).append(one)
    return list(found.values())


def listed(subjects: Sequence[str]) -> str:
    """Name up to three subjects, and of more their number and the first three: `150, for example a, b, c`."""
    shown = ", ".join(subjects[:EXAMPLES])
    return shown if len(subjects) <= EXAMPLES else f"{len(subjects):,}, for example {shown}"
