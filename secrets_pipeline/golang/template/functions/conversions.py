"""Sprig's conversions and questions about types (documentation: "Type Conversion", "Reflection Functions")."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_printable
from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.template.functions.kinds import deep_equal, is_list, kind_of
from secrets_pipeline.golang.values import Function, Int64, Value, go_type

MIN_INT64: Final = -(2**63)
MAX_INT64: Final = 2**63 - 1

LONGEST_NUMBER: Final = 1_000
"""Characters of a number in a text. Go's `strconv` reads longer ones too, which says no more: we refuse them."""

_PREFIXES: Final = {"0x": 16, "0b": 2, "0o": 8}
_UNDERSCORED: Final = re.compile(r"[+-]?(?:0[xXbBoO]|0)?(?:_?[0-9a-fA-F])+")
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEX_FLOAT: Final = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_SEPARATOR: Final = re.compile(r"(?<=[0-9a-fA-FxX])_(?=[0-9a-fA-F])")
_FLOAT_WORD: Final = re.compile(r"[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_ZERO_DECIMALS: Final = re.compile(r"\.0+\Z")


def parse_int(text: str, base: int, bits: int = 64) -> int:
    """Go's `strconv.ParseInt`; base 0 reads prefixes and underscores.

    Raises:
        ValueError: if it is not a number of that base, or out of range.
    """
    bits = bits or 64
    digits = text.lower()
    sign = digits[:1] if digits[:1] in {"+", "-"} else ""
    digits = digits.removeprefix(sign)
    if base == 0:
        if "_" in digits and not _UNDERSCORED.fullmatch(digits):
            raise ValueError(text)
        base = _PREFIXES.get(digits[:2], 8 if digits[:1] == "0" and len(digits) > 1 else 10)
        digits = digits[2:] if digits[:2] in _PREFIXES else digits
        digits = digits.replace("_", "")
    if not (digits.isascii() and digits.isalnum()):
        raise ValueError(text)
    number = int(sign + digits, base) if len(digits) <= bits + 1 else MAX_INT64 + 1
    bound = 2 ** (bits - 1)
    if not -bound <= number < bound:
        raise ValueError(text)
    return number


def parse_float(text: str) -> float:
    """Go's `strconv.ParseFloat`.

    Raises:
        ValueError: if it is not a number, or too large for one.
        FunctionFailure: if it is one of more characters than `LONGEST_NUMBER`.
    """
    if _FLOAT_WORD.fullmatch(text):
        return float(text)
    text = _SEPARATOR.sub("", text)
    decimal = _FLOAT.fullmatch(text)
    if not decimal and not _HEX_FLOAT.fullmatch(text):
        raise ValueError(text)
    if len(text) > LONGEST_NUMBER:
        raise FunctionFailure(f"a number of more than {LONGEST_NUMBER} characters is not supported")
    if decimal:
        value = float(text)
    else:
        try:
            value = float.fromhex(text)
        except OverflowError:
            raise ValueError(text) from None
    if math.isinf(value):
        raise ValueError(text)
    return value


def parse_bool(text: str) -> bool:
    """Go's `strconv.ParseBool`.

    Raises:
        ValueError: if it is none of its words.
    """
    if text in {"1", "t", "T", "true", "TRUE", "True"}:
        return True
    if text in {"0", "f", "F", "false", "FALSE", "False"}:
        return False
    raise ValueError(text)


def int64(number: int) -> Int64:
    """A number as it wraps around in 64 bits."""
    return Int64((number - MIN_INT64) % 2**64 + MIN_INT64)


def float_to_int(value: float) -> int:
    """Go's conversion on amd64: towards zero; what does not fit becomes the smallest integer."""
    return int(value) if MIN_INT64 <= value <= MAX_INT64 else MIN_INT64


def to_int(value: Value) -> int:
    """spf13/cast's `ToInt`: text in any base, floats towards zero, 0 for what is no number."""
    if isinstance(value, float):
        return float_to_int(value)
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, str):
        return 0
    try:
        return parse_int(_ZERO_DECIMALS.sub("", value), 0)
    except ValueError:
        return 0


def to_int64(value: Value) -> Int64:
    """The same as Go's `int64`."""
    return int64(to_int(value))


def to_float(value: Value) -> float:
    """spf13/cast's `ToFloat64`: 0 for what is no number."""
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return 0.0
    try:
        return parse_float(value)
    except ValueError:
        return 0.0


def strings_of(value: Value) -> list[str]:
    """Sprig's `toStrings`: a list's items but nil; a single value as one item; nothing for nil."""
    if is_list(value):
        require_printable(value)
        return [as_text(item) for item in value if item is not None]
    return [] if value is None else [as_text(value)]


def _atoi(text: str) -> int:
    try:
        return parse_int(text, 10)
    except ValueError:
        return 0


def _to_decimal(value: Value) -> Int64:
    try:
        return Int64(parse_int(as_text(value), 8))
    except ValueError:
        return Int64(0)


def _type_is(target: str, value: Value) -> bool:
    return target == go_type(value)


def _type_is_like(target: str, value: Value) -> bool:
    return go_type(value) in {target, "*" + target}


def _kind_is(target: str, value: Value) -> bool:
    return target == kind_of(value)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "atoi": _atoi,
    "deepEqual": deep_equal,
    "float64": to_float,
    "int": to_int,
    "int64": to_int64,
    "kindIs": _kind_is,
    "kindOf": kind_of,
    "toDecimal": _to_decimal,
    "toString": as_text,
    "toStrings": strings_of,
    "typeIs": _type_is,
    "typeIsLike": _type_is_like,
    "typeOf": go_type,
}
