"""Print values as Go's fmt does by default (`%v`, `print`, `println`), and quote strings (`strconv.Quote`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from secrets_pipeline.golang.limits import require_printable, spend_on
from secrets_pipeline.golang.values import Namespace, Value

NO_VALUE: Final = "<no value>"

_WORDS: Final = {None: "<nil>", True: "true", False: "false"}
_PLAIN_EXPONENTS: Final = range(-4, 6)
_ESCAPES: Final = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
}


def as_text(value: Value) -> str:
    """A value as `%v` prints it: `map[a:1 b:[x y]]`, `<nil>`, `1e+06`.

    Raises:
        FunctionFailure: if it is a list or a map that is too large to print.
    """
    if type(value) is str:
        return value
    if isinstance(value, Mapping | list | tuple):
        require_printable(value)
    return _text(value)


def _text(value: Value) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(_text, value)) + "]"
    return value.name if isinstance(value, Namespace) else str(value)


def float_text(value: float) -> str:
    """A float with as few digits as tell it apart, with an exponent below 1e-4 and from 1e6 (`%g`)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    shortest = Decimal(repr(value)).normalize()
    exponent = shortest.adjusted()
    if exponent in _PLAIN_EXPONENTS:
        return f"{shortest:f}"
    sign, digits, _ = shortest.as_tuple()
    first, *others = map(str, digits)
    return f"{'-' * sign}{first}{'.' * bool(others)}{''.join(others)}e{exponent:+03d}"


def sprint(*values: Value) -> str:
    """What `print` gives: a space only between two values neither of which is a string."""
    parts: list[str] = []
    spaced = False
    for value in values:
        is_text = isinstance(value, str)
        if spaced and not is_text:
            parts.append(" ")
        parts.append(as_text(value))
        spaced = not is_text
    return "".join(parts)


def sprintln(*values: Value) -> str:
    """What `println` gives: a space between all values, and a newline."""
    return " ".join(map(as_text, values)) + "\n"


def quoted(text: str, quote: str = '"', *, ascii_only: bool = False) -> str:
    """The text as a Go string literal; with `'` as the quote, as a character literal."""
    spend_on(text)
    return quote + "".join(_escaped(character, quote, ascii_only=ascii_only) for character in text) + quote


def _escaped(character: str, quote: str, *, ascii_only: bool) -> str:
    if character == quote:
        return "\\" + character
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable() and (character.isascii() or not ascii_only):
        return character
    code = ord(character)
    if code < 0x80:  # noqa: PLR2004 - one byte in UTF-8
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - what \u can say
