"""Go's time layouts: a time is formatted as `Mon Jan 2 15:04:05 MST 2006` would be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

_ELEMENT: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|002|2006|15|_2(?!006)|__2|PM|pm"
    r"|-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07|[.,](?:0+|9+)(?![0-9])|[1-5]"
)
_NOON: Final = 12
_HOURS_AND_MINUTES: Final = 4  # digits


@dataclass(frozen=True, slots=True)
class CivilTime:
    """What clocks and calendars of a zone show.

    Attributes:
        year: may be 0 or negative.
        month: from 1.
        day: from 1.
        hour: from 0 to 23.
        minute: of the hour.
        second: of the minute.
        nanosecond: of the second.
        weekday: from 0, Sunday.
        year_day: from 1.
        offset: seconds east of UTC.
        zone: abbreviation of the zone, or nothing.
    """

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int
    weekday: int
    year_day: int
    offset: int
    zone: str


def elements(layout: str) -> Iterator[tuple[str, str]]:
    """The elements of a layout, each with the literal text before it; at last the rest with no element."""
    end = 0
    for match in _ELEMENT.finditer(layout):
        yield layout[end : match.start()], match[0]
        end = match.end()
    yield layout[end:], ""


def format_time(layout: str, clock: CivilTime) -> str:
    """The time in a layout."""
    return "".join(literal + _formatted(element, clock) for literal, element in elements(layout))


def _formatted(element: str, clock: CivilTime) -> str:
    simple = _SIMPLE.get(element)
    if simple is not None:
        return simple(clock)
    if element[:1] in {".", ","}:
        digits = f"{clock.nanosecond:09d}"[: len(element) - 1]
        kept = digits.rstrip("0") if element[1] == "9" else digits
        return element[0] + kept if kept else ""
    if element == "MST":
        return clock.zone or _offset("-0700", clock.offset)
    return _offset(element, clock.offset) if element else ""


def _offset(element: str, offset: int) -> str:
    if element[0] == "Z" and offset == 0:
        return "Z"
    minutes, seconds = divmod(abs(offset), 60)
    hours, minutes = divmod(minutes, 60)
    colon = ":" * (":" in element)
    digits = len(element.replace(":", "")) - 1
    text = f"{'-' if offset < 0 else '+'}{hours:02d}"
    if digits >= _HOURS_AND_MINUTES:
        text += f"{colon}{minutes:02d}"
    return f"{text}{colon}{seconds:02d}" if digits > _HOURS_AND_MINUTES else text


def _year(clock: CivilTime) -> str:
    return f"{'-' * (clock.year < 0)}{abs(clock.year):04d}"


def _hour(clock: CivilTime) -> int:
    return clock.hour % _NOON or _NOON


_SIMPLE: Final[dict[str, Callable[[CivilTime], str]]] = {
    "January": lambda clock: MONTHS[clock.month - 1],
    "Jan": lambda clock: MONTHS[clock.month - 1][:3],
    "1": lambda clock: str(clock.month),
    "01": lambda clock: f"{clock.month:02d}",
    "Monday": lambda clock: WEEKDAYS[clock.weekday],
    "Mon": lambda clock: WEEKDAYS[clock.weekday][:3],
    "2": lambda clock: str(clock.day),
    "_2": lambda clock: f"{clock.day:2d}",
    "02": lambda clock: f"{clock.day:02d}",
    "__2": lambda clock: f"{clock.year_day:3d}",
    "002": lambda clock: f"{clock.year_day:03d}",
    "15": lambda clock: f"{clock.hour:02d}",
    "3": lambda clock: str(_hour(clock)),
    "03": lambda clock: f"{_hour(clock):02d}",
    "4": lambda clock: str(clock.minute),
    "04": lambda clock: f"{clock.minute:02d}",
    "5": lambda clock: str(clock.second),
    "05": lambda clock: f"{clock.second:02d}",
    "2006": _year,
    "06": lambda clock: f"{abs(clock.year) % 100:02d}",
    "PM": lambda clock: "PM" if clock.hour >= _NOON else "AM",
    "pm": lambda clock: "pm" if clock.hour >= _NOON else "am",
}
