"""Limit how deep values are nested: what merges, prints and compares them recurses, and Python's own stack ends."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.golang.values import Value

MAX_DEPTH: Final = 200
"""Mappings and lists within each other, in a manifest with what it includes."""

MAX_RESULT_DEPTH: Final = 50
"""The same of what a function returns, which comes on top of where it stands."""

_PROBLEM: Final = "nested too deeply: more than {} mappings and lists within each other"
TOO_DEEP: Final = _PROBLEM.format(MAX_DEPTH)


class NestingError(ValueError):
    """A value is nested too deeply."""

    def __init__(self, most: int = MAX_DEPTH) -> None:
        super().__init__(_PROBLEM.format(most))


def require_depth(value: Value, above: int = 0, most: int = MAX_DEPTH) -> None:
    """Refuse a value that is nested too deeply.

    Args:
        value: what has no cycles.
        above: mappings and lists that it will be in.
        most: how many there may be, its own among them.

    Raises:
        NestingError: if there are more.
    """
    level = [value]
    depth = above
    # Each list and mapping once a level, however often it is shared: level by level takes the longest way to it.
    while level := list({id(one): one for one in level if isinstance(one, dict | list)}.values()):
        depth += 1
        if depth > most:
            raise NestingError(most)
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
