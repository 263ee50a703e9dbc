"""Strings as Go holds them: UTF-8 bytes, and characters whose case changes one for one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import MAX_STEPS, require_length

SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""The characters of Go's `unicode.IsSpace`."""

_UNDECODED: Final = re.compile("[\udc80-\udcff]")


def decoded(data: bytes) -> str:
    """The text of some bytes, with U+FFFD for each byte that is not UTF-8."""
    text = data.decode(errors="surrogateescape")
    return text if text.isascii() else _UNDECODED.sub("\ufffd", text)


def byte_slice(text: str, start: int, end: int) -> str:
    """`text[start:end]` of Go, which counts bytes.

    Raises:
        FunctionFailure: if the bounds are not within the text.
    """
    length = len(text) if text.isascii() else len(text.encode())
    if not 0 <= start <= end <= length:
        problem = f"[:{end}] with length {length}" if end > length or end < 0 else f"[{start}:{end}]"
        raise FunctionFailure(f"runtime error: slice bounds out of range {problem}")
    return text[start:end] if text.isascii() else decoded(text.encode()[start:end])


def byte_length(text: str) -> int:
    """Go's `len` of a string."""
    return len(text) if text.isascii() else len(text.encode())


def upper(text: str) -> str:
    """`strings.ToUpper`: a character whose upper case is two characters stays."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def lower(text: str) -> str:
    """`strings.ToLower`, character by character."""
    return text.lower() if text.isascii() else "".join(character.lower()[:1] for character in text)


def title_character(character: str) -> str:
    """`unicode.ToTitle` of one character."""
    titled = character.title()
    return titled if len(titled) == 1 else character


def is_letter(character: str) -> bool:
    """`unicode.IsLetter`."""
    return unicodedata.category(character)[0] == "L"


def is_upper(character: str) -> bool:
    """`unicode.IsUpper`: capital letters only, unlike `str.isupper`."""
    return unicodedata.category(character) == "Lu"


def is_digit(character: str) -> bool:
    """`unicode.IsDigit`."""
    return unicodedata.category(character) == "Nd"


def repeated(text: str, count: int) -> str:
    """`strings.Repeat`.

    Raises:
        FunctionFailure: if the count is negative, or the result larger than a rendering may be.
    """
    if count < 0:
        raise FunctionFailure("strings: negative Repeat count")
    require_length(len(text) * count)
    return text * count


def joined(pieces: Iterable[str]) -> str:
    """The pieces as one text.

    Raises:
        FunctionFailure: if it is larger than a rendering may be, or the pieces are more than `MAX_STEPS`.
    """
    kept: list[str] = []
    length = 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        require_length(length)
        if len(kept) > MAX_STEPS:
            raise FunctionFailure(f"a text of more than {MAX_STEPS} pieces is not supported")
    return "".join(kept)


def _upper(character: str) -> str:
    changed = character.upper()
    return changed if len(changed) == 1 else character
