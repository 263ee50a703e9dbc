"""Read Go's literals: strings, characters and numbers (`strconv.Unquote`, `newNumber` of text/template/parse)."""

from __future__ import annotations

import re
from typing import Final

from secrets_pipeline.golang.printing import quoted

_ESCAPE: Final = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\'\"])|(?P<octal>[0-7]{3})|x(?P<byte>[0-9a-fA-F]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>.?))",
    re.DOTALL,
)
_SIMPLE: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_LOST_UNDERSCORE: Final = re.compile(r"(?<![0-9bBoO])_|_(?![0-9])")
_LOST_HEX_UNDERSCORE: Final = re.compile(r"(?<![0-9a-fA-FxX])_|_(?![0-9a-fA-F])")
_INTEGER: Final = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<binary>[01]+)|0[oO]?(?P<octal>[0-7]+)"
    r"|(?P<decimal>0|[1-9][0-9]*))"
)
_BASES: Final = {"hex": 16, "binary": 2, "octal": 8, "decimal": 10}
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEX_FLOAT: Final = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_LONGEST: Final = 1000
_INT64: Final = range(-(2**63), 2**63)
_UINT64: Final = range(2**64)
_MAX_RUNE: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_MAX_BYTE: Final = 0xFF


def unquote(source: str) -> str:
    """The text that a quoted or raw string literal means.

    Raises:
        ValueError: if it has an escape that Go does not know.
    """
    if source[0] == "`":
        return source[1:-1].replace("\r", "")
    return _unescaped(source[1:-1], '"')


def number(source: str) -> tuple[int | float | None, int | None]:
    """The value of a number where any type will do, and where an integer is expected.

    The first is None if Go's `int` cannot hold it, the second if it is not integral.

    Raises:
        ValueError: if it is not a number of Go.
    """
    if source[0] == "'":
        character = _unescaped(source[1:-1], "'")
        if not character:
            raise ValueError("invalid syntax")
        if len(character) != 1:
            raise ValueError(f"malformed character constant: {source}")
        return ord(character), ord(character)
    if source.endswith("i") and source[-2:-1].isdigit():
        raise ValueError(f"complex constants are not supported: {source}")
    is_hex = source.lstrip("+-")[:2] in ("0x", "0X")
    if len(source) > _LONGEST or (_LOST_HEX_UNDERSCORE if is_hex else _LOST_UNDERSCORE).search(source):
        raise ValueError(f"illegal number syntax: {quoted(source)}")
    plain = source.replace("_", "")
    integer = _integer(plain)
    if integer is not None:
        return (integer, integer) if integer in _INT64 else (None, None)
    value = _float(plain)
    if value is None:
        raise ValueError(f"illegal number syntax: {quoted(source)}")
    if not set(plain) & set(".eEpP"):
        raise ValueError(f"integer overflow: {quoted(source)}")
    return value, int(value) if value.is_integer() and int(value) in _INT64 else None


def _integer(plain: str) -> int | None:
    match = _INTEGER.fullmatch(plain)
    if match is None:
        return None
    base = next(name for name in _BASES if match[name] is not None)
    value = int(match["sign"] + match[base], _BASES[base])
    return value if value in _INT64 or (value in _UINT64 and not match["sign"]) else None


def _float(plain: str) -> float | None:
    if _FLOAT.fullmatch(plain):
        value = float(plain)
    elif _HEX_FLOAT.fullmatch(plain):
        try:
            value = float.fromhex(plain)
        except OverflowError:
            return None
    else:
        return None
    return None if value in (float("inf"), float("-inf")) else value


def _unescaped(text: str, quote: str) -> str:
    if "\\" not in text:
        return text
    pieces = bytearray()
    end = 0
    for match in _ESCAPE.finditer(text):
        pieces += text[end : match.start()].encode() + _meaning(match, quote)
        end = match.end()
    return (pieces + text[end:].encode()).decode(errors="replace")


def _meaning(match: re.Match[str], quote: str) -> bytes:
    if match["simple"] is not None and (match["simple"] in _SIMPLE or match["simple"] == quote):
        return _SIMPLE.get(match["simple"], quote).encode()
    for group, base in (("octal", 8), ("byte", 16)):
        if match[group] is not None and int(match[group], base) <= _MAX_BYTE:
            return bytes([int(match[group], base)])
    code = match["short"] or match["long"]
    if code is None or int(code, 16) > _MAX_RUNE or int(code, 16) in _SURROGATES:
        raise ValueError("invalid syntax")
    return chr(int(code, 16)).encode()
