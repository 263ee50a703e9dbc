"""Read plain scalars as Go's yaml.v3 does, and print values as Go does (`resolve.go` of yaml.v3)."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Final

from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tag_names import named

__all__ = [
    "BINARY",
    "BOOL",
    "FLOAT",
    "INT",
    "MAP",
    "MERGE",
    "NULL",
    "SEQ",
    "STR",
    "TIMESTAMP",
    "TYPED_STARTS",
    "as_text",
    "tag_of",
    "value_of",
]

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
# What most scalars are that are no text; a cache would keep those of secrets, too.
_KNOWN: Final[dict[str, tuple[str, Value]]] = {**_WORDS, **{str(number): (INT, number) for number in range(1000)}}
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
TYPED_STARTS: Final = frozenset({"", *_NUMBER_STARTS, *(word[:1] for word in _WORDS)})
"""First characters of unquoted scalars that may be something else than text."""

_MOST_DIGITS: Final = 64  # of an integer of 64 bits, in base 2
_MAYBE_NUMBER: Final = re.compile(r"[-+.0-9][-+._0-9a-fA-FoOxX]*")
_DECIMAL: Final = re.compile(r"[1-9][0-9]{0,17}")
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


def tag_of(text: str) -> str:
    """The implicit tag of an unquoted scalar. Dates stay strings, unlike in yaml.v3."""
    known = _KNOWN.get(text)
    if known is not None:
        return known[0]
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
    known = _KNOWN.get(text)
    if known is not None and known[0] == tag:
        return known[1]
    if tag in (STR, TIMESTAMP):
        return text
    if tag == BINARY:
        try:
            return base64.b64decode(text.replace("\n", ""), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            message = "the value is not base64 of UTF-8 text"
            raise ValueError(message) from None
    number = _number(text) if tag in (INT, FLOAT) and text[:1] in _NUMBER_STARTS else None
    if number is None or (tag == INT and not isinstance(number, int)):
        message = f"the value is not of the type {named(tag)}"
        raise ValueError(message)
    return float(number) if tag == FLOAT else number


def _number(text: str) -> int | float | None:
    if _DECIMAL.fullmatch(text):  # what most numbers are
        return int(text)
    if not _MAYBE_NUMBER.fullmatch(text):
        return None
    if text[0] == ".":
        return _finite(text)
    plain = text.replace("_", "")
    for pattern, base in _BASES:
        if pattern.fullmatch(plain):
            digits = _PREFIX.sub("", plain)
            number = int(digits, base) if len(digits.lstrip("+-0")) <= _MOST_DIGITS else None
            if number is not None and _INT64_MIN <= number <= _UINT64_MAX:
                return number
            break
    return _finite(plain)


def _finite(text: str) -> float | None:
    """A float; like Go's `strconv`, nothing for one that is too large."""
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return None if math.isinf(number) else number
