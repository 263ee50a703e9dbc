"""Sprig's functions on the words of a text: letter case, abbreviation, wrapping (goutils and xstrings of Go)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_length, spend, spend_on
from secrets_pipeline.golang.template.functions.characters import (
    SPACE,
    decoded,
    is_letter,
    is_upper,
    lower,
    title_character,
    upper,
)
from secrets_pipeline.golang.values import Function

_ELLIPSIS: Final = b"..."
_MIN_WIDTH: Final = 4
_MIN_WIDTH_WITH_OFFSET: Final = 7
_STEPS_PER_CHARACTER: Final = 4  # of a text whose words are told by several questions about each
_IDEOGRAPHS: Final = (range(0x3400, 0x4D86), range(0x4E00, 0x9FCD), range(0x20000, 0x2B81E))


class _Word(Enum):
    CONNECTOR = auto()
    PUNCTUATION = auto()
    UPPER = auto()
    LETTERS = auto()
    NUMBER = auto()
    OTHER = auto()


_LETTERS_OR_NUMBER: Final = frozenset({_Word.LETTERS, _Word.NUMBER})
_UNJOINED: Final = frozenset({_Word.CONNECTOR, _Word.PUNCTUATION})


def wrap_text(text: str, width: int, newline: str, *, split_words: bool) -> str:
    """`WrapCustom` of goutils: lines of at most that many bytes, broken at spaces; a longer word is cut or kept."""
    spend_on(text)
    data = text.encode()
    width = max(width, 1)
    lines: list[bytes] = []
    offset = 0
    while len(data) - offset > width:
        if data[offset : offset + 1] == b" ":
            offset += 1
            continue
        end = data.rfind(b" ", offset, offset + width + 1)
        skipped = 1
        if end < 0 and split_words:
            end = offset + width
            skipped = 0
        elif end < 0:
            end = data.find(b" ", offset + width)
        if end < 0:
            break
        lines.append(data[offset:end])
        offset = end + skipped
    require_length(len(text) + len(newline) * len(lines))
    return decoded((newline or "\n").encode().join([*lines, data[offset:]]))


def abbreviate(text: str, offset: int, width: int) -> str:
    """`AbbreviateFull` of goutils: at most that many bytes, with an ellipsis where something is left out.

    Raises:
        FunctionFailure: if the width has no room for the ellipses.
    """
    data = text.encode()
    if not data:
        return ""
    if width < _MIN_WIDTH:
        raise FunctionFailure("stringutils illegal argument: Minimum abbreviation width is 4")
    if len(data) <= width:
        return text
    offset = min(offset, len(data), len(data) - (width - 3)) if len(data) - offset < width - 3 else offset
    if offset <= _MIN_WIDTH:
        return decoded(data[: width - 3] + _ELLIPSIS)
    if width < _MIN_WIDTH_WITH_OFFSET:
        raise FunctionFailure("stringutils illegal argument: Minimum abbreviation width with offset is 7")
    if offset + width - 3 < len(data):
        rest = data[offset:]
        kept = rest if len(rest) <= width - 3 else rest[: width - 6] + _ELLIPSIS
        return decoded(_ELLIPSIS + kept)
    return decoded(_ELLIPSIS + data[len(data) - (width - 3) :])


def _abbrev(width: int, text: str) -> str:
    return abbreviate(text, 0, width) if width >= _MIN_WIDTH else text


def _abbrevboth(left: int, right: int, text: str) -> str:
    if right < _MIN_WIDTH or (left > 0 and right < _MIN_WIDTH_WITH_OFFSET):
        return text
    return abbreviate(text, left, right)


def _wrap(width: int, text: str) -> str:
    return wrap_text(text, width, "", split_words=False)


def _wrap_with(width: int, newline: str, text: str) -> str:
    return wrap_text(text, width, newline, split_words=True)


def _untitle(text: str) -> str:
    spend_on(text)
    starts = zip(" " + text, text, strict=False)
    return "".join(lower(character) if previous in SPACE else character for previous, character in starts)


def _swapcase(text: str) -> str:
    spend_on(text)
    starts = zip(" " + text, text, strict=False)
    return "".join(_swapped(character, starts_word=previous in SPACE) for previous, character in starts)


def _swapped(character: str, *, starts_word: bool) -> str:
    category = unicodedata.category(character)
    if category in {"Lu", "Lt"}:
        return lower(character)
    if category == "Ll":
        return title_character(character) if starts_word else upper(character)
    return character


def _nospace(text: str) -> str:
    spend_on(text)
    # goutils takes each byte for a character, which spoils what is not ASCII as soon as there is a space.
    characters = text.encode().decode("latin-1")
    kept = "".join(character for character in characters if character not in SPACE)
    return kept if len(kept) < len(characters) else text


def _initials(text: str) -> str:
    spend_on(text)
    characters = text.encode().decode("latin-1")
    starts = zip(" " + characters, characters, strict=False)
    return "".join(character for previous, character in starts if previous in SPACE and character not in SPACE)


def _is_connector(character: str) -> bool:
    return character in "-_" or character in SPACE


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] == "P"


def _is_number(character: str) -> bool:
    return unicodedata.category(character)[0] == "N"


def _is_alphabetic(character: str) -> bool:
    return is_letter(character) and not any(ord(character) in ideographs for ideographs in _IDEOGRAPHS)


def _is_small(character: str) -> bool:
    return _is_alphabetic(character) and not is_upper(character)


def _is_other(character: str) -> bool:
    questions = (_is_connector, _is_alphabetic, _is_number, _is_punctuation)
    return not any(question(character) for question in questions)


_WORDS: Final[tuple[tuple[_Word, Callable[[str], bool]], ...]] = (
    (_Word.CONNECTOR, _is_connector),
    (_Word.PUNCTUATION, _is_punctuation),
    (_Word.UPPER, is_upper),
    (_Word.LETTERS, _is_small),
    (_Word.NUMBER, _is_number),
    (_Word.OTHER, _is_other),
)


def _run(text: str, start: int, question: Callable[[str], bool]) -> int:
    while start < len(text) and question(text[start]):
        start += 1
    return start


def _words(text: str) -> list[tuple[_Word, str]]:
    spend(_STEPS_PER_CHARACTER * len(text))
    words: list[tuple[_Word, str]] = []
    start = 0
    while start < len(text):
        kind, question = next(word for word in _WORDS if word[1](text[start]))
        end = _run(text, start, question)
        if kind is _Word.UPPER and end < len(text) and _is_small(text[end]):
            end = _run(text, end, _is_small) if end - start == 1 else end - 1
        words.append((kind, text[start:end]))
        start = end
    return words


@dataclass(slots=True)
class _Joiner:
    """Joins words as xstrings does: a number belongs to what is before it, unless small letters follow."""

    words: list[tuple[_Word, str]]
    connector: str
    position: int = 0
    pieces: list[str] = field(default_factory=list)

    def kind(self) -> _Word | None:
        return self.words[self.position][0] if self.position < len(self.words) else None

    def take(self) -> None:
        kind, word = self.words[self.position]
        self.position += 1
        if kind is _Word.CONNECTOR:
            self.pieces.append(self.connector * len(word))
        else:
            self.pieces.append(lower(word) if kind is _Word.UPPER else word)

    def connect(self) -> None:
        kind = self.kind()
        if kind is not None and kind not in _UNJOINED:
            self.pieces.append(self.connector)

    def take_letters_and_numbers(self) -> None:
        while self.kind() in _LETTERS_OR_NUMBER:
            self.take()
        self.connect()

    def join(self) -> str:
        while self.position < len(self.words) - 1:
            previous = self.kind()
            self.take()
            if previous is _Word.NUMBER:
                self.take_letters_and_numbers()
            elif previous not in _UNJOINED:
                self.after_letters()
        if self.kind() is not None:
            self.take()
        return "".join(self.pieces)

    def after_letters(self) -> None:
        if self.kind() is not _Word.NUMBER:
            self.connect()
        elif self.position < len(self.words) - 1:
            if self.words[self.position + 1][0] is _Word.LETTERS:
                self.pieces.append(self.connector)
                self.take()
                self.take_letters_and_numbers()
            else:
                self.take()
                self.connect()


def _snakecase(text: str) -> str:
    return _Joiner(_words(text), "_").join()


def _kebabcase(text: str) -> str:
    return _Joiner(_words(text), "-").join()


def _camelcase(text: str) -> str:
    spend_on(text)
    body = text.lstrip("-_" + SPACE)
    leading = text[: len(text) - len(body)]
    if not body:
        return text + text[-1:]  # xstrings writes the last connector twice
    pieces: list[str] = []
    last = upper(body[0])
    for character in body[1:]:
        previous, last = last, character
        if not _is_connector(previous):
            last = lower(character)
        elif not _is_connector(character):
            last = upper(character)
            continue
        pieces.append(previous)
    return leading + "".join([*pieces, last])


FUNCTIONS: Final[Mapping[str, Function]] = {
    "abbrev": _abbrev,
    "abbrevboth": _abbrevboth,
    "camelcase": _camelcase,
    "initials": _initials,
    "kebabcase": _kebabcase,
    "nospace": _nospace,
    "snakecase": _snakecase,
    "swapcase": _swapcase,
    "untitle": _untitle,
    "wrap": _wrap,
    "wrapWith": _wrap_with,
}
