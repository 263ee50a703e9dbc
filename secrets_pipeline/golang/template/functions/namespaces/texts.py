"""Gomplate's `strings` namespace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.printing import quoted
from secrets_pipeline.golang.template.functions.characters import (
    SPACE,
    byte_length,
    byte_slice,
    lower,
    repeated,
    title_character,
)
from secrets_pipeline.golang.template.functions.kinds import is_list, wrong_type
from secrets_pipeline.golang.template.functions.namespaces.coercion import integer, of_text, text, wrong_count
from secrets_pipeline.golang.template.functions.refused import refuse
from secrets_pipeline.golang.template.functions.strings import replace_text, split_text, trim_all
from secrets_pipeline.golang.template.functions.words import abbreviate, wrap_text
from secrets_pipeline.golang.values import Function, Value

_DEFAULT_WIDTH: Final = 80
_NOT_ALPHANUMERIC: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"\w+(?:['.\u2019:\u00b7]\w+)*")
_NARROW: Final = 2
_WIDE: Final = 3


def _abbrev(*arguments: Value) -> str:
    if len(arguments) < _NARROW:
        raise FunctionFailure("abbrev requires a 'maxWidth' and 'input' argument")
    offset = integer(arguments[0]) if len(arguments) == _WIDE else 0
    width = integer(arguments[-2])
    whole = text(arguments[-1])
    return whole if byte_length(whole) <= width else abbreviate(whole, offset, width)


def _replace_all(old: str, new: str, value: Value) -> str:
    return replace_text(text(value), old, new)


def _contains(part: str, value: Value) -> bool:
    return part in text(value)


def _has_prefix(prefix: str, value: Value) -> bool:
    return text(value).startswith(prefix)


def _has_suffix(suffix: str, value: Value) -> bool:
    return text(value).endswith(suffix)


def _repeat(count: int, value: Value) -> str:
    if count < 0:
        raise FunctionFailure(f"negative count {count}")
    return repeated(text(value), count)


def _sort(values: Value) -> list[str]:
    if not is_list(values):
        wrong_type("[]string", values)
    return sorted(map(text, values))


def _split(separator: str, value: Value) -> list[str]:
    return split_text(text(value), separator)


def _split_n(separator: str, limit: int, value: Value) -> list[str]:
    return split_text(text(value), separator, limit)


def _trim(cutset: str, value: Value) -> str:
    return trim_all(cutset, text(value))


def _trim_prefix(prefix: str, value: Value) -> str:
    return text(value).removeprefix(prefix)


def _trim_suffix(suffix: str, value: Value) -> str:
    return text(value).removesuffix(suffix)


def _titled(whole: str) -> str:
    return _WORD.sub(lambda match: title_character(match[0][0]) + lower(match[0][1:]), whole)


def _trunc(length: int, value: Value) -> str:
    whole = text(value)
    return whole if length < 0 or byte_length(whole) <= length else byte_slice(whole, 0, length)


def _indent(*arguments: Value) -> str:
    if not arguments:
        raise wrong_count("1, 2 or 3", 0)
    width: Value = 1
    indentation: Value = " "
    if len(arguments) == _NARROW and isinstance(arguments[0], str):
        indentation = arguments[0]
    elif len(arguments) == _NARROW:
        width = arguments[0]
    elif len(arguments) == _WIDE:
        width, indentation = arguments[:2]
    if not isinstance(width, int) or not isinstance(indentation, str):
        raise FunctionFailure("indent: invalid arguments")
    whole = text(arguments[-1])
    if width <= 0 or "\n" in indentation:
        return whole
    pad = repeated(indentation, width)
    return re.sub(r"^(?=[^\n])", lambda _: pad, whole, flags=re.MULTILINE)


def _quote(value: Value) -> str:
    return quoted(text(value))


def _squote(value: Value) -> str:
    return "'" + text(value).replace("'", "''") + "'"


def _shell_quote(value: Value) -> str:
    whole = value if is_list(value) else [value]
    return " ".join("'" + text(item).replace("'", "'\"'\"'") + "'" for item in whole)


def _prepared(value: Value) -> str:
    whole = text(value).strip(SPACE)
    if not whole:
        raise FunctionFailure("runtime error: index out of range [0] with length 0")
    small = lower(whole)
    return _NOT_ALPHANUMERIC.sub(" ", small.replace(small[0], whole[0], 1)).strip(SPACE)


def _snake_case(value: Value) -> str:
    return "_".join(_prepared(value).split())


def _kebab_case(value: Value) -> str:
    return "-".join(_prepared(value).split())


def _camel_case(value: Value) -> str:
    whole = text(value).strip(SPACE)
    if not whole:
        raise FunctionFailure("runtime error: index out of range [0] with length 0")
    titled = _titled(whole)
    return _NOT_ALPHANUMERIC.sub("", titled.replace(titled[0], whole[0], 1))


def _word_wrap(*arguments: Value) -> str:
    if not 1 <= len(arguments) <= _WIDE:
        raise FunctionFailure(f"expected 1, 2, or 3 args, got {len(arguments)}")
    width, newline = 0, ""
    if len(arguments) == _WIDE:
        width, newline = integer(arguments[0]), text(arguments[1])
    elif len(arguments) == _NARROW and isinstance(arguments[0], str):
        newline = arguments[0]
    elif len(arguments) == _NARROW:
        width = integer(arguments[0])
    return wrap_text(text(arguments[-1]), width or _DEFAULT_WIDTH, newline, split_words=False)


def _rune_count(*values: Value) -> int:
    return sum(len(text(value)) for value in values)


_TRIM_SPACE: Final = of_text(lambda whole: whole.strip(SPACE))
_TITLE: Final = of_text(_titled)
_UPPER: Final = of_text(str.upper)
_LOWER: Final = of_text(str.lower)

METHODS: Final[Mapping[str, Function]] = {
    "Abbrev": _abbrev,
    "CamelCase": _camel_case,
    "Contains": _contains,
    "HasPrefix": _has_prefix,
    "HasSuffix": _has_suffix,
    "Indent": _indent,
    "KebabCase": _kebab_case,
    "Quote": _quote,
    "Repeat": _repeat,
    "ReplaceAll": _replace_all,
    "RuneCount": _rune_count,
    "ShellQuote": _shell_quote,
    "Slug": refuse("strings.Slug", "it transliterates; write `strings.KebabCase`"),
    "SnakeCase": _snake_case,
    "Sort": _sort,
    "Split": _split,
    "SplitN": _split_n,
    "Squote": _squote,
    "Title": _TITLE,
    "ToLower": _LOWER,
    "ToUpper": _UPPER,
    "Trim": _trim,
    "TrimPrefix": _trim_prefix,
    "TrimSpace": _TRIM_SPACE,
    "TrimSuffix": _trim_suffix,
    "Trunc": _trunc,
    "WordWrap": _word_wrap,
}


def _old_contains(whole: str, part: str) -> bool:
    return part in whole


def _old_has_prefix(whole: str, prefix: str) -> bool:
    return whole.startswith(prefix)


def _old_has_suffix(whole: str, suffix: str) -> bool:
    return whole.endswith(suffix)


def _old_split(whole: str, separator: str) -> list[str]:
    return split_text(whole, separator)


def _old_split_n(whole: str, separator: str, limit: int) -> list[str]:
    return split_text(whole, separator, limit)


def _old_trim(whole: str, cutset: str) -> str:
    return trim_all(cutset, whole)


ALIASES: Final[Mapping[str, Function]] = {
    "contains": _old_contains,
    "hasPrefix": _old_has_prefix,
    "hasSuffix": _old_has_suffix,
    "indent": _indent,
    "quote": _quote,
    "replaceAll": _replace_all,
    "shellQuote": _shell_quote,
    "split": _old_split,
    "splitN": _old_split_n,
    "squote": _squote,
    "title": _TITLE,
    "toLower": _LOWER,
    "toUpper": _UPPER,
    "trim": _old_trim,
    "trimSpace": _TRIM_SPACE,
}
