"""Calculate the longest time between two rotations of a schedule."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from secrets_pipeline.access.snapshot.model import RotationSnapshot
from secrets_pipeline.desired.schedule_expressions import Cron, Rate, parse_schedule

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

    Returns:
        None if it is none of AWS's, or never comes round again.
    """
    match parse_schedule(expression):
        case Rate(interval=interval):
            return interval
        case Cron() as cron:
            return _longest(cron)
        case None:
            return None


def _longest(cron: Cron) -> timedelta | None:
    all_days = (_FIRST_DAY + timedelta(days=offset) for offset in range(_CYCLE_DAYS))
    found = [day for day in all_days if cron.is_day(day)]
    if not found:
        return None
    # Once round the cycle, for the gap between its end and its start.
    between = max(after - day for day, after in pairwise([*found, found[0] + timedelta(days=_CYCLE_DAYS)]))
    within = [timedelta(hours=after - hour) for hour, after in pairwise(cron.hours)]
    return max(between - timedelta(hours=cron.hours[-1] - cron.hours[0]), *within, timedelta(0))
