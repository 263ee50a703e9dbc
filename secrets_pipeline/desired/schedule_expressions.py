"""Parse Secrets Manager's schedule expressions: `rate(…)` and `cron(…)`, in UTC, always on the hour.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_RATE: Final = re.compile(r"rate\(\s*([1-9][0-9]{0,3})\s+(hour|day)s?\s*\)")
_CRON: Final = re.compile(r"cron\(\s*0\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+\*\s*\)")
# AWS's own example for every eight hours has no first hour: /8.
_NUMBERS: Final = re.compile(r"(?:(?P<all>[*?]|(?=/))|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9][0-9]?))?")
_NTH: Final = re.compile(r"(\w+)#([1-5])")
_LAST: Final = re.compile(r"([1-7]|[A-Z]{3})L")
_MONTHS: Final = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS: Final = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_HORIZON_DAYS: Final = 8 * 366
"""Eight years at most lie between two 29 February."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A fixed time between two rotations.

    Attributes:
        interval: whole hours, or whole days.
        in_hours: whether the expression counts hours.
    """

    interval: timedelta
    in_hours: bool


@dataclass(frozen=True, slots=True)
class Cron:
    """Hours of certain days.

    Attributes:
        hours: 0 to 23, ascending.
        is_day: whether a day is one of them.
    """

    hours: tuple[int, ...]
    is_day: Callable[[date], bool]

    @property
    def in_hours(self) -> bool:
        """Whether it comes round several times a day."""
        return len(self.hours) > 1

    def after(self, moment: datetime) -> datetime | None:
        """The first of its hours after a moment, which has a time zone; None where none ever comes."""
        moment = moment.astimezone(UTC)
        for offset in range(_HORIZON_DAYS):
            day = moment.date() + timedelta(days=offset)
            if self.is_day(day):
                for hour in self.hours:
                    found = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
                    if found > moment:
                        return found
        return None


Schedule = Rate | Cron


@lru_cache(maxsize=1024)
def parse_schedule(expression: str) -> Schedule | None:
    """Read a schedule expression.

    Args:
        expression: `rate(…)`, or `cron(…)` whose minutes are 0 and whose year is `*`.

    Returns:
        None if it is neither.
    """
    rate = _RATE.fullmatch(expression.strip())
    if rate:
        count, in_hours = int(rate[1]), rate[2] == "hour"
        return Rate(timedelta(hours=count) if in_hours else timedelta(days=count), in_hours)
    cron = _CRON.fullmatch(expression.strip().upper().replace("CRON", "cron", 1))
    if cron is None:
        return None
    try:
        hours, months = _numbers(cron[1], 0, 23), _numbers(cron[3], 1, 12, _MONTHS)
        matches = _day_rule(cron[2], cron[4])
    except ValueError:
        return None
    return Cron(tuple(sorted(hours)), lambda day: day.month in months and matches(day))


def _day_rule(in_month: str, in_week: str) -> Callable[[date], bool]:
    """Whether a day is one of the days of month or of week, one of which is `?`.

    Raises:
        ValueError: if a field is not understood, or neither or both are `?`.
    """
    if (in_month == "?") == (in_week == "?"):
        raise ValueError(in_month)
    if in_month == "L":
        return lambda day: day.day == _length(day)
    if in_week == "?":
        wanted = _numbers(in_month, 1, 31)
        return lambda day: day.day in wanted
    if nth := _NTH.fullmatch(in_week):
        weekday, week = _number(nth[1], _WEEKDAYS), int(nth[2])
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == week
    if last := _LAST.fullmatch(in_week):
        weekday = _number(last[1], _WEEKDAYS)
        return lambda day: _weekday(day) == weekday and day.day + 7 > _length(day)
    weekdays = _numbers(in_week, 1, 7, _WEEKDAYS)
    return lambda day: _weekday(day) in weekdays


def _weekday(day: date) -> int:
    """1 is Sunday, as AWS counts."""
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _numbers(field: str, low: int, high: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        read = _NUMBERS.fullmatch(part)
        if read is None:
            raise ValueError(part)
        first = low if read["first"] is None else _number(read["first"], names)
        open_ended = high if read["first"] is None or read["step"] else first
        last = _number(read["last"], names) if read["last"] else open_ended
        if not low <= first <= last <= high:
            raise ValueError(part)
        found |= set(range(first, last + 1, int(read["step"] or 1)))
    return frozenset(found)


def _number(text: str, names: Mapping[str, int] | None) -> int:
    return (names or {}).get(text) or int(text)
