"""Hide what YAML says in plain text, and make its special values plain."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.stacks import Value

MASK = "********"
_KEY = "secret_data"


def masked(sections: Value) -> Value:
    """The same tree with every leaf under a `secret_data` key replaced.

    Wherever the key stands: inherited variables show up in components of other kinds, too.
    """
    if isinstance(sections, Mapping):
        return {key: _hidden(value) if key == _KEY else masked(value) for key, value in sections.items()}
    if isinstance(sections, list):
        return [masked(value) for value in sections]
    return sections


def plain(value: Value) -> Value:
    """The same tree of `dict`, `list`, `str` and scalars alone; functions become their text, as Atmos prints them."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value


def _hidden(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {key: _hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    return value if value is None else MASK
