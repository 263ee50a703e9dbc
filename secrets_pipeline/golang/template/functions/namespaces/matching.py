"""Gomplate's namespaces `regexp`, `path` and `filepath`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.template.functions import paths
from secrets_pipeline.golang.template.functions.namespaces.coercion import integer, of_text, text, texts
from secrets_pipeline.golang.template.functions.regex import regexes
from secrets_pipeline.golang.template.functions.regex.patterns import quote_meta
from secrets_pipeline.golang.values import Function, Value

_PAIR: Final = 2
_TRIPLE: Final = 3
_WILDCARD: Final = re.compile(
    r"(?P<star>\*+)|(?P<any>\?)|\[(?P<negated>\^?)(?P<members>(?:(?:\\.|[^\]\\-])(?:-(?:\\.|[^\]\\-]))?)+)\]"
    r"|\\(?P<escaped>.)|(?P<bad>[\[\\])|(?P<plain>[^*?\[\\]+)",
    re.DOTALL,
)


def _find(pattern: Value, value: Value) -> str:
    return regexes.find(text(pattern), text(value))


def _limited(arguments: tuple[Value, ...]) -> tuple[str, str, int]:
    if len(arguments) not in {_PAIR, _TRIPLE}:
        raise FunctionFailure(f"wrong number of args: want 2 or 3, got {len(arguments)}")
    limit = integer(arguments[1]) if len(arguments) == _TRIPLE else -1
    return text(arguments[0]), text(arguments[-1]), limit


def _find_all(*arguments: Value) -> list[str]:
    return regexes.find_all(*_limited(arguments))


def _split(*arguments: Value) -> list[str]:
    return regexes.split(*_limited(arguments))


def _match(pattern: Value, value: Value) -> bool:
    return regexes.match(text(pattern), text(value))


def _replace(pattern: Value, replacement: Value, value: Value) -> str:
    return regexes.replace_all(text(pattern), text(value), text(replacement))


def _replace_literal(pattern: Value, replacement: Value, value: Value) -> str:
    return regexes.replace_literal(text(pattern), text(value), text(replacement))


REGEXP: Final[Mapping[str, Function]] = {
    "Find": _find,
    "FindAll": _find_all,
    "Match": _match,
    "QuoteMeta": of_text(quote_meta),
    "Replace": _replace,
    "ReplaceLiteral": _replace_literal,
    "Split": _split,
}


def _join(*values: Value) -> str:
    return paths.join(*texts(values))


def _split_path(value: Value) -> list[str]:
    whole = text(value)
    end = whole.rfind("/") + 1
    return [whole[:end], whole[end:]]


def _matches(pattern: Value, value: Value) -> bool:
    """Go's `path.Match`: a star stands for anything but `/`."""
    pieces: list[str] = []
    for match in _WILDCARD.finditer(text(pattern)):
        if match["bad"]:
            raise FunctionFailure("syntax error in pattern")
        if match["star"]:
            pieces.append("[^/]*")
        elif match["any"]:
            pieces.append("[^/]")
        elif match["members"]:
            pieces.append(f"[{match['negated']}{match['members'].replace('[', chr(92) + '[')}]")
        else:
            pieces.append(quote_meta(match["escaped"] or match["plain"]))
    return regexes.match(f"(?s)^(?:{''.join(pieces)})\\z", text(value))


def _rel(base: Value, target: Value) -> str:
    if paths.is_absolute(text(base)) != paths.is_absolute(text(target)):
        raise FunctionFailure(f"Rel: can't make {text(target)} relative to {text(base)}")
    # Both are made absolute, so that the current folder plays no part.
    return posixpath.relpath("/" + text(target), "/" + text(base))


PATH: Final[Mapping[str, Function]] = {
    "Base": of_text(paths.base),
    "Clean": of_text(paths.clean),
    "Dir": of_text(paths.directory),
    "Ext": of_text(paths.extension),
    "IsAbs": of_text(paths.is_absolute),
    "Join": _join,
    "Match": _matches,
    "Split": _split_path,
}


def _volume_name(_value: Value) -> str:
    return ""


FILEPATH: Final[Mapping[str, Function]] = {
    **PATH,
    "FromSlash": text,
    "Rel": _rel,
    "ToSlash": text,
    "VolumeName": _volume_name,
}
