"""Each state of a part on both sides of its bound, with its line."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from secrets_pipeline.operations.runbook import ENTRIES
from secrets_pipeline.orchestration.health.judgement import judge, stopping_heartbeat
from secrets_pipeline.orchestration.health.model import (
    Daemon,
    Finding,
    HealthBounds,
    Part,
    Reading,
    State,
    Verification,
    Waiting,
    Watcher,
)

NOW = 1_000_000_000.0
MINUTE, HOUR = 60.0, 3_600.0
SENSOR, SCHEDULE = Part.SENSOR, Part.SCHEDULE
THERE = Watcher(SENSOR, "there", 30, NOW)


def judged(*parts: Daemon | Watcher | Verification | Waiting) -> Sequence[Finding]:
    reading = Reading(
        [one for one in parts if isinstance(one, Daemon)],
        [one for one in parts if isinstance(one, Watcher)] or [THERE],
        [one for one in parts if isinstance(one, Verification)],
        [one for one in parts if isinstance(one, Waiting)],
    )
    return [one for one in judge(reading, HealthBounds(26), NOW) if one.name != THERE.name]


def watcher(ago: float | None, interval: float = 30, part: Part = SENSOR, **more: bool) -> Watcher:
    return Watcher(part, "one", interval, None if ago is None else NOW - ago, **more)


def waiting(state: State, ago: float) -> Waiting:
    return Waiting("0123456789", "verify", "a-dev", state, NOW - ago)


@pytest.mark.parametrize(
    ("part", "state"),
    [
        (Daemon("SENSOR", NOW - 5 * MINUTE), State.WELL),
        (Daemon("SENSOR", NOW - 5 * MINUTE - 1), State.SILENT),
        (Daemon("SENSOR", None), State.SILENT),
        (watcher(5 * MINUTE), State.WELL),
        (watcher(5 * MINUTE + 1), State.SILENT),
        (watcher(None), State.SILENT),
        # Three of its own intervals, where those are more.
        (watcher(45 * MINUTE, 15 * MINUTE, SCHEDULE), State.WELL),
        (watcher(45 * MINUTE + 1, 15 * MINUTE, SCHEDULE), State.SILENT),
        (watcher(1, is_failing=True), State.FAILING),
        (watcher(1, is_stopped=True), State.STOPPED),
        (watcher(1, is_stopped=True, is_failing=True), State.STOPPED),
        (Verification("a-dev", NOW - 26 * HOUR), State.WELL),
        (Verification("a-dev", NOW - 26 * HOUR - 1), State.OVERDUE),
        # Its age counts, not that of its first run.
        (Verification("a-dev", NOW - 1, NOW - 100 * HOUR), State.WELL),
        (Verification("a-dev", None, NOW - 26 * HOUR), State.WELL),
        (Verification("a-dev", None, NOW - 26 * HOUR - 1), State.OVERDUE),
        (Verification("a-dev", None, None), State.WELL),
        (waiting(State.QUEUED, 15 * MINUTE), State.WELL),
        (waiting(State.QUEUED, 15 * MINUTE + 1), State.QUEUED),
        (waiting(State.STARTING, 15 * MINUTE + 1), State.STARTING),
    ],
)
def test_each_part_is_well_up_to_its_bound(part: Daemon | Watcher | Verification | Waiting, state: State) -> None:
    (found,) = judged(part)
    assert found.state is state
    assert found.is_well is (state is State.WELL)
    # What to do, and where more is said, stands with each that is not.
    assert bool(found.remedy) is bool(found.entry) is not found.is_well
    assert found.is_well or found.entry in ENTRIES


def test_whose_daemon_is_silent_leads_there_first() -> None:
    daemon, *watchers = judged(
        Daemon("SENSOR", NOW - HOUR), watcher(HOUR), watcher(HOUR, part=SCHEDULE, interval=MINUTE)
    )
    assert daemon.entry == "daemon-not-running"
    of_sensor, of_schedule = watchers
    assert "The daemon SENSOR is silent" in of_sensor.remedy
    assert (of_sensor.entry, of_schedule.entry) == ("daemon-not-running", "no-tick-since")


def test_a_daemon_that_evaluates_nothing_of_ours_is_not_well() -> None:
    daemon, nobody = judge(Reading([Daemon("SENSOR", NOW)], [], [], []), HealthBounds(26), NOW)
    assert (daemon.is_well, nobody.state, nobody.entry) == (True, State.SILENT, "no-tick-since")


def test_one_sensor_that_never_ticked_is_named_among_those_that_do() -> None:
    never, ticks = judged(Watcher(SENSOR, "never", 30, None), watcher(1))
    assert (ticks.is_well, never.state, never.entry) == (True, State.SILENT, "no-tick-since")
    assert "`include`" in never.remedy


def test_where_nothing_ticked_but_somebody_stopped_one_that_is_said() -> None:
    (stopped,) = judged(watcher(None, is_stopped=True))
    assert stopped.state is State.STOPPED


@pytest.mark.parametrize(("late", "in_time", "stops"), [(1, 0, True), (1, 1, False), (2, 1, True), (2, 9, False)])
def test_overdue_stacks_stop_the_heartbeat_only_if_they_are_more_than_those_in_time(
    late: int, in_time: int, *, stops: bool
) -> None:
    stacks = [Verification(f"late-{one}", NOW - 27 * HOUR) for one in range(late)]
    stacks += [Verification(f"in-time-{one}", NOW - HOUR) for one in range(in_time)]
    # Stacks that were never applied count for neither side.
    stacks += [Verification(f"new-{one}", None, None) for one in range(3)]
    assert bool(stopping_heartbeat(judged(*stacks))) is stops
    # Anything else stops it, whatever stacks are.
    assert stopping_heartbeat(judged(*stacks, watcher(1, is_failing=True)))


def test_each_bound_is_a_number_of_its_own() -> None:
    bounds = HealthBounds(verified_within_hours=200, queued_within_minutes=60, silent_within_minutes=30)
    reading = Reading(
        [Daemon("SENSOR", NOW - 29 * MINUTE)],
        [watcher(29 * MINUTE)],
        [Verification("a-dev", NOW - 199 * HOUR)],
        [waiting(State.QUEUED, 59 * MINUTE)],
    )
    assert all(one.is_well for one in judge(reading, bounds, NOW))
    assert not any(one.is_well for one in judge(reading, HealthBounds(26), NOW))
