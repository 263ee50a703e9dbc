"""List the texts of a value, and where in it they stand."""

from __future__ import annotations

from collections.abc import Iterator

from secrets_pipeline.golang.values import Value

Key = str | int


def texts(value: Value, path: tuple[Key, ...] = ()) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Each text with its keys and indices, in the order of the value; keys of mappings are no texts of it.

    Args:
        value: of a manifest.
        path: where the value itself stands.
    """
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, (*path, index))
