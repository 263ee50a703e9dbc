"""How far apart rotations are.

Examples of https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html, and an oracle.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from dagster._vendored import croniter  # the only one that is installed; exactly pinned with Dagster
from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_pipeline.access.controls.schedule import interval_of, longest_interval
from secrets_pipeline.access.snapshot.model import RotationSnapshot
from tests.sweep import examples

ORACLE: Any = croniter
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@pytest.mark.parametrize(
    ("expression", "interval"),
    [
        ("rate(4 hours)", 4 * HOUR),
        ("rate(1 day)", DAY),
        ("rate(10 days)", 10 * DAY),
        ("rate(999 days)", 999 * DAY),
        ("cron(0 /8 * * ? *)", 8 * HOUR),
        ("cron(0 8/8 * * ? *)", 16 * HOUR),
        ("cron(0 4/12 * * ? *)", 12 * HOUR),
        ("cron(0 2/10 * * ? *)", 10 * HOUR),
        ("cron(0 0/4 * * ? *)", 4 * HOUR),
        ("cron(0 10 * * ? *)", DAY),
        ("cron(0 18 ? * SAT *)", 7 * DAY),
        ("cron(0 8 ? * 7 *)", 7 * DAY),
        ("cron(0 8 ? * MON-FRI *)", 3 * DAY),
        ("cron(0 8 ? * 2-6 *)", 3 * DAY),
        ("cron(0 8 1 * ? *)", 31 * DAY),
        ("cron(0 16 1,15 * ? *)", 17 * DAY),
        ("cron(0 8 1/7 * ? *)", 7 * DAY),
        ("cron(0 0 L * ? *)", 31 * DAY),
        ("cron(0 0 ? * SUN#1 *)", 35 * DAY),
        ("cron(0 0 ? * 6L *)", 35 * DAY),
        ("cron(0 8 1 1/3 ? *)", 92 * DAY),
        ("cron(0 8 1 JAN,APR,JUL,OCT ? *)", 92 * DAY),
        ("cron(0 8 31 * ? *)", 61 * DAY),
        ("cron(0 8 1 1 ? *)", 366 * DAY),
        ("cron(0 8 29 2 ? *)", (4 * 365 + 1) * DAY),
    ],
)
def test_the_longest_time_between_two_rotations_is_told(expression: str, interval: timedelta) -> None:
    assert interval_of(expression) == interval


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 days)",
        "rate(10)",
        "cron(5 8 * * ? *)",
        "cron(0 8 * * ? 2027)",
        "cron(0 8 * * *)",
        "cron(0 8 * * * *)",
        "cron(0 8 ? * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 8 32 * ? *)",
        "cron(0 8 1W * ? *)",
        "cron(0 8 ? * FUN *)",
        "cron(0 8 ? * SUN#6 *)",
        "cron(0 8 10-5 * ? *)",
        "cron(0 8 30 2 ? *)",
        "every monday",
        "",
    ],
)
def test_nothing_is_told_of_what_secrets_manager_would_not_take_or_never_comes_round(expression: str) -> None:
    assert interval_of(expression) is None


def test_an_expression_counts_before_the_days_that_aws_derives_from_it() -> None:
    both = RotationSnapshot(schedule_expression="cron(0 8 1 * ? *)", automatically_after_days=28)
    assert longest_interval(both) == 31 * DAY
    unreadable = RotationSnapshot(schedule_expression="cron(0 8 1W * ? *)", automatically_after_days=28)
    assert longest_interval(unreadable) == 28 * DAY
    assert longest_interval(RotationSnapshot(automatically_after_days=7)) == 7 * DAY
    assert longest_interval(RotationSnapshot(schedule_expression="cron(0 8 1W * ? *)")) is None
    assert longest_interval(RotationSnapshot(enabled=True)) is None


def in_plain_cron(days: str, months: str, weekdays: str) -> str:
    """The same in cron's five fields, in which Sunday is 0 and the last Friday is L5."""
    week = re.sub(r"\d(?=#)|(?<!#)\d", lambda found: str(int(found[0]) - 1), weekdays)
    week = re.sub(r"(\d)L", r"L\1", week)
    return f"0 8 {days.replace('?', '*')} {months} {week.replace('?', '*')}"


@st.composite
def fields(draw: st.DrawFn) -> tuple[str, str, str]:
    """Day of month, month and day of week: few months, which the oracle is quick with, no range of one, its mistake."""
    months = ",".join(map(str, sorted(draw(st.sets(st.integers(1, 12), min_size=1, max_size=3)))))
    if draw(st.booleans()):
        first, last = sorted(draw(st.sets(st.integers(1, 28), min_size=2, max_size=2)))
        forms = ["L", f"{first}", f"{first}-{last}", f"{first}/{last}", f"{first},{last}", "*"]
        return draw(st.sampled_from(forms)), months, "?"
    first, last = sorted(draw(st.sets(st.integers(1, 7), min_size=2, max_size=2)))
    forms = [f"{first}", f"{first}-{last}", f"{first}#{draw(st.integers(1, 4))}", f"{first}L", WEEKDAYS[first - 1]]
    return "?", months, draw(st.sampled_from(forms))


@settings(max_examples=examples(60))
@given(fields())
def test_intervals_agree_with_another_library_over_28_years(drawn: tuple[str, str, str]) -> None:
    days, months, weekdays = drawn
    start, end = datetime(2000, 12, 31, tzinfo=UTC), datetime(2029, 12, 31, tzinfo=UTC)
    dates = ORACLE.croniter(in_plain_cron(days, months, weekdays), start)
    moments: list[datetime] = []
    while not moments or moments[-1] < end:
        moments.append(dates.get_next(datetime))
    expected = max(after - before for before, after in pairwise(moments))
    assert interval_of(f"cron(0 8 {days} {months} {weekdays} *)") == expected
