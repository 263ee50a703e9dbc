"""Hold the lease of a stack while a run applies it, and fail runs that held it and are gone (`report_run_failed`).

A run says on itself, by a tag, which lease it holds: so a run that waits in the queue or for the lease is never failed.
"""

import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg

from secrets_pipeline.aws.leases.local import FileLeases
from secrets_pipeline.aws.leases.model import Claim, Lease, Leases, Tell
from secrets_pipeline.aws.leases.opening import shared_leases
from secrets_pipeline.aws.patience import WAITING
from secrets_pipeline.errors import AwsError, GuardError
from secrets_pipeline.orchestration.shared.busy import UNDER_WAY
from secrets_pipeline.orchestration.shared.home import storage_errors
from secrets_pipeline.orchestration.shared.lease_mark import Mark
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Stacks

MAY_HOLD = (dg.DagsterRunStatus.NOT_STARTED, *UNDER_WAY)
"""Statuses of runs that may have a lease: a queued one has none yet."""
PATIENCE_SECONDS = 600.0
"""A run waits at least this long for the lease, and for a store of leases that does not answer."""
_LOOKING_SECONDS = 60.0
_OF_ONE_HOST = frozenset({"SqliteEventLogStorage", "ConsolidatedSqliteEventLogStorage", "InMemoryEventLogStorage"})
"""Dagster's default, and what forgets; known by their names in dagster.yaml."""


def leases_of(instance: dg.DagsterInstance, stacks: Stacks) -> Leases:
    """Open the leases of a deployment; no call is made.

    Raises:
        GuardError: if several hosts can share Dagster's storage, and the operator's settings name no such leases.
        SpecError: if the settings cannot be read.
    """
    settings = stacks.settings
    if settings.leases != "local":
        return shared_leases(settings.leases, stacks.sessions.derived(read_only=settings.read_only))
    kept = type(instance.event_log_storage).__name__
    if kept not in _OF_ONE_HOST:
        raise GuardError(
            f"several hosts can share Dagster's storage ({kept}), but a lock file works on one host only",
            remedy="Name an S3 bucket in the operator's settings: leases: {bucket: NAME, region: REGION}.",
        )
    return FileLeases(Path(instance.root_directory) / "locks")


def patience_of(leases: Leases) -> float:
    """Return how many seconds a run waits for a lease: ten minutes, or as long as a dead run's needs to be free."""
    return max(PATIENCE_SECONDS, leases.expiry + _LOOKING_SECONDS)


@contextmanager
def run_lease(
    instance: dg.DagsterInstance, run: dg.DagsterRun, stacks: Stacks, stack: str, *, tell: Tell = WAITING.info
) -> Iterator[Lease]:
    """Hold the lease of a stack while the block runs; every other run that holds it by its tag is failed.

    Args:
        instance: whose runs are told.
        run: which applies.
        stacks: the stacks of the run.
        stack: the stack's name.
        tell: is told what the run waits for, and until when.

    Raises:
        GuardError: see `leases_of`; or if another run has the lease for as long as `patience_of` says, this one was
            ended before, or this host's clock is ahead of AWS's.
        AwsError: if the store of leases refuses.
    """
    leases = leases_of(instance, stacks)
    key = f"{stacks.account_of(stack)}-{stack}"
    mark = Mark(leases.root + key, holds=True)
    with storage_errors():
        lease = _taken(instance, leases, key, Claim(run.run_id, platform.node()), tell)
    try:
        mark.write(instance, run.run_id)
        _refuse_ended(instance, run.run_id)
        lease.check()
        _fail_others(instance, stack, run.run_id, mark, lease)
        yield lease
    finally:
        try:
            # First the tag: whoever takes the lease next finds a run that ends, not one that died.
            Mark(mark.address, holds=False).write(instance, run.run_id)
        finally:
            # A lease that cannot be given back expires.
            with suppress(AwsError, GuardError):
                lease.release()


def _taken(instance: dg.DagsterInstance, leases: Leases, key: str, claim: Claim, tell: Tell) -> Lease:
    try:
        return leases.take(key, claim, patience=0)
    except (AwsError, GuardError):
        # Somebody has it, or the store did not answer once.
        own = f"{key}.{claim.run_id}"
    # A run that dies while it waits is found by a lease of its own, as one is that dies while it applies.
    patience = patience_of(leases)
    waiting = leases.take(own, claim, patience=patience, tell=tell)
    try:
        Mark(leases.root + own, holds=True).write(instance, claim.run_id)
        lease = leases.take(key, claim, patience=patience, tell=tell)
        # Before the other one is given back, or the run would count as dead in between.
        Mark(leases.root + key, holds=True).write(instance, claim.run_id)
    except BaseException:
        Mark(leases.root + own, holds=False).write(instance, claim.run_id)
        raise
    finally:
        with suppress(AwsError, GuardError):
            waiting.release()
    return lease


def _refuse_ended(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    # One that has succeeded comes here again: `dg launch` initialises the resources once more, to give its result.
    if run is not None and run.status in {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}:
        # It was so slow that it counted as dead, and another may repeat it by now.
        raise GuardError(
            "this run was ended before it had the lease of its stack: nothing was done",
            remedy="Look for the run that repeats it, or launch a new one.",
        )


def _fail_others(instance: dg.DagsterInstance, stack: str, own_run: str, mark: Mark, lease: Lease) -> None:
    others = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: stack}, statuses=list(MAY_HOLD)))
    for run in others:
        # A run that died right after it took its lease has no tag yet.
        if run.run_id != own_run and (Mark.of(run) == mark or run.run_id == lease.predecessor):
            why = f"its lease {mark.address} {lease.took_over or 'was free'}; run {own_run} took it"
            fail_abandoned(instance, run, why)


def fail_abandoned(instance: dg.DagsterInstance, run: dg.DagsterRun, why: str) -> None:
    """Report a run that nobody executes as failed; as canceled, and so not repeated, where somebody terminated it.

    Args:
        instance: whose run it is.
        run: which.
        why: what tells that, as a clause.
    """
    said = (
        f"Nobody executes this run any longer: {why}. "
        "What it wrote stays. The next apply goes on from there; if the run's lease in S3 expired, it compares the "
        "whole stack first."
    )
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, said)
    else:
        instance.report_run_failed(run, said)
