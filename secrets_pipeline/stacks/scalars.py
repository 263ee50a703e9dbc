"""Plain scalars as Go's yaml.v3 reads them, and values as Go prints them (`resolve.go` of yaml.v3)."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Final

from secrets_pipeline.stacks.markers import Value

STR: Final = "tag:yaml.org,2002:str"
INT: Final = "tag:yaml.org,2002:int"
FLOAT: Final = "tag:yaml.org,2002:float"
BOOL: Final = "tag:yaml.org,2002:bool"
NULL: Final = "tag:yaml.org,2002:null"
MERGE: Final = "tag:yaml.org,2002:merge"
BINARY: Final = "tag:yaml.org,2002:binary"
TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
MAP: Final = "tag:yaml.org,2002:map"
SEQ: Final = "tag:yaml.org,2002:seq"

_WORDS: Final[dict[str, tuple[str, Value]]] = {
    "": (NULL, None),
    "<<": (MERGE, "<<"),
    **dict.fromkeys(("~", "null", "Null", "NULL"), (NULL, None)),
    **dict.fromkeys(("true", "True", "TRUE"), (BOOL, True)),
    **dict.fromkeys(("false", "False", "FALSE"), (BOOL, False)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (FLOAT, math.nan)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (FLOAT, math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (FLOAT, -math.inf)),
}
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES: Final = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?(0|[1-9][0-9]*)"), 10),
)
_PREFIX: Final = re.compile(r"(?<=^[-+])0[xXbBoO]|^0[xXbBoO]")
_INT64_MIN: Final = -(2**63)
_UINT64_MAX: Final = 2**64 - 1
_WORDS_OF_GO: Final = {None: "<nil>", True: "true", False: "false"}
_PLAIN_FLOAT: Final = (1e-4, 1e21)  # Go prints floats outside of this range with an exponent


def tag_of(text: str) -> str:
    """The implicit tag of an unquoted scalar. Dates stay strings, unlike in yaml.v3."""
    if text in _WORDS:
        return _WORDS[text][0]
    if text[0] in _NUMBER_STARTS:
        number = _number(text)
        if number is not None:
            return INT if isinstance(number, int) else FLOAT
    return STR


def value_of(tag: str, text: str) -> Value:
    """The Python value of a scalar of a core tag.

    Raises:
        ValueError: if the text is not a value of that tag.
    """
    if tag in (STR, TIMESTAMP):
        return text
    if tag == BINARY:
        try:
            return base64.b64decode(text).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(str(error)) from None
    word = _WORDS.get(text)
    if word is not None and word[0] == tag:
        return word[1]
    number = _number(text) if tag in (INT, FLOAT) and text[:1] in _NUMBER_STARTS else None
    if number is None or (tag == INT and not isinstance(number, int)):
        message = f"cannot decode {text!r} as !!{tag.rpartition(':')[2]}"
        raise ValueError(message)
    return float(number) if tag == FLOAT else number


def _number(text: str) -> int | float | None:
    if text[0] == ".":
        return float(text) if _FLOAT.fullmatch(text) else None
    plain = text.replace("_", "")
    for pattern, base in _BASES:
        if pattern.fullmatch(plain):
            number = int(_PREFIX.sub("", plain), base)
            if _INT64_MIN <= number <= _UINT64_MAX:
                return number
            break
    return float(plain) if _FLOAT.fullmatch(plain) else None


def as_text(value: object) -> str:
    """A value as Go's `%v` prints it, for keys and templates."""
    if value is None or isinstance(value, bool):
        return _WORDS_OF_GO[value]
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{as_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(as_text(item) for item in value) + "]"
    return str(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    low, high = _PLAIN_FLOAT
    if value == 0 or low <= abs(value) < high:
        text = format(value, "f") if value.is_integer() else repr(value)
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        mantissa, _, exponent = format(value, f".{len(repr(value))}e").partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa.removesuffix('.0')}e{exponent[0]}{int(exponent[1:]):02d}"
