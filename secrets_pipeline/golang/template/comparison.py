"""Compare values as text/template does: `eq` and its kin, with Go's strictness about types."""

from __future__ import annotations

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.values import Value, go_type, is_map

_INCOMPATIBLE = "incompatible types for comparison"
_INVALID = "invalid type for comparison"


def _kind(value: Value) -> str:
    """The basic kind of a value, one for integers of all sizes; empty if it has none, as lists, maps and nil."""
    if isinstance(value, bool | str | float):
        return go_type(value)
    return "int" if isinstance(value, int) else ""


def equal(first: Value, *others: Value) -> bool:
    """Whether the first value equals any other (`eq`).

    Raises:
        FunctionFailure: if types differ (`1` and `1.0`), or lists or maps are compared.
    """
    if not others:
        raise FunctionFailure("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(first: Value, second: Value) -> bool:
    if first is None or second is None:
        return first is None and second is None
    kind = _kind(first)
    if kind != _kind(second):
        raise FunctionFailure(_INCOMPATIBLE)
    if not kind and is_map(first) != is_map(second):
        raise FunctionFailure(f"non-comparable types {go_type(first)}, {go_type(second)}")
    if not kind and isinstance(second, list | tuple | dict):
        raise FunctionFailure(f"non-comparable type {go_type(second)}")
    return bool(first == second)


def not_equal(first: Value, second: Value) -> bool:
    """Whether two values differ (`ne`)."""
    return not equal(first, second)


def less(first: Value, second: Value) -> bool:
    """Whether the first number or string is less than the second (`lt`).

    Raises:
        FunctionFailure: if one is neither, or their types differ.
    """
    kinds = _kind(first), _kind(second)
    if not all(kinds):
        raise FunctionFailure(_INVALID)
    if kinds[0] != kinds[1]:
        raise FunctionFailure(_INCOMPATIBLE)
    if kinds[0] == "bool":
        raise FunctionFailure(_INVALID)
    return bool(first < second)


def less_or_equal(first: Value, second: Value) -> bool:
    """`le`, see `less`."""
    return less(first, second) or equal(first, second)


def greater(first: Value, second: Value) -> bool:
    """`gt`, see `less`."""
    return not less_or_equal(first, second)


def greater_or_equal(first: Value, second: Value) -> bool:
    """`ge`, see `less`."""
    return not less(first, second)
