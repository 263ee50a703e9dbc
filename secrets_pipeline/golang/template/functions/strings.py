"""Sprig's functions on strings (documentation: "String Functions")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.limits import require_elements, require_length, spend_on
from secrets_pipeline.golang.printing import as_text, quoted
from secrets_pipeline.golang.template.functions.characters import (
    SPACE,
    byte_length,
    byte_slice,
    is_letter,
    lower,
    repeated,
    title_character,
    upper,
)
from secrets_pipeline.golang.template.functions.conversions import strings_of
from secrets_pipeline.golang.values import Function, Value


def title(text: str) -> str:
    """`strings.Title`: the first letter of each word in title case, the others as they are."""
    spend_on(text)
    previous = " "
    pieces: list[str] = []
    for character in text:
        pieces.append(title_character(character) if _separates(previous) else character)
        previous = character
    return "".join(pieces)


def split_text(text: str, separator: str, limit: int = -1) -> list[str]:
    """`strings.SplitN`: at most `limit` parts, none if it is 0, all if it is negative; characters if no separator."""
    if limit == 0:
        return []
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    if limit < 0 or limit >= len(text):
        return list(text)
    return [*text[: limit - 1], text[limit - 1 :]]


def replace_text(text: str, old: str, new: str) -> str:
    """`strings.ReplaceAll`.

    Raises:
        FunctionFailure: if the result is larger than a rendering may be.
    """
    require_length(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def join_texts(texts: list[str], separator: str) -> str:
    """`strings.Join`.

    Raises:
        FunctionFailure: if the result is larger than a rendering may be.
    """
    require_length(sum(map(len, texts)) + len(separator) * max(0, len(texts) - 1))
    return separator.join(texts)


def indent(spaces: int, text: str) -> str:
    """Every line of the text behind that many spaces, the empty ones too."""
    pad = repeated(" ", spaces)
    return pad + replace_text(text, "\n", "\n" + pad)


def trim_all(cutset: str, text: str) -> str:
    """`strings.Trim`: nothing to cut leaves the text as it is, unlike Python."""
    return text.strip(cutset) if cutset else text


def _separates(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character == "_")
    return not is_letter(character) and not character.isdecimal() and character in SPACE


def _numbered(parts: list[str]) -> dict[str, str]:
    require_elements(len(parts))
    return {f"_{position}": part for position, part in enumerate(parts)}


def _substr(start: int, end: int, text: str) -> str:
    if start < 0:
        return byte_slice(text, 0, end)
    length = byte_length(text)
    return byte_slice(text, start, length if end < 0 or end > length else end)


def _trunc(count: int, text: str) -> str:
    length = byte_length(text)
    if count < 0 < length + count:
        return byte_slice(text, length + count, length)
    return byte_slice(text, 0, count) if 0 <= count < length else text


def _repeat(count: int, text: str) -> str:
    return repeated(text, count)


def _trim_suffix(suffix: str, text: str) -> str:
    return text.removesuffix(suffix)


def _trim_prefix(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


def _trim(text: str) -> str:
    return text.strip(SPACE)


def _contains(part: str, text: str) -> bool:
    return part in text


def _has_prefix(prefix: str, text: str) -> bool:
    return text.startswith(prefix)


def _has_suffix(suffix: str, text: str) -> bool:
    return text.endswith(suffix)


def _quote(*values: Value) -> str:
    return " ".join(quoted(as_text(value)) for value in values if value is not None)


def _squote(*values: Value) -> str:
    return " ".join(f"'{as_text(value)}'" for value in values if value is not None)


def _cat(*values: Value) -> str:
    return " ".join(as_text(value) for value in values if value is not None)


def _nindent(spaces: int, text: str) -> str:
    return "\n" + indent(spaces, text)


def _replace(old: str, new: str, text: str) -> str:
    return replace_text(text, old, new)


def _plural(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def _split(separator: str, text: str) -> dict[str, str]:
    return _numbered(split_text(text, separator))


def _splitn(separator: str, limit: int, text: str) -> dict[str, str]:
    return _numbered(split_text(text, separator, limit))


def _split_list(separator: str, text: str) -> list[str]:
    return split_text(text, separator)


def _join(separator: str, value: Value) -> str:
    return join_texts(strings_of(value), separator)


def _hello() -> str:
    return "Hello!"


FUNCTIONS: Final[Mapping[str, Function]] = {
    "cat": _cat,
    "contains": _contains,
    "hasPrefix": _has_prefix,
    "hasSuffix": _has_suffix,
    "hello": _hello,
    "indent": indent,
    "join": _join,
    "lower": lower,
    "nindent": _nindent,
    "plural": _plural,
    "quote": _quote,
    "repeat": _repeat,
    "replace": _replace,
    "split": _split,
    "splitList": _split_list,
    "splitn": _splitn,
    "squote": _squote,
    "substr": _substr,
    "title": title,
    "trim": _trim,
    "trimAll": trim_all,
    "trimPrefix": _trim_prefix,
    "trimSuffix": _trim_suffix,
    "trimall": trim_all,
    "trunc": _trunc,
    "upper": upper,
}
