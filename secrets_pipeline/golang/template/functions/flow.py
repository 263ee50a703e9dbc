"""Sprig's defaults and flow control (documentation: "Default Functions", "Flow Control Functions")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.template.functions.kinds import is_empty
from secrets_pipeline.golang.values import Function, Value


def fail(message: str) -> str:
    """Fail the template on purpose.

    Raises:
        FunctionFailure: always.
    """
    raise FunctionFailure(message)


def ternary(when_true: Value, when_false: Value, condition: bool) -> Value:
    """One of two values."""
    return when_true if condition else when_false


def _default(default: Value, *given: Value) -> Value:
    return given[0] if given and not is_empty(given[0]) else default


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if not is_empty(value)), None)


def _all(*values: Value) -> bool:
    return not any(map(is_empty, values))


def _any(*values: Value) -> bool:
    return not all(map(is_empty, values))


FUNCTIONS: Final[Mapping[str, Function]] = {
    "all": _all,
    "any": _any,
    "coalesce": _coalesce,
    "default": _default,
    "empty": is_empty,
    "fail": fail,
    "ternary": ternary,
}
