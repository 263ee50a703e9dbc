"""Go's time.Time as templates see it: a value with methods."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Final, Self

from secrets_pipeline.golang.template.functions.conversions import MAX_INT64, MIN_INT64
from secrets_pipeline.golang.template.functions.kinds import wrong_type
from secrets_pipeline.golang.template.functions.time.durations import Duration, round_to
from secrets_pipeline.golang.template.functions.time.instants import ZERO, Instant
from secrets_pipeline.golang.template.functions.time.layouts import MONTHS, WEEKDAYS
from secrets_pipeline.golang.values import Function, GoObject, Int64, Value

_PRINTED: Final = "2006-01-02 15:04:05.999999999 -0700 MST"
_RFC3339: Final = "2006-01-02T15:04:05.999999999Z07:00"
_YEAR_ONE: Final = ZERO.total


class NamedNumber(int):
    """A number that prints as a name: a month, a weekday."""

    text: str

    def __new__(cls, number: int, text: str) -> Self:  # noqa: D102 - the class docstring tells
        named = super().__new__(cls, number)
        named.text = text
        return named

    def __str__(self) -> str:
        return self.text


class Time(GoObject):
    """An instant with Go's methods.

    Attributes:
        instant: which one.
        local: the zone of `Local`.
    """

    __slots__ = ("instant", "local")
    go_type = "time.Time"
    instant: Instant
    local: tzinfo

    def __init__(self, instant: Instant, local: tzinfo) -> None:
        object.__setattr__(self, "instant", instant)
        object.__setattr__(self, "local", local)
        clock = instant.clock()
        methods: dict[str, Function] = {
            "Add": self.add,
            "AddDate": self.add_date,
            "After": lambda other: self.instant.total > instant_of(other).total,
            "Before": lambda other: self.instant.total < instant_of(other).total,
            "Day": lambda: clock.day,
            "Equal": lambda other: self.instant.total == instant_of(other).total,
            "Format": self.format,
            "Hour": lambda: clock.hour,
            "IsZero": lambda: instant.total == _YEAR_ONE,
            "Local": lambda: Time(instant.seen_in(local), local),
            "MarshalJSON": lambda: instant.format(_RFC3339),
            "Minute": lambda: clock.minute,
            "Month": lambda: NamedNumber(clock.month, MONTHS[clock.month - 1]),
            "Nanosecond": lambda: instant.nanosecond,
            "Round": self.round,
            "Second": lambda: clock.second,
            "String": lambda: self.name,
            "Sub": self.sub,
            "Truncate": self.truncate,
            "UTC": lambda: Time(instant.seen_in(UTC), local),
            "Unix": lambda: Int64(instant.seconds),
            "UnixMilli": lambda: Int64(instant.total // 1_000_000),
            "UnixNano": lambda: Int64(instant.total),
            "Weekday": lambda: NamedNumber(clock.weekday, WEEKDAYS[clock.weekday]),
            "Year": lambda: clock.year,
            "YearDay": lambda: clock.year_day,
        }
        super().__init__(instant.format(_PRINTED), methods)

    def format(self, layout: str) -> str:
        """The time in a Go layout."""
        return self.instant.format(layout)

    def add(self, span: Value) -> Time:
        """The time so much later."""
        return Time(self.instant.plus(_nanoseconds(span)), self.local)

    def add_date(self, years: int, months: int, days: int) -> Time:
        """The same time of another day."""
        return Time(self.instant.add_date(years, months, days), self.local)

    def sub(self, other: Value) -> Duration:
        """The span since another time, as long as Go's durations can be."""
        return Duration(max(MIN_INT64, min(MAX_INT64, self.instant.total - instant_of(other).total)))

    def round(self, unit: Value) -> Time:
        """The nearest multiple of a unit since the year 1."""
        since = self.instant.total - _YEAR_ONE
        return Time(self.instant.plus(round_to(since, max(_nanoseconds(unit), 1)) - since), self.local)

    def truncate(self, unit: Value) -> Time:
        """The multiple of a unit since the year 1 that is before."""
        return Time(self.instant.plus(-((self.instant.total - _YEAR_ONE) % max(_nanoseconds(unit), 1))), self.local)


def instant_of(value: Value) -> Instant:
    """The instant of a time.

    Raises:
        FunctionFailure: if the value is no time.
    """
    return value.instant if isinstance(value, Time) else wrong_type("time.Time", value)


def _nanoseconds(value: Value) -> int:
    return value.nanoseconds if isinstance(value, Duration) else wrong_type("time.Duration", value)
