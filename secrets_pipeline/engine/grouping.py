"""Tell of many things at once: those of which the same is said are one group, with a count and examples. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

EXAMPLES = 3
"""Names that a group of many is told by."""
OTHERS = "each for a reason of its own"
_MOST = 10

Item = TypeVar("Item")


def grouped(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[list[Item]]:
    """Return the items of each key together, in the order in which the keys come first."""
    found: dict[Hashable, list[Item]] = {}
    for one in items:
        found.setdefault(key(one), []).append(one)
    return list(found.values())


def with_examples(subjects: Sequence[str]) -> str:
    """Name up to three subjects, and of more their number and the first three: `150, for example a, b, c`."""
    shown = ", ".join(subjects[:EXAMPLES])
    return shown if len(subjects) <= EXAMPLES else f"{len(subjects):,}, for example {shown}"


def folded(
    items: Iterable[Item],
    *,
    alike: Callable[[Item], Hashable],
    kind: Callable[[Item], Hashable],
    together: Callable[[Sequence[Item]], Item],
    others: Callable[[Sequence[Item]], Item],
) -> list[Item]:
    """Return items, more than three that are alike as one, and of many of a kind the first.

    Args:
        items: in the order in which they are told.
        alike: the same for items of which the same is said.
        kind: the same for items of one kind, of which no more than ten are told, and the rest as one.
        together: makes one of those that are alike.
        others: makes one of those of a kind that are not told.
    """
    told = [
        one for some in grouped(items, alike) for one in ([some] if len(some) > EXAMPLES else [[each] for each in some])
    ]
    found = []
    for of_kind in grouped(told, lambda some: kind(some[0])):
        found += [some[0] if len(some) == 1 else together(some) for some in of_kind[:_MOST]]
        if rest := [one for some in of_kind[_MOST:] for one in some]:
            found.append(others(rest))
    return found
