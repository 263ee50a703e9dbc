"""The functions that an expression may call, and how a value reads inside a text."""

from __future__ import annotations

import json
from urllib.parse import quote

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.model import Json

_TAKES = {"keys": "a map", "values": "a map", "urlencode": "a string or a number", "not": "true or false"}

FUNCTIONS = tuple(_TAKES)
"""What may be called: `${keys(x)}`; `${!x}` is `not`."""


def apply(function: str, value: Json) -> Json:
    """Call `function`.

    Raises:
        ExpressionError: if it cannot take the value, which the text does not show.
    """
    match function, value:
        case "keys", dict():
            return list(value)
        case "values", dict():
            return list(value.values())
        case "urlencode", str() | int() | float():
            return quote(as_text(value), safe="")
        case "not", bool():
            return not value
        case "not", "true" | "false":
            return value == "false"
        case _:
            raise unsuited(function)


def unsuited(function: str) -> ExpressionError:
    """The error for an argument that `function` cannot take."""
    return ExpressionError(
        f"{function}() cannot take its argument", remedy=f"Give it {_TAKES.get(function, 'another argument')}."
    )


def as_text(value: Json) -> str:
    """A value inside a text: a string as it stands, anything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
