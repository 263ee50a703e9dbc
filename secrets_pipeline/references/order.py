"""Put what depends on each other in order, and find the circles."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node")


def break_cycles(
    items: Sequence[Node], dependencies: Callable[[Node], Iterable[Node]]
) -> tuple[list[Node], list[list[Node]]]:
    """The items, each after what it depends on, and the chains of those that depend on themselves in the end.

    Args:
        items: in declaration order; hashable and distinct.
        dependencies: what an item needs; what is not among `items` is ignored.

    Returns:
        Every item once, each after what it depends on, where what a chain needs does not count, and among equals the
        one that was declared first; and the chains, each from what was declared first, not repeated at the end.
    """
    cut: set[Node] = set()
    chains: list[list[Node]] = []
    while True:
        ordered, left, needs, place = _sorted(items, lambda item: () if item in cut else dependencies(item))
        if not left:
            return ordered, chains
        found = _cycles(left, needs, place)
        chains += found
        cut.update(item for chain in found for item in chain)


def _sorted(
    items: Sequence[Node], dependencies: Callable[[Node], Iterable[Node]]
) -> tuple[list[Node], list[Node], dict[Node, set[Node]], dict[Node, int]]:
    """What can be ordered, what is left, what each item needs, and where it was declared."""
    place = {item: index for index, item in enumerate(items)}
    needs = {item: {d for d in dependencies(item) if d in place} for item in items}
    needed_by: dict[Node, list[Node]] = {item: [] for item in items}
    for item, wanted in needs.items():
        for dependency in wanted:
            needed_by[dependency].append(item)
    missing = {item: len(wanted) for item, wanted in needs.items()}
    ready = [index for index, item in enumerate(items) if not missing[item]]
    ordered: list[Node] = []
    while ready:
        item = items[heapq.heappop(ready)]
        ordered.append(item)
        for dependent in needed_by[item]:
            missing[dependent] -= 1
            if not missing[dependent]:
                heapq.heappush(ready, place[dependent])
    return ordered, [item for item in items if missing[item]], needs, place


def _cycles(left: Sequence[Node], needs: Mapping[Node, Iterable[Node]], place: Mapping[Node, int]) -> list[list[Node]]:
    """One chain per cycle among the items that could not be ordered; each starts with what was declared first."""
    stuck = set(left)
    seen: set[Node] = set()
    cycles = []
    for start in left:
        walked: list[Node] = []
        item = start
        while item not in seen:
            seen.add(item)
            walked.append(item)
            item = min((d for d in needs[item] if d in stuck), key=lambda d: place[d])
        if item in walked:
            cycle = walked[walked.index(item) :]
            first = cycle.index(min(cycle, key=lambda one: place[one]))
            cycles.append([*cycle[first:], *cycle[:first]])
    return cycles
