"""Read elements of a policy document that may be a scalar or a list."""

from __future__ import annotations

from typing import Any


def listed(value: object) -> list[Any]:
    """The value as a list; nothing for None."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def text_of(value: object) -> str:
    """A scalar as a policy's text: JSON's true is `true`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
