"""JSON as Go's encoding/json reads and writes it, and Sprig's functions for it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NoReturn

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_printable
from secrets_pipeline.golang.printing import float_text
from secrets_pipeline.golang.template.functions.kinds import NilList, is_list
from secrets_pipeline.golang.values import INVALID, Function, Namespace, Value, is_map

_ESCAPES: Final = {'"': r"\"", "\\": r"\\", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ESCAPED: Final = re.compile('[\x00-\x1f"\\\\\u2028\u2029]')
_ESCAPED_FOR_HTML: Final = re.compile('[\x00-\x1f"\\\\\u2028\u2029<>&]')
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_PLAIN_EXPONENTS: Final = (1e-6, 1e21)
_MAX_DEPTH: Final = 200
_TYPICAL_DEPTH: Final = 8  # how often a line is indented


@dataclass(frozen=True, slots=True)
class _Style:
    escaped: re.Pattern[str]
    indent: str | None
    point: bool


def encode(value: Value, *, html: bool = True, indent: str | None = None, point: bool = False) -> str:
    r"""The value as JSON, keys sorted.

    Args:
        value: what to write.
        html: whether `<`, `>` and `&` become `\u003c` and so on.
        indent: text before what is inside of something else, each on a line of its own; None for one line.
        point: whether a float without decimals keeps a `.0`, as gomplate's encoder writes it.

    Raises:
        FunctionFailure: if JSON has no such value, or it is too large to print.
    """
    require_printable(value, 1 + _TYPICAL_DEPTH * len(indent or ""))
    style = _Style(_ESCAPED_FOR_HTML if html else _ESCAPED, indent, point)
    return _encode(value, style, "\n" if indent is not None else "", _MAX_DEPTH)


def decode(text: str) -> Value:
    """The value of a JSON text; every number is a float, as in Go.

    Raises:
        FunctionFailure: if it is not JSON.
    """
    try:
        value = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
        return _without_surrogates(value) if "\\u" in text else value
    except (ValueError, RecursionError) as error:
        raise FunctionFailure(f"invalid JSON: {error}") from None


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"cannot unmarshal number {text} into Go value of type float64")
    return value


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"invalid character {word[:1]!r} looking for beginning of value")


def _without_surrogates(value: Value) -> Value:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_SURROGATES.sub("\ufffd", key): _without_surrogates(inner) for key, inner in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, list) else value


def _encode(value: Value, style: _Style, newline: str, depth: int) -> str:
    if depth == 0:
        raise FunctionFailure("json: unsupported value: nested too deeply")
    inner = newline + (style.indent or "")
    if is_map(value):
        colon = ":" if style.indent is None else ": "
        members = [_text(key, style) + colon + _encode(value[key], style, inner, depth - 1) for key in sorted(value)]
        return _enclosed("{", members, "}", inner, newline)
    if is_list(value) and not isinstance(value, NilList):
        return _enclosed("[", [_encode(item, style, inner, depth - 1) for item in value], "]", inner, newline)
    return _scalar(value, style)


def _enclosed(opening: str, members: list[str], closing: str, inner: str, newline: str) -> str:
    return opening + inner + ("," + inner).join(members) + newline + closing if members else opening + closing


def _scalar(value: Value, style: _Style) -> str:
    if value is None or value is INVALID or isinstance(value, NilList):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        written = _float(value)
        return written + ".0" if style.point and written.removeprefix("-").isdigit() else written
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Namespace):
        # Times and versions say what they are in JSON; the function namespaces of gomplate are empty objects.
        method = value.methods.get("MarshalJSON")
        return _text(method(), style) if method else "{}"
    return _text(str(value), style)


def _text(text: str, style: _Style) -> str:
    return '"' + style.escaped.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise FunctionFailure(f"json: unsupported value: {float_text(value)}")
    low, high = _PLAIN_EXPONENTS
    if value == 0 or low <= abs(value) < high:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}"


def _quietly(text: str) -> Value:
    try:
        return decode(text)
    except FunctionFailure:
        return None


def _to_json(value: Value) -> str:
    try:
        return encode(value)
    except FunctionFailure:
        return ""


def _to_pretty_json(value: Value) -> str:
    try:
        return encode(value, indent="  ")
    except FunctionFailure:
        return ""


def _must_to_pretty_json(value: Value) -> str:
    return encode(value, indent="  ")


def _to_raw_json(value: Value) -> str:
    return encode(value, html=False)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "fromJson": _quietly,
    "mustFromJson": decode,
    "mustToJson": encode,
    "mustToPrettyJson": _must_to_pretty_json,
    "mustToRawJson": _to_raw_json,
    "toJson": _to_json,
    "toPrettyJson": _to_pretty_json,
    "toRawJson": _to_raw_json,
}
