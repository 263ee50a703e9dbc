"""Gomplate's `math` namespace: integers if all arguments are, else floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.template.functions.conversions import float_to_int, int64, parse_float, parse_int
from secrets_pipeline.golang.template.functions.namespaces.coercion import integer, number
from secrets_pipeline.golang.template.functions.numeric import MAX_ITEMS, remainder, whole
from secrets_pipeline.golang.values import Function, Int64, Value

_MAX_BOUNDS: Final = 3


def _is_int(value: Value) -> bool:
    if not isinstance(value, str):
        return isinstance(value, int) and not isinstance(value, bool)
    try:
        parse_int(value, 0)
    except ValueError:
        return False
    return True


def _is_float(value: Value) -> bool:
    if not isinstance(value, str):
        return isinstance(value, float)
    try:
        parse_float(value)
    except ValueError:
        return False
    return not _is_int(value)


def _is_num(value: Value) -> bool:
    return _is_int(value) or _is_float(value)


def _abs(value: Value) -> Value:
    size = abs(number(value))
    return Int64(float_to_int(size)) if _is_int(value) else size


def _add(*values: Value) -> Value:
    if any(map(_is_float, values)):
        return sum(map(number, values), 0.0)
    return int64(sum(map(integer, values)))


def _mul(*values: Value) -> Value:
    if any(map(_is_float, values)):
        return math.prod(map(number, values), start=1.0)
    return int64(math.prod(map(integer, values)))


def _sub(left: Value, right: Value) -> Value:
    if _is_float(left) or _is_float(right):
        return number(left) - number(right)
    return int64(integer(left) - integer(right))


def _div(left: Value, right: Value) -> float:
    if number(right) == 0:
        raise FunctionFailure("error: division by 0")
    return number(left) / number(right)


def _rem(left: Value, right: Value) -> Int64:
    return remainder(integer(left), integer(right))


def _pow(base: Value, exponent: Value) -> Value:
    try:
        power = math.pow(number(base), number(exponent))
    except OverflowError:
        power = math.inf
    except ValueError:
        power = math.nan
    return power if _is_float(base) else Int64(float_to_int(power))


def _seq(*bounds: Value) -> list[Int64]:
    if not bounds:
        raise FunctionFailure("math.Seq must be given at least an 'end' value")
    if len(bounds) > _MAX_BOUNDS:
        bounds = (1, 0, 1)
    start = integer(bounds[0]) if len(bounds) > 1 else 1
    end = integer(bounds[1] if len(bounds) > 1 else bounds[0])
    step = integer(bounds[2]) if len(bounds) == _MAX_BOUNDS else 1
    if step == 0:
        return []
    if (end < start) != (step < 0) and end != start:
        step = -step
    if abs(end - start) // abs(step) > MAX_ITEMS:
        raise FunctionFailure(f"a list of more than {MAX_ITEMS} numbers is not supported")
    return [Int64(one) for one in range(start, end + (1 if step > 0 else -1), step)]


def _chosen(choose: Callable[..., Value], values: tuple[Value, ...]) -> Value:
    if any(map(_is_float, values)):
        found = [number(value) for value in values]
        return math.nan if any(map(math.isnan, found)) else choose(found)
    return choose(map(integer, values))


def _max(first: Value, *others: Value) -> Value:
    return _chosen(max, (first, *others))


def _min(first: Value, *others: Value) -> Value:
    return _chosen(min, (first, *others))


def _ceil(value: Value) -> float:
    return whole(number(value), math.ceil)


def _floor(value: Value) -> float:
    return whole(number(value), math.floor)


def _round(value: Value) -> float:
    return whole(number(value), lambda size: int(math.copysign(math.floor(abs(size) + 0.5), size)))


METHODS: Final[Mapping[str, Function]] = {
    "Abs": _abs,
    "Add": _add,
    "Ceil": _ceil,
    "Div": _div,
    "Floor": _floor,
    "IsFloat": _is_float,
    "IsInt": _is_int,
    "IsNum": _is_num,
    "Max": _max,
    "Min": _min,
    "Mul": _mul,
    "Pow": _pow,
    "Rem": _rem,
    "Round": _round,
    "Seq": _seq,
    "Sub": _sub,
}
ALIASES: Final[Mapping[str, Function]] = {
    "add": _add,
    "div": _div,
    "mul": _mul,
    "pow": _pow,
    "rem": _rem,
    "seq": _seq,
    "sub": _sub,
}
