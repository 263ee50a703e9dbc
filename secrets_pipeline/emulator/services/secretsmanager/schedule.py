"""Calculate when the next rotation is due.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault

_DAY, _HOUR = 86_400, 3_600
_DURATION = re.compile(r"([1-9]\d?)h")
_RATE = re.compile(r"rate\((?P<count>[1-9]\d*) (?P<unit>hour|hours|day|days)\)")
_CRON = re.compile(r"cron\((?P<fields>[^()]+)\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
# AWS counts the days of a week from 1, Sunday.
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_LAST_YEAR, _HORIZON = 2199, 366 * 8
_FIELDS = 6
_ANY = frozenset({"*", "?", ""})


@dataclass(frozen=True, slots=True)
class Window:
    """When a rotation may happen.

    Attributes:
        opens: epoch seconds.
        closes: epoch seconds, excluded.
    """

    opens: float
    closes: float

    @property
    def last_date(self) -> float:
        """NextRotationDate: the latest second of it."""
        return self.closes - 1


def validate(rules: Mapping[str, Any]) -> None:
    """Check RotationRules beyond what the model says.

    Raises:
        Fault: InvalidParameterException.
    """
    expression, days = rules.get("ScheduleExpression"), rules.get("AutomaticallyAfterDays")
    if expression is not None and days is not None:
        raise Fault(
            "InvalidParameterException", "You can't specify both AutomaticallyAfterDays and ScheduleExpression."
        )
    if expression is not None:
        next_window({"ScheduleExpression": expression}, CLOCK.now())


def next_window(rules: Mapping[str, Any], after: float) -> Window | None:
    """The window of the rotation that follows another, None if nothing is scheduled.

    Days open it at midnight and leave it open for the day, hours open it on the hour for an hour, unless Duration says
    otherwise.

    Args:
        rules: RotationRules.
        after: epoch seconds of the last rotation, or of now.

    Raises:
        Fault: InvalidParameterException if the expression is not a rate or a cron of AWS's.
    """
    every = _every(rules)
    if every is not None:
        count, unit = every
        return _window(rules, after // unit * unit + count * unit, unit)
    return _by_calendar(rules, after)


def open_window(rules: Mapping[str, Any], now: float) -> Window | None:
    """The first window of an overdue rotation that is not closed: every day, or hour, or by the calendar.

    Args:
        rules: RotationRules.
        now: epoch seconds.
    """
    every = _every(rules)
    if every is None:
        return _by_calendar(rules, now)
    _, unit = every
    window = _window(rules, now // unit * unit, unit)
    return window if window.closes > now else _window(rules, now // unit * unit + unit, unit)


def _every(rules: Mapping[str, Any]) -> tuple[int, int] | None:
    """How many days or hours lie between two rotations, and the seconds of one; None where it is not so."""
    if rules.get("AutomaticallyAfterDays"):
        return int(rules["AutomaticallyAfterDays"]), _DAY
    rate = _RATE.fullmatch(str(rules.get("ScheduleExpression") or ""))
    return (int(rate["count"]), _DAY if rate["unit"].startswith("day") else _HOUR) if rate else None


def _by_calendar(rules: Mapping[str, Any], after: float) -> Window | None:
    expression = rules.get("ScheduleExpression")
    if not expression:
        return None
    cron = _CRON.fullmatch(str(expression))
    fields = cron["fields"].upper().split() if cron else []
    if len(fields) != _FIELDS:
        raise _refused(str(expression))
    try:
        opens = _next_cron(fields, datetime.fromtimestamp(after, UTC))
        several = len(_numbers(fields[1], 0, 23)) > 1
    except ValueError:
        raise _refused(str(expression)) from None
    return None if opens is None else _window(rules, opens, _HOUR if several else _DAY)


def _window(rules: Mapping[str, Any], opens: float, longest: int) -> Window:
    """Without Duration it closes after an hour, or with the day."""
    duration = _DURATION.fullmatch(str(rules.get("Duration") or ""))
    return Window(opens, opens + int(duration[1]) * _HOUR if duration else opens // longest * longest + longest)


def _refused(expression: str) -> Fault:
    return Fault("InvalidParameterException", f"The schedule expression is not valid: {expression}")


def _next_cron(fields: list[str], after: datetime) -> float | None:
    minutes, hours = _numbers(fields[0], 0, 59), _numbers(fields[1], 0, 23)
    months, years = _numbers(fields[3], 1, 12, _MONTHS), _numbers(fields[5], 1970, _LAST_YEAR)
    if minutes != {0}:
        raise ValueError(fields[0])
    day_matches(fields, after.date())
    for offset in range(_HORIZON):
        day = after.date() + timedelta(days=offset)
        if day.year not in years or day.month not in months or not day_matches(fields, day):
            continue
        for hour in sorted(hours):
            moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            if moment > after:
                return moment.timestamp()
    return None


def day_matches(fields: list[str], day: date) -> bool:
    """Whether a day satisfies the day-of-month and day-of-week fields, one of which is `?`.

    Raises:
        ValueError: if either field is not understood.
    """
    in_month, in_week = fields[2], fields[4]
    if (in_month == "?") == (in_week == "?"):
        raise ValueError(in_month)
    length = calendar.monthrange(day.year, day.month)[1]
    if in_week == "?":
        return day.day == length if in_month == "L" else day.day in _numbers(in_month, 1, 31)
    weekday = day.isoweekday() % 7 + 1
    nth = re.fullmatch(r"(?P<day>\w+)#(?P<count>[1-5])", in_week)
    if nth:
        return weekday in _numbers(nth["day"], 1, 7, _WEEKDAYS) and (day.day - 1) // 7 + 1 == int(nth["count"])
    last = re.fullmatch(r"(?P<day>[1-7]|[A-Z]{3})L", in_week)
    if last:
        return weekday in _numbers(last["day"], 1, 7, _WEEKDAYS) and day.day + 7 > length
    return weekday in _numbers(in_week, 1, 7, _WEEKDAYS)


def _numbers(field: str, low: int, high: int, names: Mapping[str, int] | None = None) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        spread, _, step = part.partition("/")
        first, dash, final = spread.partition("-")
        start = low if first in _ANY else _number(first, names)
        open_ended = first in _ANY or bool(step)
        end = _number(final, names) if dash else high if open_ended else start
        if not low <= start <= end <= high:
            raise ValueError(part)
        found |= set(range(start, end + 1, int(step or 1)))
    return found


def _number(text: str, names: Mapping[str, int] | None) -> int:
    return (names or {}).get(text) or int(text)
