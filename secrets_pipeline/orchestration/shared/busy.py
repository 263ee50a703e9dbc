"""Find the stacks that a run is working on: one query for all of them."""

import dagster as dg

from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG

UNDER_WAY = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
UNFINISHED = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED, *UNDER_WAY)


def busy_stacks(instance: dg.DagsterInstance, statuses: tuple[dg.DagsterRunStatus, ...] = UNDER_WAY) -> frozenset[str]:
    """Return the stacks with a run of one of these statuses, by default one that has left the queue.

    Who waits behind a queued run may wait for hours, while a run of higher priority would come first.
    """
    runs = instance.get_runs(dg.RunsFilter(statuses=list(statuses)))
    return frozenset(run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags)
