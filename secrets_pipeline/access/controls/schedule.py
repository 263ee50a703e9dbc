"""How far apart the rotations of a schedule are.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from secrets_pipeline.access.snapshot import RotationSnapshot

_RATE: Final = re.compile(r"rate\(\s*([1-9][0-9]{0,3})\s+(hour|day)s?\s*\)")
_CRON: Final = re.compile(r"cron\(\s*0\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+\*\s*\)")
# AWS's own example for every eight hours has no first hour: /8.
_NUMBERS: Final = re.compile(r"(?:(?P<all>[*?]|(?=/))|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9][0-9]?))?")
_NTH: Final = re.compile(r"(\w+)#([1-5])")
_LAST: Final = re.compile(r"([1-7]|[A-Z]{3})L")
_MONTHS: Final = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS: Final = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
# Weekdays fall on the same dates again after 28 years; none of these centuries lacks its leap day.
_FIRST_DAY, _CYCLE_DAYS = date(2001, 1, 1), 28 * 1461 // 4


def longest_interval(rotation: RotationSnapshot) -> timedelta | None:
    """The longest time that a rotation's schedule lets pass between two rotations.

    The expression counts before AutomaticallyAfterDays, which AWS derives from it after each rotation.

    Returns:
        None where neither is there, or the expression is none of AWS's.
    """
    expression = rotation.schedule_expression
    interval = interval_of(expression) if expression else None
    if interval is not None or rotation.automatically_after_days is None:
        return interval
    return timedelta(days=rotation.automatically_after_days)


@lru_cache(maxsize=1024)
def interval_of(expression: str) -> timedelta | None:
    """The longest time between two rotations of a schedule expression.

    Args:
        expression: `rate(…)` or `cron(…)`, whose minutes are 0 and whose year is `*`.

    Returns:
        None if it is neither, or never comes round again.
    """
    rate = _RATE.fullmatch(expression.strip())
    if rate:
        count = int(rate[1])
        return timedelta(hours=count) if rate[2] == "hour" else timedelta(days=count)
    cron = _CRON.fullmatch(expression.strip().upper().replace("CRON", "cron", 1))
    if cron is None:
        return None
    try:
        return _longest(_numbers(cron[1], 0, 23), _numbers(cron[3], 1, 12, _MONTHS), _day_rule(cron[2], cron[4]))
    except ValueError:
        return None


def _longest(hours: frozenset[int], months: frozenset[int], matches: Callable[[date], bool]) -> timedelta | None:
    all_days = (_FIRST_DAY + timedelta(days=offset) for offset in range(_CYCLE_DAYS))
    found = [day for day in all_days if day.month in months and matches(day)]
    if not found:
        return None
    # Once round the cycle, for the gap between its end and its start.
    between = max(after - day for day, after in pairwise([*found, found[0] + timedelta(days=_CYCLE_DAYS)]))
    within = [timedelta(hours=after - hour) for hour, after in pairwise(sorted(hours))]
    return max(between - timedelta(hours=max(hours) - min(hours)), *within, timedelta(0))


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
