"""Dates of the next rotation, from AWS's user guide on rotation schedules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.local.corrections.faults import Fault
from secrets_pipeline.local.corrections.secretsmanager.schedule import next_date, validate

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(10 days)", datetime(2026, 3, 20, 12, 0, tzinfo=UTC)),
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
    assert next_date({"ScheduleExpression": expression}, NOON.timestamp()) == expected.timestamp()


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
    due = next_date({"ScheduleExpression": f"cron(0 {hour} * * ? *)"}, after)
    assert due is not None
    assert 0 < due - after <= 86_400
    assert datetime.fromtimestamp(due, UTC).hour == hour
