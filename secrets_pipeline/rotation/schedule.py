"""Calculate when a secret has to be rotated next, in UTC; calls nothing.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from secrets_pipeline.desired.schedule_expressions import Rate, parse_schedule

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_DURATION: Final = re.compile(r"([1-9][0-9]?)h")


@dataclass(frozen=True, slots=True)
class RotationRules:
    """RotationRules of a secret.

    Attributes:
        automatically_after_days: 1 to 1000; beside an expression AWS shows what it calculated from that.
        schedule_expression: `rate(…)` or `cron(…)`.
        duration: length of the window, for example `3h`.
    """

    automatically_after_days: int | None = None
    schedule_expression: str | None = None
    duration: str | None = None

    @classmethod
    def of(cls, rules: Mapping[str, Any]) -> RotationRules:
        """Rules as RotateSecret takes and ListSecrets shows them."""
        return cls(rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression"), rules.get("Duration"))


@dataclass(frozen=True, slots=True)
class RotationWindow:
    """The time in which Secrets Manager begins a rotation, at any moment that it likes.

    Attributes:
        opens: on the hour, UTC.
        closes: excluded.
    """

    opens: datetime
    closes: datetime


def next_due(rules: RotationRules, last: datetime) -> RotationWindow | None:
    """The window of the rotation that follows.

    Days, whether as a rate or as AutomaticallyAfterDays, open it at midnight; hours on the hour; cron says when. A cron
    counts from the calendar, the others from the rotation before.

    Args:
        rules: of the secret.
        last: when it was rotated, or else when rotation was switched on; with a time zone.

    Returns:
        None where the rules say nothing that can be understood.
    """
    last = last.astimezone(UTC)
    schedule = parse_schedule(rules.schedule_expression) if rules.schedule_expression else None
    if schedule is None and rules.automatically_after_days is not None:
        schedule = Rate(timedelta(days=rules.automatically_after_days), in_hours=False)
    if schedule is None:
        return None
    if isinstance(schedule, Rate):
        started = _hour(last) if schedule.in_hours else _midnight(last)
        opens: datetime | None = started + schedule.interval
    else:
        opens = schedule.after(last)
    return None if opens is None else RotationWindow(opens, _closes(opens, rules.duration, in_hours=schedule.in_hours))


def _closes(opens: datetime, duration: str | None, *, in_hours: bool) -> datetime:
    """Without a duration: after an hour for a schedule in hours, else at the end of the UTC day."""
    given = _DURATION.fullmatch(duration or "")
    if given:
        return opens + timedelta(hours=int(given[1]))
    return opens + _HOUR if in_hours else _midnight(opens) + _DAY


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
