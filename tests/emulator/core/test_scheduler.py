"""What is due happens in order, each at its own time."""

from __future__ import annotations

import math
import time
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.emulator.core.activity import Activity
from secrets_pipeline.emulator.core.clock import Clock
from secrets_pipeline.emulator.core.scheduler import Scheduler
from tests.waiting import SECONDS


@given(st.lists(st.integers(1, 1000), max_size=20), st.integers(1, 1000))
def test_time_stops_at_everything_that_is_due(delays: list[int], moved: int) -> None:
    clock = Clock()
    clock.move_to(4_000_000_000.0)
    scheduler = Scheduler(clock, Activity())
    scheduler._started = True
    happened: list[float] = []
    begun = clock.now()
    for delay in delays:
        scheduler.at(begun + delay, lambda due=begun + delay: happened.append(clock.now() - due))  # type: ignore[misc] # a default for each
    scheduler.move_to(begun + moved)
    assert len(happened) == sum(delay <= moved for delay in delays)
    assert all(0 <= late < 1 for late in happened)
    assert 0 <= clock.now() - (begun + moved) < 1


def test_what_a_job_plans_happens_too() -> None:
    clock = Clock()
    clock.move_to(4_000_000_000.0)
    scheduler, seen, begun = Scheduler(clock, Activity()), [], clock.now()
    scheduler._started = True

    def again() -> None:
        seen.append(round(clock.now() - begun))
        scheduler.at(begun + 10 * (len(seen) + 1), again)

    scheduler.at(begun + 10, again)
    scheduler.move_to(begun + 45)
    assert seen == [10, 20, 30, 40]


def test_it_happens_as_time_goes_by_and_a_job_that_fails_stops_no_other() -> None:
    scheduler, happened = Scheduler(Clock(), Activity()), Event()
    scheduler.at(0, happened.set)
    scheduler.start()
    assert not happened.is_set()
    scheduler.at(0, lambda: 1 / 0)
    scheduler.at(time.time() + 0.05, happened.set)
    assert happened.wait(SECONDS)


def test_no_time_is_no_time() -> None:
    for wrong in (math.inf, math.nan, 1e20):
        with pytest.raises((ValueError, OverflowError)):
            Clock().move_to(wrong)
