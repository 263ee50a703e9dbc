"""What gomplate's functions make of their arguments (`conv` package of gomplate v3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_printable
from secrets_pipeline.golang.printing import float_text
from secrets_pipeline.golang.template.functions.conversions import float_to_int, parse_float, parse_int
from secrets_pipeline.golang.template.functions.kinds import is_list
from secrets_pipeline.golang.template.printf import sprintf
from secrets_pipeline.golang.values import INVALID, GoObject, Int64, Value, go_type

T = TypeVar("T")


def text(value: Value) -> str:
    """`conv.ToString`: floats without an exponent, `nil` for nil."""
    if isinstance(value, str):
        return value
    if value is None or value is INVALID:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(repr(value)).normalize():f}" if math.isfinite(value) else float_text(value)
    if isinstance(value, GoObject):
        return value.name
    return str(value) if isinstance(value, int) else sprintf("%s", value)


def of_text(function: Callable[[str], T]) -> Callable[[Value], T]:
    """The same function, of whatever is given as a text."""

    def called(value: Value) -> T:
        return function(text(value))

    return called


def texts(values: tuple[Value, ...]) -> list[str]:
    """`conv.ToStrings`: of one list, its items."""
    items = values[0] if len(values) == 1 and is_list(values[0]) else values
    require_printable(items)
    return [text(item) for item in items]


def integer(value: Value) -> Int64:
    """`conv.ToInt64`: text in any base or as a float, 0 for what is no number."""
    if isinstance(value, float):
        return Int64(float_to_int(value))
    if isinstance(value, int):
        return Int64(value)
    if not isinstance(value, str):
        return Int64(0)
    try:
        return Int64(parse_int(value.replace(",", ""), 0))
    except ValueError:
        return Int64(float_to_int(number(value)))


def number(value: Value) -> float:
    """`conv.ToFloat64`: 0 for what is no number."""
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return 0.0
    plain = value.replace(",", "")
    try:
        return float(parse_int(plain, 0))
    except ValueError:
        pass
    try:
        return parse_float(plain)
    except ValueError:
        return 0.0


def truth(value: Value) -> bool:
    """`conv.ToBool`: true, 1, and the words for them."""
    if isinstance(value, str):
        return value.lower() in {"1", "t", "true", "yes"} or number(value) == 1
    return isinstance(value, int | float) and value == 1


def items(value: Value) -> list[Value]:
    """The items of a list.

    Raises:
        FunctionFailure: if the value is no list.
    """
    if not is_list(value):
        raise FunctionFailure(f"expected an array or slice, but got a {go_type(value)}")
    return list(value)


def constant(value: T) -> Callable[[], T]:
    """A function that always gives the value."""
    return lambda: value


def wrong_count(wanted: str, given: int) -> FunctionFailure:
    """The error of a function that checks for itself how many arguments there are."""
    return FunctionFailure(f"wrong number of args: wanted {wanted}, got {given}")
