"""Reading a time that is written in a Go layout (`time.Parse`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.printing import quoted
from secrets_pipeline.golang.template.functions.time.layouts import MONTHS, WEEKDAYS, elements

LONGEST_TIME: Final = 1_000
"""Characters of a time and of its layout. Go's `time` reads longer ones too: we refuse them."""

_NOON: Final = 12
_PIVOT: Final = 69  # two digits of a year from here on are of the last century
_FEBRUARY: Final = 2
_FRACTION: Final = re.compile(r"[.,](\d+)", re.ASCII)
_ZONE: Final = re.compile(r"ChST|MeST|GMT(?:[+-](?:\d|1\d|2[0-3])(?!\d))?|[+-](?:[01]?\d|2[0-3])(?!\d)|[A-Z]{3,}")
_FIVE_LETTERS: Final = 5
_FOUR_LETTERS: Final = 4
_DIGITS: Final = {
    "2006": r"\d{4}", "06": r"\d{2}", "01": r"\d{2}", "1": r"\d{1,2}", "02": r"\d{2}", "2": r"\d{1,2}",
    "_2": r" ?\d{1,2}", "15": r"\d{1,2}", "03": r"\d{2}", "3": r"\d{1,2}", "04": r"\d{2}", "4": r"\d{1,2}",
    "05": r"\d{2}", "5": r"\d{1,2}", "002": r"\d{3}", "__2": r" {0,2}\d{1,3}",
}  # fmt: skip
_PARTS: Final = {
    "2006": "year", "06": "year", "01": "month", "1": "month", "02": "day", "2": "day", "_2": "day", "15": "hour",
    "03": "hour", "3": "hour", "04": "minute", "4": "minute", "05": "second", "5": "second", "002": "year_day",
    "__2": "year_day",
}  # fmt: skip
_BOUNDS: Final = {
    "month": range(1, 13), "hour": range(24), "minute": range(60), "second": range(60), "year_day": range(1, 367),
}  # fmt: skip
_TWELVE_HOURS: Final = range(13)


@dataclass(slots=True)
class Written:
    """What a text says about a time.

    Attributes:
        offset: seconds east of UTC, if it says so.
        zone: abbreviation of the zone, if it gives one.
        utc: whether it says that it is in UTC.
    """

    year: int = 0
    month: int | None = None
    day: int | None = None
    year_day: int | None = None
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    afternoon: bool | None = None
    offset: int | None = None
    zone: str = ""
    utc: bool = False


def parse_time(layout: str, text: str) -> Written:
    """What the text says.

    Raises:
        ValueError: if it is not written in that layout, in Go's words.
        FunctionFailure: if it or the layout has more characters than `LONGEST_TIME`.
    """
    if max(len(layout), len(text)) > LONGEST_TIME:
        raise FunctionFailure(f"a time or layout of more than {LONGEST_TIME} characters is not supported")
    written = Written()
    rest = text
    parts = list(elements(layout))
    for position, (literal, element) in enumerate(parts):
        following = _skipped(literal, rest)
        if following is None:
            raise _unparsable(layout, text, rest, literal)
        if not element:
            if following:
                raise ValueError(f"parsing time {quoted(text)}: extra text: {quoted(following)}")
            break
        try:
            taken = _read(written, element, following)
        except OverflowError as error:
            raise ValueError(f"parsing time {quoted(text)}: {error} out of range") from None
        if taken is None:
            raise _unparsable(layout, text, following, element)
        rest = following[taken:]
        if element in {"5", "05"} and not _wants_fraction(parts, position + 1):
            rest = rest[_fraction(written, rest) :]
    _settle(written, text)
    return written


def _unparsable(layout: str, text: str, rest: str, element: str) -> ValueError:
    return ValueError(
        f"parsing time {quoted(text)} as {quoted(layout)}: cannot parse {quoted(rest)} as {quoted(element)}"
    )


def _skipped(literal: str, text: str) -> str | None:
    """The text behind a literal; spaces of the literal stand for any number of them."""
    while literal:
        if literal[0] == " ":
            if text and text[0] != " ":
                return None
            literal, text = literal.lstrip(" "), text.lstrip(" ")
        elif not text or text[0] != literal[0]:
            return None
        else:
            literal, text = literal[1:], text[1:]
    return text


def _wants_fraction(parts: list[tuple[str, str]], position: int) -> bool:
    return parts[position][0] == "" and parts[position][1][:1] in {".", ","}


def _fraction(written: Written, text: str) -> int:
    match = _FRACTION.match(text)
    if match is None:
        return 0
    written.nanosecond = int(match[1][:9].ljust(9, "0"))
    return match.end()


def _read(written: Written, element: str, text: str) -> int | None:
    """How many characters of the text are the element, which is noted; None if it is something else."""
    if element in _DIGITS:
        return _number(written, element, text)
    if element in _NAMES:
        return _NAMES[element](written, text)
    if element[0] in ".,":
        return _written_fraction(written, element, text)
    return _numeric_zone(written, element, text)


def _number(written: Written, element: str, text: str) -> int | None:
    match = re.compile(_DIGITS[element], re.ASCII).match(text)
    if match is None:
        return None
    value = int(match[0])
    part = _PARTS[element]
    if element == "06":
        value += 1900 if value >= _PIVOT else 2000
    bounds = _TWELVE_HOURS if element in {"3", "03"} else _BOUNDS.get(part)
    if bounds is not None and value not in bounds:
        raise OverflowError(part.replace("year_day", "day-of-year"))
    setattr(written, part, value)
    return match.end()


def _named(names: tuple[str, ...], text: str, length: int | None = None) -> tuple[int, int] | None:
    for index, name in enumerate(names):
        short = name[:length]
        if text[: len(short)].lower() == short.lower():
            return index, len(short)
    return None


def _month(written: Written, text: str, length: int | None = None) -> int | None:
    found = _named(MONTHS, text, length)
    if found is None:
        return None
    written.month = found[0] + 1
    return found[1]


def _weekday(_: Written, text: str, length: int | None = None) -> int | None:
    found = _named(WEEKDAYS, text, length)
    return found[1] if found else None


def _half(written: Written, text: str, words: tuple[str, str]) -> int | None:
    if text[:2] not in words:
        return None
    written.afternoon = text[:2] == words[1]
    return 2


def _zone(written: Written, text: str) -> int | None:
    if text.startswith("UTC"):
        written.utc = True
        return 3
    match = _ZONE.match(text)
    if match is None:
        return None
    name = match[0]
    letters = len(name) if name.isalpha() and name not in {"ChST", "MeST"} else 0
    if letters > _FIVE_LETTERS or (letters == _FIVE_LETTERS and name[4] != "T"):
        return None
    if letters == _FOUR_LETTERS and name[3] != "T" and name != "WITA":
        return None
    written.zone = name
    return match.end()


def _written_fraction(written: Written, element: str, text: str) -> int | None:
    match = _FRACTION.match(text)
    if element[1] == "9":
        return _fraction(written, text)
    digits = len(element) - 1
    if match is None or len(match[1]) < digits:
        return None
    written.nanosecond = int(match[1][:digits][:9].ljust(9, "0"))
    return 1 + digits


def _numeric_zone(written: Written, element: str, text: str) -> int | None:
    if element[0] == "Z" and text.startswith("Z"):
        written.utc = True
        return 1
    colon = ":" * (":" in element)
    pairs = (len(element.replace(":", "")) - 1) // 2
    pattern = r"([+-])(\d\d)" + "".join(f"{colon}(\\d\\d)" for _ in range(pairs - 1))
    match = re.compile(pattern, re.ASCII).match(text)
    if match is None:
        return None
    hours, minutes, seconds = map(int, [*match.groups()[1:], 0, 0][:3])
    for name, value, bound in (("hour", hours, 24), ("minute", minutes, 60)):
        if value > bound:
            raise OverflowError(f"time zone offset {name}")
    offset = hours * 3600 + minutes * 60 + seconds
    written.offset = -offset if match[1] == "-" else offset
    return match.end()


def _settle(written: Written, text: str) -> None:
    if written.afternoon is True and written.hour < _NOON:
        written.hour += _NOON
    elif written.afternoon is False and written.hour == _NOON:
        written.hour = 0
    year_day = written.year_day
    if year_day is not None:
        if year_day > 337 + days_in(_FEBRUARY, written.year):
            raise ValueError(f"parsing time {quoted(text)}: day-of-year out of range")
        month = 1
        while year_day > days_in(month, written.year):
            year_day -= days_in(month, written.year)
            month += 1
        if written.month not in {None, month} or written.day not in {None, year_day}:
            raise ValueError(f"parsing time {quoted(text)}: day-of-year does not match the date")
        written.month, written.day = month, year_day
    written.month = 1 if written.month is None else written.month
    written.day = 1 if written.day is None else written.day
    if written.day < 1 or written.day > days_in(written.month, written.year):
        raise ValueError(f"parsing time {quoted(text)}: day out of range")


def days_in(month: int, year: int) -> int:
    """Days of a month of the Gregorian calendar, also before it was in use."""
    if month == _FEBRUARY:
        return 28 + _is_leap(year)
    return 30 + (month + month // 8) % 2


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


_NAMES: Final[dict[str, Callable[[Written, str], int | None]]] = {
    "January": _month,
    "Jan": lambda written, text: _month(written, text, 3),
    "Monday": _weekday,
    "Mon": lambda written, text: _weekday(written, text, 3),
    "PM": lambda written, text: _half(written, text, ("AM", "PM")),
    "pm": lambda written, text: _half(written, text, ("am", "pm")),
    "MST": _zone,
}
