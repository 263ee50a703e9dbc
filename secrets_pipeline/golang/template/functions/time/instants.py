"""Go's time.Time: an instant to the nanosecond, in any year, seen in a zone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from secrets_pipeline.golang.template.functions.time.durations import SECOND
from secrets_pipeline.golang.template.functions.time.layout_parsing import parse_time
from secrets_pipeline.golang.template.functions.time.layouts import CivilTime, format_time

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400
_FIRST: Final = -62_104_060_800  # the year 2, in seconds: the zones of Python begin a year earlier
_LAST: Final = 253_370_764_800  # the year 9999: they end a year later
_ERA_DAYS: Final = 146_097  # of 400 years
_EPOCH_DAYS: Final = 719_468  # from 1 March of the year 0 to 1 January 1970
_MARCH: Final = 3


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time.

    Attributes:
        seconds: since 1970 in UTC; may be negative.
        nanosecond: of that second.
        zone: in which it is shown.
    """

    seconds: int
    nanosecond: int
    zone: tzinfo

    @property
    def total(self) -> int:
        """Nanoseconds since 1970."""
        return self.seconds * SECOND + self.nanosecond

    def plus(self, nanoseconds: int) -> Instant:
        """The instant so much later."""
        seconds, nanosecond = divmod(self.total + nanoseconds, SECOND)
        return Instant(seconds, nanosecond, self.zone)

    def seen_in(self, zone: tzinfo) -> Instant:
        """The same instant in another zone."""
        return replace(self, zone=zone)

    def clock(self) -> CivilTime:
        """What clocks show."""
        offset, name = _offset(self.zone, self.seconds)
        days, rest = divmod(self.seconds + offset, _DAY)
        year, month, day = _date(days)
        hour, rest = divmod(rest, 3600)
        minute, second = divmod(rest, 60)
        year_day = days - _days(year, 1, 1) + 1
        return CivilTime(
            year, month, day, hour, minute, second, self.nanosecond, (days + 4) % 7, year_day, offset, name
        )

    def format(self, layout: str) -> str:
        """The time in a Go layout."""
        return format_time(layout, self.clock())

    def add_date(self, years: int, months: int, days: int) -> Instant:
        """The same time of another day; what is too much for a month runs over into the next."""
        clock = self.clock()
        years_more, month = divmod(clock.month - 1 + months, 12)
        day = _days(clock.year + years + years_more, month + 1, clock.day) + days
        seconds = day * _DAY + clock.hour * 3600 + clock.minute * 60 + clock.second
        return Instant(_utc(seconds, self.zone), self.nanosecond, self.zone)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime."""
    span = moment - _EPOCH
    return Instant(span.days * _DAY + span.seconds, span.microseconds * 1000, moment.tzinfo or UTC)


ZERO: Final = Instant(-62_135_596_800, 0, UTC)
"""Go's zero time: 1 January of the year 1."""


def parse(layout: str, text: str, default: tzinfo, local: tzinfo) -> Instant:
    """The instant that a text writes in a Go layout.

    Args:
        layout: for example `2006-01-02`.
        text: for example `2024-02-29`.
        default: zone of a text that names none.
        local: zone whose abbreviations and offsets are known.

    Raises:
        ValueError: if the text is not written so.
    """
    written = parse_time(layout, text)
    days = _days(written.year, written.month or 1, 1) + (written.day or 1) - 1
    seconds = days * _DAY + written.hour * 3600 + written.minute * 60 + written.second
    if written.utc:
        return Instant(seconds, written.nanosecond, UTC)
    if written.offset is not None:
        seconds -= written.offset
        offset, name = _offset(local, seconds)
        if offset == written.offset and written.zone in {"", name}:
            return Instant(seconds, written.nanosecond, local)
        return Instant(seconds, written.nanosecond, _fixed(written.offset, written.zone))
    if not written.zone:
        return Instant(_utc(seconds, default), written.nanosecond, default)
    offset, name = _offset(local, _utc(seconds, local))
    if name == written.zone:
        return Instant(seconds - offset, written.nanosecond, local)
    # Go shows such a time in the zone, but does not move it there.
    hours = int(written.zone[3:]) if re.fullmatch(r"GMT[+-]\d+", written.zone, re.ASCII) else 0
    return Instant(seconds, written.nanosecond, _fixed(hours * 3600, written.zone))


def _fixed(offset: int, name: str) -> tzinfo:
    return timezone(timedelta(seconds=offset), name)


def _offset(zone: tzinfo, seconds: int) -> tuple[int, str]:
    moment = (_EPOCH + timedelta(seconds=min(max(seconds, _FIRST), _LAST))).astimezone(zone)
    offset = moment.utcoffset() or timedelta(0)
    return offset.days * _DAY + offset.seconds, moment.tzname() or ""


def _utc(seconds: int, zone: tzinfo) -> int:
    """Seconds since 1970 from what a clock of the zone shows (Go's `time.Date`)."""
    offset, _ = _offset(zone, seconds)
    later, _ = _offset(zone, seconds - offset)
    return seconds - later


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970 of a date."""
    year -= month < _MARCH
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * ((month - _MARCH) % 12) + 2) // 5 + day - 1
    return era * _ERA_DAYS + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - _EPOCH_DAYS


def _date(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970."""
    era, day_of_era = divmod(days + _EPOCH_DAYS, _ERA_DAYS)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // (_ERA_DAYS - 1)) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = (shifted + 2) % 12 + 1
    return era * 400 + year_of_era + (month < _MARCH), month, day_of_year - (153 * shifted + 2) // 5 + 1
