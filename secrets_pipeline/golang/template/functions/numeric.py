"""Sprig's arithmetic (documentation: "Integer Math Functions", "Float Math Functions", "Integer List Functions")."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.printing import float_text
from secrets_pipeline.golang.template.functions.conversions import int64, to_float, to_int64
from secrets_pipeline.golang.values import Function, Int64, Value

_DECIMAL_PLACES: Final = 10**16  # precision of a division in shopspring/decimal
MAX_ITEMS: Final = 1_000_000
_HALF: Final = 0.5
_START_STEP_END: Final = 3


def numbers(start: int, stop: int, step: int) -> list[int]:
    """Sprig's `untilStep`: from `start` up or down to before `stop`; nothing if the step leads away from it.

    Raises:
        FunctionFailure: if there are too many of them.
    """
    if step == 0 or (step < 0) != (stop < start):
        return []
    span = range(start, stop, step)
    if len(span) > MAX_ITEMS:
        raise FunctionFailure(f"a list of more than {MAX_ITEMS} numbers is not supported")
    return list(span)


def remainder(dividend: int, divisor: int) -> Int64:
    """Go's `%`, which has the sign of the dividend.

    Raises:
        FunctionFailure: if the divisor is zero.
    """
    return int64(dividend - divisor * _quotient(dividend, divisor))


def round_half(value: float, places: int, threshold: float) -> float:
    """Sprig's `round`: away from zero only for positive numbers."""
    try:
        power = math.pow(10, places)
        digits = power * value
        fraction, _ = math.modf(digits)
        rounded = float(math.ceil(digits) if fraction >= threshold else math.floor(digits))
    except (OverflowError, ValueError):
        return math.nan
    return rounded / power if power else math.nan


def whole(number: float, rounding: Callable[[float], int]) -> float:
    """A number rounded to a whole one, with its sign even if that is zero."""
    return math.copysign(float(rounding(number)), number) if math.isfinite(number) else number


def _quotient(dividend: int, divisor: int) -> int:
    if divisor == 0:
        raise FunctionFailure("runtime error: integer divide by zero")
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def _add(*terms: Value) -> Int64:
    return int64(sum(map(to_int64, terms)))


def _add1(value: Value) -> Int64:
    return int64(to_int64(value) + 1)


def _sub(left: Value, right: Value) -> Int64:
    return int64(to_int64(left) - to_int64(right))


def _mul(first: Value, *factors: Value) -> Int64:
    product = to_int64(first)
    for factor in factors:
        product = int64(product * to_int64(factor))
    return product


def _div(left: Value, right: Value) -> Int64:
    return int64(_quotient(to_int64(left), to_int64(right)))


def _mod(left: Value, right: Value) -> Int64:
    return remainder(to_int64(left), to_int64(right))


def _max(first: Value, *others: Value) -> Int64:
    return max(map(to_int64, (first, *others)))


def _min(first: Value, *others: Value) -> Int64:
    return min(map(to_int64, (first, *others)))


def _maxf(first: Value, *others: Value) -> float:
    values = [to_float(value) for value in (first, *others)]
    return math.nan if any(map(math.isnan, values)) else max(values)


def _minf(first: Value, *others: Value) -> float:
    values = [to_float(value) for value in (first, *others)]
    return math.nan if any(map(math.isnan, values)) else min(values)


def _decimal(value: Value) -> Fraction:
    number = to_float(value)
    if not math.isfinite(number):
        raise FunctionFailure(f"Cannot create a Decimal from {float_text(number)}")
    return Fraction(repr(number))


def _fold(first: Value, others: tuple[Value, ...], operation: Callable[[Fraction, Fraction], Fraction]) -> float:
    result = _decimal(first)
    for other in others:
        result = operation(result, _decimal(other))
    try:
        return float(result)
    except OverflowError:
        return math.inf if result > 0 else -math.inf


def _quotient_of_decimals(dividend: Fraction, divisor: Fraction) -> Fraction:
    if divisor == 0:
        raise FunctionFailure("decimal division by 0")
    scaled = abs(dividend / divisor) * _DECIMAL_PLACES
    rounded = Fraction(math.floor(scaled + Fraction(1, 2)), _DECIMAL_PLACES)
    return rounded if (dividend < 0) == (divisor < 0) else -rounded


def _addf(*terms: Value) -> float:
    return _fold(0.0, terms, lambda total, term: total + term)


def _add1f(value: Value) -> float:
    return _addf(value, 1)


def _subf(first: Value, *others: Value) -> float:
    return _fold(first, others, lambda total, term: total - term)


def _mulf(first: Value, *others: Value) -> float:
    return _fold(first, others, lambda product, factor: product * factor)


def _divf(first: Value, *others: Value) -> float:
    return _fold(first, others, _quotient_of_decimals)


def _ceil(value: Value) -> float:
    return whole(to_float(value), math.ceil)


def _floor(value: Value) -> float:
    return whole(to_float(value), math.floor)


def _round(value: Value, places: int, *threshold: float) -> float:
    return round_half(to_float(value), places, threshold[0] if threshold else _HALF)


def _until(count: int) -> list[int]:
    return numbers(0, count, -1 if count < 0 else 1)


def _seq(*bounds: int) -> str:
    match bounds:
        case (end,):
            start, step = 1, 0
        case (start, end):
            step = 0
        case (start, step, end):
            if end < start and step > 0:
                return ""
        case _:
            return ""
    direction = -1 if end < start else 1
    steps = step if len(bounds) == _START_STEP_END else direction
    return " ".join(map(str, numbers(start, end + direction, steps)))


FUNCTIONS: Final[Mapping[str, Function]] = {
    "add": _add,
    "add1": _add1,
    "add1f": _add1f,
    "addf": _addf,
    "biggest": _max,
    "ceil": _ceil,
    "div": _div,
    "divf": _divf,
    "floor": _floor,
    "max": _max,
    "maxf": _maxf,
    "min": _min,
    "minf": _minf,
    "mod": _mod,
    "mul": _mul,
    "mulf": _mulf,
    "round": _round,
    "seq": _seq,
    "sub": _sub,
    "subf": _subf,
    "until": _until,
    "untilStep": numbers,
}
