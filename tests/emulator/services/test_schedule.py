"""Dates of the next rotation, from AWS's user guide on rotation schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.secretsmanager.schedule import next_window, open_window, validate

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(10 days)", datetime(2026, 3, 20, 0, 0, tzinfo=UTC)),
        ("rate(4 hours)", datetime(2026, 3, 10, 16, 0, tzinfo=UTC)),
        ("cron(0 10 * * ? *)", datetime(2026, 3, 11, 10, 0, tzinfo=UTC)),
        ("cron(0 18 ? * SAT *)", datetime(2026, 3, 14, 18, 0, tzinfo=UTC)),
        ("cron(0 8 1 * ? *)", datetime(2026, 4, 1, 8, 0, tzinfo=UTC)),
        ("cron(0 1 ? 1/3 SUN#1 *)", datetime(2026, 4, 5, 1, 0, tzinfo=UTC)),
        ("cron(0 17 L * ? *)", datetime(2026, 3, 31, 17, 0, tzinfo=UTC)),
        ("cron(0 8 ? * MON-FRI *)", datetime(2026, 3, 11, 8, 0, tzinfo=UTC)),
        ("cron(0 /8 * * ? *)", datetime(2026, 3, 10, 16, 0, tzinfo=UTC)),
        ("cron(0 0 29 2 ? 2028)", datetime(2028, 2, 29, 0, 0, tzinfo=UTC)),
    ],
)
def test_the_next_date_follows_the_expression(expression: str, expected: datetime) -> None:
    window = next_window({"ScheduleExpression": expression}, NOON.timestamp())
    assert window is not None
    assert window.opens == expected.timestamp()


MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "closes"),
    [
        ({"AutomaticallyAfterDays": 1}, MIDNIGHT + timedelta(days=1)),
        ({"AutomaticallyAfterDays": 1, "Duration": "3h"}, MIDNIGHT + timedelta(hours=3)),
        ({"ScheduleExpression": "rate(1 day)"}, MIDNIGHT + timedelta(days=1)),
        ({"ScheduleExpression": "rate(12 hours)"}, MIDNIGHT + timedelta(hours=1)),
        ({"ScheduleExpression": "rate(12 hours)", "Duration": "2h"}, MIDNIGHT + timedelta(hours=2)),
        ({"ScheduleExpression": "cron(0 8 * * ? *)"}, MIDNIGHT + timedelta(days=1)),
        ({"ScheduleExpression": "cron(0 8 * * ? *)", "Duration": "4h"}, MIDNIGHT + timedelta(hours=12)),
        ({"ScheduleExpression": "cron(0 0/6 * * ? *)"}, MIDNIGHT - timedelta(hours=5)),
    ],
)
def test_a_window_closes_with_its_duration_or_after_an_hour_or_with_the_day(
    rules: dict[str, object], closes: datetime
) -> None:
    window = next_window(rules, NOON.timestamp())
    assert window is not None
    assert window.closes == closes.timestamp()
    assert window.last_date == closes.timestamp() - 1


def test_no_rules_have_no_window() -> None:
    assert next_window({}, NOON.timestamp()) is None
    assert open_window({}, NOON.timestamp()) is None


def test_an_overdue_rotation_has_a_window_every_day_or_by_the_calendar() -> None:
    now = NOON.timestamp()
    daily = open_window({"AutomaticallyAfterDays": 30}, now)
    early = open_window({"AutomaticallyAfterDays": 30, "Duration": "3h"}, now)
    monthly = open_window({"ScheduleExpression": "cron(0 8 1 * ? *)"}, now)
    assert daily is not None
    assert early is not None
    assert monthly is not None
    assert daily.opens == (MIDNIGHT - timedelta(days=1)).timestamp()
    assert early.opens == MIDNIGHT.timestamp()
    assert monthly.opens == datetime(2026, 4, 1, 8, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "expression",
    ["rate(0 days)", "rate(1 week)", "daily", "cron(5 10 * * ? *)", "cron(0 10 * * *)", "cron(0 25 * * ? *)"],
)
def test_an_expression_that_aws_would_not_take_is_refused(expression: str) -> None:
    with pytest.raises(Fault):
        validate({"ScheduleExpression": expression})


def test_days_and_an_expression_exclude_each_other() -> None:
    with pytest.raises(Fault):
        validate({"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"})


@given(st.integers(min_value=0, max_value=23), st.datetimes(datetime(2000, 1, 1), datetime(2190, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_daily_rotation_is_due_within_a_day_at_its_hour(hour: int, now: datetime) -> None:
    after = now.replace(tzinfo=UTC).timestamp()
    window = next_window({"ScheduleExpression": f"cron(0 {hour} * * ? *)"}, after)
    assert window is not None
    assert 0 < window.opens - after <= 86_400
    assert datetime.fromtimestamp(window.opens, UTC).hour == hour
