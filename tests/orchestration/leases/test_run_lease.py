"""The lease of a stack, as a run takes it: alone, and telling Dagster which runs lost theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest

from secrets_pipeline.aws.leases.model import Claim
from secrets_pipeline.emulator import FaultAction, InjectedFault, LocalAws, arm, disarm
from secrets_pipeline.errors import GuardError
from secrets_pipeline.orchestration.applying import run_lease
from secrets_pipeline.orchestration.applying.run_lease import leases_of
from secrets_pipeline.orchestration.shared.lease_mark import LEASE_TAG, Mark
from tests.orchestration.leases.conftest import Opened, address_of
from tests.orchestration.leases.ground import SECONDS, World, failure_of, run_of, status, tag_of

EVERYWHERE = pytest.mark.parametrize("where", ["bucket", "file"])


@EVERYWHERE
def test_one_run_at_a_time_has_the_lease_of_a_stack(
    instance: dg.DagsterInstance, opened: Opened, world: World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(run_lease, "patience_of", lambda _leases: 0)
    stacks = opened(where)
    first, second, other = run_of(instance), run_of(instance), run_of(instance, "b")
    with run_lease.run_lease(instance, first, stacks, "a") as lease:
        with (
            pytest.raises(GuardError, match="another run has held"),
            run_lease.run_lease(instance, second, stacks, "a"),
        ):
            pass
        with run_lease.run_lease(instance, other, stacks, "b"):
            pass
        with ThreadPoolExecutor() as threads:
            threads.submit(lease.check).result()
    with pytest.raises(GuardError, match="back"):
        lease.check()
    with run_lease.run_lease(instance, second, stacks, "a"):
        pass
    assert {status(instance, run) for run in (first, second, other)} == {"STARTED"}


def test_a_store_that_does_not_answer_once_stops_no_run(
    instance: dg.DagsterInstance, opened: Opened, world: World, aws: LocalAws
) -> None:
    stacks, run = opened("bucket"), run_of(instance)
    # Of one call each try.
    arm(aws, InjectedFault(FaultAction.ERROR, attempts=2, service="s3", operation="GET"))
    with run_lease.run_lease(instance, run, stacks, "a"):
        assert tag_of(instance, run) == f"{run.run_id} holds {address_of(instance, stacks)}"
    assert disarm(aws)[0].seen >= 2


@EVERYWHERE
def test_who_gets_the_lease_fails_the_runs_that_held_it_and_no_other(
    instance: dg.DagsterInstance, opened: Opened, world: World, where: str
) -> None:
    stacks = opened(where)
    ours, theirs = address_of(instance, stacks), address_of(instance, stacks, "b")
    dead, own, other_stack, ending = run_of(instance), run_of(instance), run_of(instance, "b"), run_of(instance)
    for run, mark in (
        (dead, Mark(ours, holds=True)),
        (own, Mark(ours, holds=True)),
        (other_stack, Mark(theirs, holds=True)),
        (ending, Mark(ours, holds=False)),
    ):
        mark.write(instance, run.run_id)
    waiting, elsewhere = run_of(instance), run_of(instance)
    Mark("s3://another-deployment/111122223333-a", holds=True).write(instance, elsewhere.run_id)
    # Dagster copies the tags of a run to the one that repeats it, which waits.
    repeats = run_of(instance, tags={LEASE_TAG: tag_of(instance, dead)})
    with run_lease.run_lease(instance, own, stacks, "a"):
        assert status(instance, dead) == "FAILURE"
        assert f"its lease {ours} was free; run {own.run_id} took it" in failure_of(instance, dead)
        untouched = (own, other_stack, ending, waiting, elsewhere, repeats)
        assert {status(instance, run) for run in untouched} == {"STARTED"}


def test_a_run_that_died_right_after_it_took_its_lease_is_failed_though_it_has_no_tag_yet(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks = opened("bucket")
    dead, after, unknown = run_of(instance), run_of(instance), "a run of another deployment"
    leases = leases_of(instance, stacks)
    for run_id in (unknown, dead.run_id):
        leases.take("111122223333-a", Claim(run_id, "ci-7"), patience=2 * SECONDS)  # and dies
    with run_lease.run_lease(instance, after, stacks, "a"):
        assert status(instance, dead) == "FAILURE"
    said = failure_of(instance, dead)
    assert f"was not renewed for {SECONDS} s by run {dead.run_id} on host ci-7" in said
    assert "Nobody executes this run any longer" in said
    assert after.run_id in said


@EVERYWHERE
def test_a_run_says_while_it_holds_its_lease_and_that_it_gave_it_back(
    instance: dg.DagsterInstance, opened: Opened, world: World, where: str
) -> None:
    stacks, run = opened(where), run_of(instance)
    address = address_of(instance, stacks)

    def mark() -> Mark | None:
        return Mark.of(found) if (found := instance.get_run_by_id(run.run_id)) else None

    with run_lease.run_lease(instance, run, stacks, "a"):
        assert mark() == Mark(address, holds=True)
    assert mark() == Mark(address, holds=False)
    with pytest.raises(ValueError, match="any"), run_lease.run_lease(instance, run, stacks, "a"):
        raise ValueError("any")
    assert mark() == Mark(address, holds=False)


def test_a_run_that_was_ended_before_it_had_its_lease_does_nothing(
    instance: dg.DagsterInstance, opened: Opened, world: World
) -> None:
    stacks, slow, after = opened("bucket"), run_of(instance), run_of(instance)
    instance.report_run_failed(slow)
    with (
        pytest.raises(GuardError, match="was ended before it had the lease"),
        run_lease.run_lease(instance, slow, stacks, "a"),
    ):
        pass
    with run_lease.run_lease(instance, after, stacks, "a"):
        assert status(instance, after) == "STARTED"


def test_dagster_may_initialise_the_resources_of_a_run_again_that_has_succeeded(
    instance: dg.DagsterInstance, opened: Opened
) -> None:
    # As `dg launch` does, to give the run's result.
    stacks, run = opened("bucket"), run_of(instance)
    with run_lease.run_lease(instance, run, stacks, "a"):
        pass
    instance.report_dagster_event(dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name), run.run_id)
    assert status(instance, run) == "SUCCESS"
    with run_lease.run_lease(instance, run, stacks, "a") as lease:
        assert lease.took_over == ""


def test_where_hosts_can_share_the_storage_a_lock_file_is_refused_before_anything_is_called(
    instance: dg.DagsterInstance, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lease, "_OF_ONE_HOST", frozenset())
    with (
        pytest.raises(GuardError, match="Dagster's storage") as refused,
        run_lease.run_lease(instance, run_of(instance), opened("file"), "a"),
    ):
        pass
    assert "leases: {bucket: NAME, region: REGION}" in str(refused.value)
    leases_of(instance, opened("bucket"))


def test_a_read_only_deployment_takes_no_lease(instance: dg.DagsterInstance, opened: Opened, world: World) -> None:
    stacks = opened("bucket")
    settings = stacks.settings
    stacks.desired  # noqa: B018 - read once, with its settings
    object.__setattr__(stacks._desired, "settings", settings.model_copy(update={"read_only": True}))
    with (
        pytest.raises(GuardError, match="read-only: s3 PutObject was refused"),
        run_lease.run_lease(instance, run_of(instance), stacks, "a"),
    ):
        pass
