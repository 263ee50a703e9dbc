"""Gomplate's `conv` namespace: conversions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure, checked
from secrets_pipeline.golang.limits import spend
from secrets_pipeline.golang.template.functions.conversions import parse_bool, parse_float, parse_int
from secrets_pipeline.golang.template.functions.kinds import is_list
from secrets_pipeline.golang.template.functions.lists import list_of
from secrets_pipeline.golang.template.functions.namespaces.coercion import constant, integer, number, text, texts, truth
from secrets_pipeline.golang.template.functions.namespaces.coll import dict_of, has
from secrets_pipeline.golang.template.functions.strings import join_texts
from secrets_pipeline.golang.template.functions.urls import parse_url
from secrets_pipeline.golang.values import Function, GoObject, Int64, Value, is_true


class _Url(GoObject):
    """Go's `url.URL`, whose parts templates read as fields."""

    __slots__ = ()
    go_type = "*url.URL"
    go_kind = "ptr"


def url(value: Value) -> GoObject:
    """The URL that a text writes.

    Raises:
        FunctionFailure: if it is none.
    """
    parsed = checked(parse_url, text(value))
    parts = {
        "EscapedPath": parsed.raw_path or parsed.path,
        "Fragment": parsed.fragment,
        "Host": parsed.host,
        "Hostname": parsed.hostname,
        "Opaque": parsed.opaque,
        "Path": parsed.path,
        "Port": parsed.port,
        "RawQuery": parsed.query,
        "Scheme": parsed.scheme,
        "String": str(parsed),
        "User": parsed.userinfo,
    }
    return _Url(str(parsed), {name: constant(part) for name, part in parts.items()})


def _each(function: Callable[[Value], Value]) -> Function:
    def called(*values: Value) -> list[Value]:
        return list(map(function, values))

    return called


def _bool(value: Value) -> bool:
    try:
        return parse_bool(text(value))
    except ValueError:
        return False


def _join(values: Value, separator: str) -> str:
    if not is_list(values):
        raise FunctionFailure("input to Join must be an array")
    spend(len(values))
    return join_texts(list(map(text, values)), separator)


def _parse_int(value: Value, base: int, bits: int) -> Int64:
    try:
        return Int64(parse_int(text(value), base, bits))
    except ValueError:
        return Int64(0)


def _parse_float(value: Value, _bits: int) -> float:
    try:
        return parse_float(text(value))
    except ValueError:
        return 0.0


def _atoi(value: Value) -> int:
    return int(_parse_int(value, 10, 64))


def _to_int(value: Value) -> int:
    return int(integer(value))


def _to_strings(*values: Value) -> list[str]:
    return texts(values)


def _default(default: Value, value: Value) -> Value:
    return value if is_true(value) else default


METHODS: Final[Mapping[str, Function]] = {
    "Atoi": _atoi,
    "Bool": _bool,
    "Default": _default,
    "Dict": dict_of,
    "Has": has,
    "Join": _join,
    "ParseFloat": _parse_float,
    "ParseInt": _parse_int,
    "ParseUint": _parse_int,
    "Slice": list_of,
    "ToBool": truth,
    "ToBools": _each(truth),
    "ToFloat64": number,
    "ToFloat64s": _each(number),
    "ToInt": _to_int,
    "ToInt64": integer,
    "ToInt64s": _each(integer),
    "ToInts": _each(_to_int),
    "ToString": text,
    "ToStrings": _to_strings,
    "URL": url,
}
ALIASES: Final[Mapping[str, Function]] = {"bool": _bool, "default": _default, "join": _join, "urlParse": url}
