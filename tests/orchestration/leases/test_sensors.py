"""The sensor that ends runs whose lease is gone: of whatever host, and never one that lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid

import dagster as dg
import pytest

from secrets_pipeline.aws.leases import shared
from secrets_pipeline.aws.leases.local import FileLeases
from secrets_pipeline.aws.leases.model import Claim
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.errors import GuardError
from secrets_pipeline.orchestration.applying import run_lease
from secrets_pipeline.orchestration.applying.run_lease import leases_of
from secrets_pipeline.orchestration.leases import sensors
from secrets_pipeline.orchestration.leases.sensors import Standing, abandoned_run_sensor_for, end_abandoned
from secrets_pipeline.orchestration.shared.lease_mark import LEASE_TAG, Mark
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.priorities import BACKFILL_TAG
from tests.embedded import operator
from tests.orchestration.leases.conftest import Opened, address_of
from tests.orchestration.leases.ground import (
    ASSET,
    BUCKET,
    LEASED,
    SECONDS,
    World,
    failure_of,
    run_of,
    status,
    tag_of,
)

HOLDER = """
import sys, time
from pathlib import Path
from secrets_pipeline.aws.leases.local import FileLeases
from secrets_pipeline.aws.leases.model import Claim
held = FileLeases(Path(sys.argv[1])).take(sys.argv[2], Claim("run", "here"), patience=0)
print("held", flush=True)
time.sleep(10_000)
"""
KEY = "111122223333-a"
BEGINNING_SECONDS = run_lease.PATIENCE_SECONDS + sensors._READING_SECONDS


def test_a_run_whose_lease_expired_is_failed_and_the_next_one_need_not_wait(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks, run = opened("bucket"), run_of(instance)
    leases = leases_of(instance, stacks)
    dead = leases.take(KEY, Claim(run.run_id, "ci-7"), patience=0)
    Mark(leases.root + KEY, holds=True).write(instance, run.run_id)
    standing = Standing(world.clock)
    assert "has its lease: host ci-7 renewed it" in end_abandoned(instance, leases, LEASED, standing)
    world.pass_by(SECONDS / 2)
    assert "has its lease" in end_abandoned(instance, leases, LEASED, standing)
    assert status(instance, run) == "STARTED"
    world.pass_by(SECONDS)
    assert f"was not renewed for {SECONDS} s" in end_abandoned(instance, leases, LEASED, standing)
    assert status(instance, run) == "FAILURE"
    assert "on host ci-7" in failure_of(instance, run)
    leases.take(KEY, Claim("next", "b"), patience=0)
    with pytest.raises(GuardError):
        dead.check()


def test_a_run_that_somebody_terminated_and_whose_process_is_gone_is_canceled(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks, run, next_one = opened("bucket"), run_of(instance), run_of(instance)
    leases = leases_of(instance, stacks)
    leases.take(KEY, Claim(run.run_id, "ci-7"), patience=0)
    Mark(leases.root + KEY, holds=True).write(instance, run.run_id)
    instance.report_run_canceling(run)
    standing = Standing(world.clock)
    end_abandoned(instance, leases, LEASED, standing)
    world.pass_by(2 * SECONDS)
    end_abandoned(instance, leases, LEASED, standing)
    assert status(instance, run) == "CANCELED"
    # As by the sensor, so by the next run.
    leases.take(KEY, Claim(next_one.run_id, "ci-7"), patience=2 * SECONDS)
    Mark(leases.root + KEY, holds=True).write(instance, next_one.run_id)
    instance.report_run_canceling(next_one)
    with run_lease.run_lease(instance, run_of(instance), stacks, "a"):
        assert status(instance, next_one) == "CANCELED"


def test_a_run_that_is_slow_or_has_not_come_to_its_lease_yet_is_left_alone(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks = opened("bucket")
    leases, standing = leases_of(instance, stacks), Standing(world.clock)
    slow, reading = run_of(instance), run_of(instance)
    lease = leases.take(KEY, Claim(slow.run_id, "a"), patience=0)
    Mark(leases.root + KEY, holds=True).write(instance, slow.run_id)
    repeats = run_of(instance, tags={LEASE_TAG: tag_of(instance, slow)})
    elsewhere = run_of(instance)
    Mark(f"s3://theirs/{KEY}", holds=True).write(instance, elsewhere.run_id)
    for _ in range(5):
        world.pass_by(SECONDS * 0.9)
        lease.renew()  # type: ignore[attr-defined] # of a shared lease
        said = end_abandoned(instance, leases, LEASED, standing)
    assert said.startswith("4 unfinished runs, 3 looked at.")
    assert {status(instance, run) for run in (slow, reading, repeats, elsewhere)} == {"STARTED"}


def test_a_run_that_dies_before_it_takes_its_lease_is_failed_after_a_while_and_one_that_needs_none_is_not(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    leases, standing = leases_of(instance, opened("bucket")), Standing(world.clock)
    dead, chosen = run_of(instance), run_of(instance, job="__ASSET_JOB", assets={ASSET})
    repeats = run_of(instance, tags={LEASE_TAG: f"{uuid.uuid4()} holds {leases.root}{KEY}"})
    needs_none = (
        run_of(instance, job="verify"),
        run_of(instance, job="payments_provision"),
        run_of(instance, status=dg.DagsterRunStatus.STARTING),
        run_of(instance, None),
    )
    assert end_abandoned(instance, leases, LEASED, standing).count("has not taken its lease yet") == 3
    world.pass_by(BEGINNING_SECONDS / 2)
    late = run_of(instance)
    end_abandoned(instance, leases, LEASED, standing)
    world.pass_by(BEGINNING_SECONDS / 2)
    end_abandoned(instance, leases, LEASED, standing)
    assert {status(instance, run) for run in (dead, chosen, repeats)} == {"FAILURE"}
    assert "it has not come to take the lease of its stack" in failure_of(instance, dead)
    assert [status(instance, run) for run in (*needs_none, late)] == [run.status.value for run in (*needs_none, late)]


def test_a_run_of_a_backfill_that_a_killed_daemon_made_and_did_not_submit_is_failed_after_a_while(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    leases, standing = leases_of(instance, opened("bucket")), Standing(world.clock)
    unsubmitted, of_backfill = dg.DagsterRunStatus.NOT_STARTED, {BACKFILL_TAG: "abcdefgh"}
    left, late = (run_of(instance, status=unsubmitted, tags=of_backfill) for _ in range(2))
    others = (
        # Whoever launched it was told that it failed; a sensor asks for its run again.
        run_of(instance, status=unsubmitted),
        run_of(instance, job="payments_provision", status=unsubmitted, tags=of_backfill),
        run_of(instance, status=dg.DagsterRunStatus.STARTING, tags=of_backfill),
    )
    assert end_abandoned(instance, leases, LEASED, standing).count("is about to be submitted") == 2
    world.pass_by(sensors._SUBMITTING_SECONDS)
    instance.report_dagster_event(dg.DagsterEvent(dg.DagsterEventType.RUN_STARTING.value, late.job_name), late.run_id)
    end_abandoned(instance, leases, LEASED, standing)
    assert "it was made and not submitted" in failure_of(instance, left)
    assert status(instance, left) == "FAILURE"
    assert status(instance, late) == "STARTING"
    assert [status(instance, run) for run in others] == [run.status.value for run in others]


def test_a_run_that_comes_to_its_lease_late_may_end_as_slowly_as_any(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks, run = opened("bucket"), run_of(instance)
    leases, standing = leases_of(instance, stacks), Standing(world.clock)
    end_abandoned(instance, leases, LEASED, standing)
    world.pass_by(BEGINNING_SECONDS - SECONDS)
    with run_lease.run_lease(instance, run, stacks, "a"):
        pass
    assert "is about to end" in end_abandoned(instance, leases, LEASED, standing)
    assert status(instance, run) == "STARTED"


def test_a_run_that_dies_while_it_waits_for_the_lease_is_failed_and_as_long_as_it_lives_is_not(
    instance: dg.DagsterInstance, opened: Opened, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks, slow, waiting = opened("bucket"), run_of(instance), run_of(instance)
    leases, standing = leases_of(instance, stacks), Standing(world.clock)
    applies = leases.take(KEY, Claim(slow.run_id, "a"), patience=0)
    Mark(leases.root + KEY, holds=True).write(instance, slow.run_id)
    take, own, seen = shared.SharedLeases.take, [], []

    def taking(
        self: shared.SharedLeases, key: str, claim: Claim, *, patience: float, **_: object
    ) -> shared.SharedLease:
        if key != KEY or not patience:
            own.append(take(self, key, claim, patience=0))
            return own[-1]
        # Here it waits.
        for lives in (True, True, False, False):
            world.pass_by(SECONDS * 0.6)
            applies.renew()  # type: ignore[attr-defined] # of a shared lease
            if lives:
                own[-1].renew()
            end_abandoned(instance, leases, LEASED, standing)
            seen.append(status(instance, waiting))
        return take(self, key, claim, patience=0)

    monkeypatch.setattr(shared.SharedLeases, "take", taking)
    with pytest.raises(GuardError), run_lease.run_lease(instance, waiting, stacks, "a"):
        pass
    assert seen == ["STARTED", "STARTED", "STARTED", "FAILURE"]
    assert f"{KEY}.{waiting.run_id} was not renewed for {SECONDS} s" in failure_of(instance, waiting)
    assert status(instance, slow) == "STARTED"


def test_a_run_whose_lease_another_run_has_is_failed(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks, lost, now = opened("bucket"), run_of(instance), run_of(instance)
    leases = leases_of(instance, stacks)
    leases.take(KEY, Claim(now.run_id, "b"), patience=0)
    for run in (lost, now):
        Mark(leases.root + KEY, holds=True).write(instance, run.run_id)
    assert f"is that of run {now.run_id} on host b" in end_abandoned(instance, leases, LEASED, Standing(world.clock))
    assert (status(instance, lost), status(instance, now)) == ("FAILURE", "STARTED")


def test_a_run_that_gave_its_lease_back_and_was_killed_then_is_failed_after_a_while(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks, run, ended = opened("bucket"), run_of(instance), run_of(instance)
    leases, standing = leases_of(instance, stacks), Standing(world.clock)
    for one in (run, ended):
        with run_lease.run_lease(instance, one, stacks, "a"):
            pass
    assert "is about to end" in end_abandoned(instance, leases, LEASED, standing)
    instance.report_run_canceled(ended)
    world.pass_by(sensors._ENDING_SECONDS)
    assert "nobody ended the run since" in end_abandoned(instance, leases, LEASED, standing)
    assert (status(instance, run), status(instance, ended)) == ("FAILURE", "CANCELED")


def test_a_run_that_gives_its_lease_back_while_it_is_looked_at_is_left_alone(
    instance: dg.DagsterInstance, opened: Opened, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks, run = opened("file"), run_of(instance)
    leases = leases_of(instance, stacks)
    holding = run_lease.run_lease(instance, run, stacks, "a")
    holding.__enter__()
    look = FileLeases.look

    def late(self: FileLeases, key: str, run_id: str) -> object:
        holding.__exit__(None, None, None)
        return look(self, key, run_id)

    monkeypatch.setattr(FileLeases, "look", late)
    assert "has just ended, or gone on" in end_abandoned(instance, leases, LEASED, Standing(world.clock))
    assert status(instance, run) == "STARTED"


def test_a_lock_file_is_held_while_its_process_lives_and_its_run_is_failed_once_it_was_killed(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks, run = opened("file"), run_of(instance)
    leases, standing = leases_of(instance, stacks), Standing(world.clock)
    Mark(address_of(instance, stacks), holds=True).write(instance, run.run_id)
    folder = leases.root.removeprefix("file://")
    with subprocess.Popen([sys.executable, "-c", HOLDER, folder, KEY], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            os.kill(holder.pid, signal.SIGSTOP)
            for _ in range(3):
                world.pass_by(10 * SECONDS)
                assert "a process holds it" in end_abandoned(instance, leases, LEASED, standing)
        finally:
            holder.kill()
    assert "is free" in end_abandoned(instance, leases, LEASED, standing)
    assert status(instance, run) == "FAILURE"


def test_a_store_that_does_not_answer_ends_no_run_and_is_asked_once_a_tick(
    instance: dg.DagsterInstance, opened: Opened, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks, runs = opened("bucket"), [run_of(instance), run_of(instance)]
    for run in runs:
        Mark(address_of(instance, stacks), holds=True).write(instance, run.run_id)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    leases = leases_of(instance, stacks)
    said = end_abandoned(instance, leases, LEASED, Standing(world.clock))
    assert said.count("EndpointConnectionError") == 1
    assert {status(instance, run) for run in runs} == {"STARTED"}


def test_a_record_that_is_no_lease_hides_no_other_run_whose_lease_is_gone(
    instance: dg.DagsterInstance, opened: Opened, aws: LocalAws, world: World
) -> None:
    stacks = opened("bucket")
    # Dagster tells of the latest run first.
    dead, damaged = run_of(instance), run_of(instance, "b")
    for run, stack in ((dead, "a"), (damaged, "b")):
        Mark(address_of(instance, stacks, stack), holds=True).write(instance, run.run_id)
    key = address_of(instance, stacks, "b").removeprefix(f"s3://{BUCKET}/")
    operator(aws).client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    said = end_abandoned(instance, leases_of(instance, stacks), LEASED, Standing(world.clock))
    assert f"{key} is no lease of this pipeline" in said
    assert (status(instance, dead), status(instance, damaged)) == ("FAILURE", "STARTED")


def test_the_sensor_says_what_it_looked_at_and_is_red_where_hosts_share_the_storage_without_leases(
    instance: dg.DagsterInstance, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tick() -> object:
        context = dg.build_sensor_context(instance=instance, resources={"secrets_pipeline_stacks": opened("file")})
        return abandoned_run_sensor_for(PLAIN, LEASED)(context)

    assert tick() == dg.SkipReason("0 unfinished runs, 0 looked at.")
    monkeypatch.setattr(run_lease, "_OF_ONE_HOST", frozenset())
    with pytest.raises(GuardError, match=r"leases: \{bucket"):
        tick()
