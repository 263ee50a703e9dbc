"""Delete the history of verifications that newer ones have replaced."""

from datetime import datetime, timedelta

import dagster as dg

from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG

MOST = 50
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def purge_verifications(instance: dg.DagsterInstance, job: str, now: datetime, keep: timedelta) -> int:
    """Delete runs that only looked (`DagsterInstance.delete_run`), some of them at a time.

    The last verdict of a stack stays, however old it is, and so do runs that wrote: their materialisations say what was
    applied last. Dagster deletes a run and its events; the row of each check's execution stays, and with SQLite the
    empty file of the run's events.

    Args:
        instance: whose runs.
        job: name of the job that verifies.
        now: the moment.
        keep: how long runs are kept.

    Returns:
        How many were deleted.
    """
    old = instance.get_runs(dg.RunsFilter(job_name=job, statuses=_ENDED, created_before=now - keep), limit=MOST)
    newer = {
        stack: not stack or _is_newer_one(instance, job, stack, now - keep) for stack in {_stack(run) for run in old}
    }
    gone = [run for run in old if newer[_stack(run)]]
    for run in gone:
        instance.delete_run(run.run_id)
    return len(gone)


def _stack(run: dg.DagsterRun) -> str:
    return run.tags.get(PARTITION_TAG, "")


def _is_newer_one(instance: dg.DagsterInstance, job: str, stack: str, since: datetime) -> bool:
    wanted = dg.RunsFilter(
        job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS], created_after=since, tags={PARTITION_TAG: stack}
    )
    # One of chosen checks says nothing of the others.
    return any(run.asset_check_selection is None for run in instance.get_runs(wanted, limit=MOST))
