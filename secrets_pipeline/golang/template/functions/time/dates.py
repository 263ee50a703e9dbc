"""Sprig's functions on dates (documentation: "Date Functions")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from secrets_pipeline.golang.failure import checked
from secrets_pipeline.golang.template.functions.conversions import parse_int
from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment
from secrets_pipeline.golang.template.functions.time.durations import (
    HOUR,
    MINUTE,
    SECOND,
    duration_text,
    parse_duration,
    round_to,
)
from secrets_pipeline.golang.template.functions.time.instants import ZERO, Instant, from_datetime, parse
from secrets_pipeline.golang.template.functions.time.times import Time, instant_of
from secrets_pipeline.golang.values import Function, Int64, Value

_HTML: Final = "2006-01-02"
_DAY: Final = 24 * HOUR
_UNITS: Final = (
    (365 * _DAY, "y"),
    (30 * _DAY, "mo"),
    (_DAY, "d"),
    (HOUR, "h"),
    (MINUTE, "m"),
    (SECOND, "s"),
)


@lru_cache(maxsize=64)
def load_zone(name: str) -> tzinfo | None:
    """The zone of a name in the tz database; UTC for nothing; None if there is none (Go's `LoadLocation`)."""
    if name in {"", "UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Dates:
    """The functions, bound to the current time and its zone.

    Attributes:
        environment: what they read.
    """

    environment: RenderingEnvironment

    def now(self) -> Time:
        """The current time."""
        return self._time(from_datetime(self.environment.now()))

    def date(self, layout: str, moment: Value) -> str:
        """A time, or seconds since 1970, in a layout; anything else stands for now."""
        return self.in_zone(layout, moment, "Local")

    def in_zone(self, layout: str, moment: Value, zone: str) -> str:
        """The same in a zone; UTC if it is unknown."""
        found = self.environment.local if zone == "Local" else load_zone(zone) or UTC
        return self._instant(moment).seen_in(found).format(layout)

    def html(self, moment: Value) -> str:
        """The same as HTML's date fields need it."""
        return self.date(_HTML, moment)

    def html_in_zone(self, moment: Value, zone: str) -> str:
        """The same in a zone."""
        return self.in_zone(_HTML, moment, zone)

    def modify(self, span: str, moment: Value) -> Time:
        """The time so much later; the time itself if the span is none."""
        try:
            return self._time(instant_of(moment).plus(parse_duration(span)))
        except ValueError:
            return self._time(instant_of(moment))

    def must_modify(self, span: str, moment: Value) -> Time:
        """The time so much later.

        Raises:
            FunctionFailure: if the span is none.
        """
        return self._time(instant_of(moment).plus(checked(parse_duration, span)))

    def to_date(self, layout: str, text: str) -> Time:
        """The time that a text writes; the zero time if it is not written so."""
        try:
            return self._parsed(layout, text)
        except ValueError:
            return self._time(ZERO)

    def must_to_date(self, layout: str, text: str) -> Time:
        """The time that a text writes.

        Raises:
            FunctionFailure: if it is not written so.
        """
        return checked(lambda written: self._parsed(layout, written), text)

    def ago(self, moment: Value) -> str:
        """The span since a time, in whole seconds."""
        return duration_text(round_to(self.now().instant.total - self._instant(moment).total, SECOND))

    def duration_round(self, span: Value) -> str:
        """The largest unit of a span (a text, nanoseconds, or since a time) and how many of it."""
        nanoseconds = 0
        if isinstance(span, str):
            try:
                nanoseconds = parse_duration(span)
            except ValueError:
                nanoseconds = 0
        elif isinstance(span, Int64):
            nanoseconds = int(span)
        elif isinstance(span, Time):
            nanoseconds = self.now().instant.total - span.instant.total
        size = abs(nanoseconds)
        return next((f"{size // unit}{name}" for unit, name in _UNITS if size > unit), "0s")

    def _time(self, instant: Instant) -> Time:
        return Time(instant, self.environment.local)

    def _parsed(self, layout: str, text: str) -> Time:
        local = self.environment.local
        return self._time(parse(layout, text, local, local))

    def _instant(self, moment: Value) -> Instant:
        if isinstance(moment, Time):
            return moment.instant
        if isinstance(moment, int) and not isinstance(moment, bool):
            return Instant(int(moment), 0, self.environment.local)
        return self.now().instant


def duration(seconds: Value) -> str:
    """Seconds as Go prints durations; only text and 64-bit numbers are seconds for Sprig, all else is none."""
    number = int(seconds) if isinstance(seconds, Int64) else 0
    if isinstance(seconds, str):
        try:
            number = parse_int(seconds, 10)
        except ValueError:
            number = 0
    return duration_text(number * SECOND)


def unix_epoch(moment: Value) -> str:
    """Seconds since 1970 of a time."""
    return str(instant_of(moment).seconds)


def functions(environment: RenderingEnvironment) -> Mapping[str, Function]:
    """Sprig's functions on dates."""
    dates = Dates(environment)
    return {
        "ago": dates.ago,
        "date": dates.date,
        "dateInZone": dates.in_zone,
        "dateModify": dates.modify,
        "date_in_zone": dates.in_zone,
        "date_modify": dates.modify,
        "duration": duration,
        "durationRound": dates.duration_round,
        "htmlDate": dates.html,
        "htmlDateInZone": dates.html_in_zone,
        "mustDateModify": dates.must_modify,
        "mustToDate": dates.must_to_date,
        "must_date_modify": dates.must_modify,
        "now": dates.now,
        "toDate": dates.to_date,
        "unixEpoch": unix_epoch,
    }
