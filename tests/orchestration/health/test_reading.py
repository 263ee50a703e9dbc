"""Dagster's storage is read as daemon, code server and runs write it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

from secrets_pipeline.orchestration.health import reading
from secrets_pipeline.orchestration.health.model import Part, Reading, State, Watcher
from secrets_pipeline.orchestration.health.reading import DeploymentReader
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.verification.schedules import VERIFICATION_SCHEDULE
from tests.orchestration.health.storage import FAILURE, SKIPPED, STARTED, beat, run, schedule, sensor

HOUR = 3_600.0
DEFINED = {"a_sensor", "b_sensor", "a_schedule"}
OWN = Own(frozenset({"verify", "provision"}), frozenset(), frozenset())
SUCCESS, FAILED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
QUEUED, STARTING = dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def read(
    instance: dg.DagsterInstance,
    reader: DeploymentReader | None = None,
    defined: Collection[str] = ("a_sensor", "b_sensor"),
) -> Reading:
    now = time.time()
    reader = reader or DeploymentReader(PLAIN, OWN)
    return reader.read(instance, defined, since=now - 26 * HOUR, now=now)


def verified(found: Reading) -> dict[str, float | None]:
    return {one.stack: one.ended_at for one in found.verifications}


def test_a_home_that_nothing_has_run_in_is_empty(instance: dg.DagsterInstance) -> None:
    empty = read(instance)
    assert empty.is_empty
    assert {one.name for one in empty.daemons} >= {"SENSOR", "SCHEDULER"}
    assert {one.ticked_at for one in empty.watchers} == {None}
    assert [*empty.verifications, *empty.waiting] == []


def test_heartbeats_are_those_of_the_daemons_that_the_instance_needs(instance: dg.DagsterInstance) -> None:
    beat(instance, 1234.0)
    found = read(instance)
    assert not found.is_empty
    assert {one.heard_at for one in found.daemons} == {1234.0}


def test_the_last_tick_counts_for_age_and_the_last_that_ended_for_failure(instance: dg.DagsterInstance) -> None:
    sensor(instance, "a_sensor", {100.0: SKIPPED, 200.0: FAILURE, 300.0: STARTED}, interval=15)
    sensor(instance, "b_sensor", {100.0: FAILURE, 200.0: SKIPPED}, status=InstigatorStatus.STOPPED)
    schedule(instance, "a_schedule", {900.0: SKIPPED})
    assert read(instance, defined=DEFINED).watchers == [
        Watcher(Part.SCHEDULE, "a_schedule", 900.0, 900.0),
        Watcher(Part.SENSOR, "a_sensor", 15.0, 300.0, is_failing=True),
        Watcher(Part.SENSOR, "b_sensor", 30.0, 200.0, is_stopped=True),
    ]


def test_one_that_never_ticked_is_as_old_as_it_is_switched_on(instance: dg.DagsterInstance) -> None:
    sensor(instance, "a_sensor", {}, started_at=500.0)
    sensor(instance, "b_sensor", {})
    assert [one.ticked_at for one in read(instance).watchers] == [500.0, None]


def test_a_sensor_that_is_defined_and_never_ticked_is_read_as_such(instance: dg.DagsterInstance) -> None:
    sensor(instance, "a_sensor", {100.0: SKIPPED})
    found = DeploymentReader(PLAIN, OWN).read(
        instance, {"a_sensor", "b_sensor", VERIFICATION_SCHEDULE}, since=0, now=time.time()
    )
    # The age of verifications says whether its schedule works, or another one of the project.
    assert [(one.name, one.ticked_at) for one in found.watchers] == [("a_sensor", 100.0), ("b_sensor", None)]


def test_a_sensor_of_others_that_is_called_the_same_hides_none_of_ours(instance: dg.DagsterInstance) -> None:
    sensor(instance, "a_sensor", {100.0: SKIPPED})
    sensor(instance, "b_sensor", {100.0: SKIPPED})
    sensor(instance, "a_sensor", {9_000.0: SKIPPED}, location="theirs")
    assert [one.ticked_at for one in read(instance).watchers] == [100.0, 100.0]


def test_sensors_of_others_and_of_former_versions_do_not_count(instance: dg.DagsterInstance) -> None:
    sensor(instance, "theirs", {100.0: FAILURE})
    sensor(instance, "a_sensor", {100.0: FAILURE}, location="as it was called before")
    sensor(instance, "a_sensor", {200.0: SKIPPED})
    assert read(instance, defined=["a_sensor"]).watchers == [Watcher(Part.SENSOR, "a_sensor", 30.0, 200.0)]


def test_the_last_complete_verification_that_succeeded_counts(instance: dg.DagsterInstance) -> None:
    now = time.time()
    run(instance, SUCCESS, now - 3 * HOUR)
    run(instance, SUCCESS, now - 2 * HOUR)
    run(instance, FAILED, now - HOUR)
    chosen = frozenset({dg.AssetCheckKey(dg.AssetKey("a"), "one_check")})
    run(instance, SUCCESS, now - HOUR, asset_check_selection=chosen)
    run(instance, SUCCESS, now - HOUR, job="provision")
    run(instance, SUCCESS, now - 100 * HOUR, stack="b-dev")
    assert verified(read(instance)) == {
        "a-dev": pytest.approx(now - 2 * HOUR, abs=1),
        "b-dev": pytest.approx(now - 100 * HOUR, abs=1),
    }


def test_a_stack_that_was_never_verified_is_as_old_as_its_first_run(instance: dg.DagsterInstance) -> None:
    now = time.time()
    for hours in (50, 25, 1):
        run(instance, FAILED, now - hours * HOUR)
    instance.add_dynamic_partitions(PLAIN.of("stacks"), ["new-dev"])
    applied, new = read(instance).verifications
    assert applied.ended_at is None
    assert applied.first_run_at == pytest.approx(now - 50 * HOUR, abs=1)
    assert (new.ended_at, new.first_run_at) == (None, None)


def test_a_stack_that_comes_back_is_as_old_as_its_first_run_since(instance: dg.DagsterInstance) -> None:
    now = time.time()
    for hours in (2_401, 2_400, 2, 1):
        run(instance, SUCCESS, now - hours * HOUR, job="provision")
    (back,) = read(instance).verifications
    assert back.first_run_at == pytest.approx(now - 2 * HOUR, abs=1)


def test_a_stack_that_was_retired_is_forgotten(instance: dg.DagsterInstance) -> None:
    now, reader = time.time(), DeploymentReader(PLAIN, OWN)
    first = run(instance, FAILED, now - 50 * HOUR)
    read(instance, reader)
    instance.delete_dynamic_partition(PLAIN.of("stacks"), "a-dev")
    assert read(instance, reader).verifications == []
    instance.delete_run(first)
    run(instance, FAILED, now - HOUR)
    (back,) = read(instance, reader).verifications
    assert back.first_run_at == pytest.approx(now - HOUR, abs=1)


def test_what_is_known_is_not_asked_for_again_and_what_is_new_is_seen(instance: dg.DagsterInstance) -> None:
    now, reader = time.time(), DeploymentReader(PLAIN, OWN)
    run(instance, SUCCESS, now - 40 * HOUR)
    run(instance, FAILED, now - 40 * HOUR, stack="b-dev")
    read(instance, reader)
    # Older than the second look goes back: it remembers.
    assert verified(read(instance, reader)) == {"a-dev": pytest.approx(now - 40 * HOUR, abs=1), "b-dev": None}
    run(instance, SUCCESS, now - 1, stack="b-dev")
    assert verified(read(instance, reader))["b-dev"] == pytest.approx(now - 1, abs=1)


def test_the_run_that_waits_longest_is_ours_and_of_no_backfill(instance: dg.DagsterInstance) -> None:
    now, backfill = time.time(), {"dagster/backfill": "b"}
    run(instance, QUEUED, now - 5_000, job="theirs")
    run(instance, QUEUED, now - 4_000, tags=backfill)
    oldest = run(instance, QUEUED, now - 3_000)
    run(instance, QUEUED, now - 2_000)
    (found,) = read(instance).waiting
    assert (found.run_id, found.state, found.stack) == (oldest, State.QUEUED, "a-dev")
    assert found.since == pytest.approx(now - 3_000, abs=1)


def test_runs_of_others_hide_none_of_ours_however_many_wait(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_RUNS", 2)
    now = time.time()
    for number in range(5):
        run(instance, QUEUED, now - 9_000 + number, job="theirs")
    ours = run(instance, QUEUED, now - 5_000)
    run(instance, QUEUED, now - 4_000)
    assert [one.run_id for one in read(instance).waiting] == [ours]


def test_a_backfill_may_wait_as_long_as_something_is_under_way(instance: dg.DagsterInstance) -> None:
    now, backfill = time.time(), {"dagster/backfill": "b"}
    waiting = run(instance, QUEUED, now - 4_000, tags=backfill)
    assert [one.run_id for one in read(instance).waiting] == [waiting]
    starting = run(instance, STARTING, now - 10)
    assert [(one.run_id, one.state) for one in read(instance).waiting] == [(starting, State.STARTING)]
