"""Merge a component's sections so that functions do not replace what they may merge with.

Atmos `pkg/merge/merge_yaml_functions.go`: a function is put aside, and with it what the other layers have at its key;
these merge when the function has a value.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_all, merge_maps

_TAGS: Final = (
    "!template",
    "!terraform.output",
    "!terraform.state",
    "!store",
    "!exec",
    "!env",
    "!labels",
    "!tags",
)
"""Functions that are evaluated after this merge; what begins with one of them is one, as in Atmos."""

Path = tuple[str, ...]
"""Keys, from the outermost."""


class NotAMapping(Exception):
    """A layer replaces a mapping by something else, though a lower layer has a function in it.

    Attributes:
        path: of what is not a mapping.
        function: path of the function.
    """

    def __init__(self, path: Path, function: Path) -> None:
        self.path = path
        self.function = function
        super().__init__(
            f"cannot navigate path: {'.'.join(path)} is not a map here, but an inherited one holds the function of "
            f"{'.'.join(function)}"
        )


@dataclass(frozen=True, slots=True)
class Deferred:
    """What several layers have at one key, at least one of them a function.

    Attributes:
        values: functions and others, lowest precedence first; never `null`.
        lists: how lists merge.
    """

    values: Sequence[Value]
    lists: ListStrategy

    def settled(self) -> Value:
        """The values merged; a function that is still one is a text like any other.

        The first decides: after a mapping, mappings merge over it until something else ends that; after a list, lists
        follow their strategy; after anything else the last one counts.
        """
        values = self.values
        if isinstance(values[0], dict):
            ending = next((value for value in values if not isinstance(value, dict)), None)
            return functools.reduce(merge_maps, values) if ending is None else ending
        if not isinstance(values[0], list) or self.lists is ListStrategy.REPLACE:
            return values[-1]
        if self.lists is ListStrategy.APPEND:
            return [item for value in values if isinstance(value, list) for item in value]
        ending = next((value for value in values if not isinstance(value, list)), None)
        return functools.reduce(_by_index, values) if ending is None else ending


def _by_index(earlier: list[Value], later: list[Value]) -> list[Value]:
    both = [
        merge_maps(before, after) if isinstance(before, dict) and isinstance(after, dict) else after
        for before, after in zip(earlier, later, strict=False)
    ]
    return [*both, *earlier[len(both) :], *later[len(both) :]]


def merge_layers(layers: Sequence[Section], lists: ListStrategy) -> tuple[Section, dict[Path, Deferred]]:
    """The layers merged, functions as text; and by path what is to be merged again once its functions have values.

    A later `null` does not take a function away.

    Args:
        layers: lowest precedence first.
        lists: how lists merge.

    Raises:
        NotAMapping: if a layer replaces a mapping that has a function in it.
    """
    paths = sorted({path for layer in layers for path in _functions(layer)}, key=len)
    if not paths:
        return merge_all(layers, lists), {}
    merged = merge_all([_without(layer) for layer in layers], lists)
    deferred: dict[Path, Deferred] = {}
    for path in paths:
        found = Deferred([value for layer in layers if (value := _at(layer, path)) is not None], lists)
        merged = with_value(merged, path, found.settled())
        if len(found.values) > 1 or any(path[:depth] in deferred for depth in range(1, len(path))):
            deferred[path] = found
    return merged, deferred


def is_deferred(value: Value) -> bool:
    """Whether a value is a function that is evaluated after the merge."""
    return isinstance(value, str) and value.startswith(_TAGS)


def _functions(section: Section, path: Path = ()) -> Iterator[Path]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _functions(value, (*path, key))
        elif is_deferred(value):
            yield (*path, key)


def _without(section: Section) -> Section:
    """The section with `null` for each function, which keeps it from replacing a mapping or being merged with one."""
    return {
        key: _without(value) if isinstance(value, dict) else None if is_deferred(value) else value
        for key, value in section.items()
    }


def _at(section: Section, path: Path) -> Value:
    """What a layer has at a path; of a mapping, all but the functions in it, which have paths of their own."""
    value: Value = section
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return _without(value) if isinstance(value, dict) else value


def with_value(section: Section, path: Path, value: Value) -> Section:
    """A copy of the section, as far as it changes, with a value at a path.

    Raises:
        NotAMapping: if something on the way is not a mapping.
    """
    copy = {**section}
    inner = copy
    for depth, key in enumerate(path[:-1], start=1):
        below = inner.get(key, {})
        if not isinstance(below, dict):
            raise NotAMapping(path[:depth], path)
        inner[key] = {**below}
        inner = inner[key]
    inner[path[-1]] = value
    return copy
