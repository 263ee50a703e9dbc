"""When the next rotation is due: AWS's examples, and an implementation that shares no line with this one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.emulator.services.secretsmanager.schedule import next_window
from secrets_pipeline.rotation.schedule import RotationRules, RotationWindow, next_due

WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "last", "opens", "closes"),
    [
        # Thursday, 16 July 2026; the expressions are those of AWS's page.
        (RotationRules(30), "2026-07-16T09:30", "2026-08-15T00:00", "2026-08-16T00:00"),
        (RotationRules(30, duration="3h"), "2026-07-16T09:30", "2026-08-15T00:00", "2026-08-15T03:00"),
        (RotationRules(None, "rate(4 hours)"), "2026-07-16T09:30", "2026-07-16T13:00", "2026-07-16T14:00"),
        (RotationRules(None, "rate(4 hours)", "2h"), "2026-07-16T22:10", "2026-07-17T02:00", "2026-07-17T04:00"),
        (RotationRules(None, "rate(1 day)"), "2026-07-16T23:59", "2026-07-17T00:00", "2026-07-18T00:00"),
        (RotationRules(None, "rate(10 days)", "6h"), "2026-07-16T03:00", "2026-07-26T00:00", "2026-07-26T06:00"),
        (RotationRules(None, "cron(0 /8 * * ? *)"), "2026-07-16T09:30", "2026-07-16T16:00", "2026-07-16T17:00"),
        (RotationRules(None, "cron(0 10 * * ? *)"), "2026-07-16T09:30", "2026-07-16T10:00", "2026-07-17T00:00"),
        (RotationRules(None, "cron(0 10 * * ? *)"), "2026-07-16T10:00", "2026-07-17T10:00", "2026-07-18T00:00"),
        (RotationRules(None, "cron(0 18 ? * SAT *)"), "2026-07-16T09:30", "2026-07-18T18:00", "2026-07-19T00:00"),
        (RotationRules(None, "cron(0 8 1 * ? *)", "2h"), "2026-07-16T09:30", "2026-08-01T08:00", "2026-08-01T10:00"),
        (RotationRules(None, "cron(0 8 1 1/3 ? *)"), "2026-07-16T09:30", "2026-10-01T08:00", "2026-10-02T00:00"),
        (RotationRules(None, "cron(0 0 L * ? *)"), "2026-07-16T09:30", "2026-07-31T00:00", "2026-08-01T00:00"),
        (RotationRules(None, "cron(0 8 ? * MON-FRI *)"), "2026-07-17T09:30", "2026-07-20T08:00", "2026-07-21T00:00"),
        (RotationRules(None, "cron(0 16 1,15 * ? *)"), "2026-07-16T09:30", "2026-08-01T16:00", "2026-08-02T00:00"),
        (RotationRules(None, "cron(0 0 ? * SUN#1 *)"), "2026-07-16T09:30", "2026-08-02T00:00", "2026-08-03T00:00"),
        (RotationRules(None, "cron(0 0 ? * 6L *)"), "2026-07-16T09:30", "2026-07-31T00:00", "2026-08-01T00:00"),
        (RotationRules(None, "cron(0 8 29 2 ? *)"), "2026-07-16T09:30", "2028-02-29T08:00", "2028-03-01T00:00"),
        # Beside an expression AWS shows the days that it calculated from it.
        (RotationRules(7, "cron(0 8 1 * ? *)"), "2026-07-16T09:30", "2026-08-01T08:00", "2026-08-02T00:00"),
        # And one that cannot be understood leaves them.
        (RotationRules(7, "cron(0 8 1W * ? *)"), "2026-07-16T09:30", "2026-07-23T00:00", "2026-07-24T00:00"),
    ],
)
def test_the_window_is_that_of_awss_rules(rules: RotationRules, last: str, opens: str, closes: str) -> None:
    assert next_due(rules, at(last)) == RotationWindow(at(opens), at(closes))


def test_other_time_zones_are_read_as_utc() -> None:
    newer = datetime.fromisoformat("2026-07-17T00:30:00+02:00")
    assert next_due(RotationRules(1), newer) == RotationWindow(at("2026-07-17"), at("2026-07-18"))


@pytest.mark.parametrize(
    "rules", [RotationRules(), RotationRules(None, "weekly"), RotationRules(None, "cron(0 8 30 2 ? *)")]
)
def test_rules_that_say_nothing_are_never_due(rules: RotationRules) -> None:
    assert next_due(rules, at("2026-07-16")) is None


@st.composite
def rules(draw: st.DrawFn) -> RotationRules:
    """Rules that Secrets Manager takes."""
    duration = draw(st.sampled_from([None, "1h", "3h"]))
    kind = draw(st.sampled_from(["days", "rate in days", "rate in hours", "cron"]))
    if kind == "days":
        return RotationRules(draw(st.integers(1, 1000)), None, duration)
    if kind == "rate in days":
        return RotationRules(None, f"rate({draw(st.integers(1, 999))} days)", duration)
    if kind == "rate in hours":
        return RotationRules(None, f"rate({draw(st.integers(4, 999))} hours)", duration)
    first, last = sorted(draw(st.sets(st.integers(1, 7), min_size=2, max_size=2)))
    weeks = [f"{first}", f"{first}-{last}", f"{first}#{draw(st.integers(1, 4))}", f"{first}L", WEEKDAYS[first - 1]]
    days = ["L", f"{first * 4}", f"{first}-{last * 4}", f"{first}/{last}", f"{first},{last}", "*"]
    in_week = draw(st.booleans())
    day, week = ("?", draw(st.sampled_from(weeks))) if in_week else (draw(st.sampled_from(days)), "?")
    hours = draw(st.sampled_from(["0", "8", "21", "8,16", "/8", "2/10", "4-7", "*"]))
    months = draw(st.sampled_from(["*", "1/3", "JAN,JUL", "2", "5-9"]))
    return RotationRules(None, f"cron(0 {hours} {day} {months} {week} *)", duration)


moments = st.datetimes(datetime(2021, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants them naive


@given(rules(), moments)
def test_the_embedded_aws_plans_the_next_rotation_inside_the_window(wanted: RotationRules, last: datetime) -> None:
    said = {
        "AutomaticallyAfterDays": wanted.automatically_after_days,
        "ScheduleExpression": wanted.schedule_expression,
        "Duration": wanted.duration,
    }
    planned = next_window({key: value for key, value in said.items() if value is not None}, last.timestamp())
    window = next_due(wanted, last)
    assert (planned is None) == (window is None)
    if planned is not None and window is not None:
        assert (planned.opens, planned.closes) == (window.opens.timestamp(), window.closes.timestamp())


@given(rules(), moments)
def test_a_window_closes_after_it_opens_and_after_the_rotation_before(wanted: RotationRules, last: datetime) -> None:
    window = next_due(wanted, last)
    assert window is not None
    assert window.opens < window.closes
    assert window.closes > last


@given(rules(), moments, moments)
def test_a_later_rotation_is_never_due_before_an_earlier_one(
    wanted: RotationRules, one: datetime, other: datetime
) -> None:
    early, late = next_due(wanted, min(one, other)), next_due(wanted, max(one, other))
    assert early is not None
    assert late is not None
    assert early.opens <= late.opens
