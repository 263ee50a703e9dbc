"""Refuse a run whose executor starts a process for each step: one process applies a stack."""

from typing import Final

import dagster as dg

from secrets_pipeline.errors import GuardError
from secrets_pipeline.orchestration.shared.names import Names

_OF_OTHER_PROCESSES: Final = {
    # Logged before a step begins, by Dagster's executors that start a process for it: multiprocess, k8s, ecs, docker
    # and celery_k8s. Source: dagster/_core/executor/multiprocess.py and dagster/_cli/api.py (`execute_step`)
    dg.DagsterEventType.STEP_WORKER_STARTING,
    dg.DagsterEventType.STEP_WORKER_STARTED,
    # Others, such as celery, say nothing before: the process of their second step finds the first one ended.
    dg.DagsterEventType.STEP_SUCCESS,
}


def refuse_process_a_step(run: dg.DagsterRun, instance: dg.DagsterInstance, names: Names) -> None:
    """Refuse a run that has a process for each step; its jobs never do, but Materialize has the project's executor.

    Such a run would give its lease back between two steps, and read AWS's lists, which are late, for what the step
    before has written. Of a run that has succeeded Dagster may initialise the resources again, as `dg launch` does to
    give its result.

    Args:
        run: the run.
        instance: whose events are read.
        names: of the code location.

    Raises:
        GuardError: if it has. Nothing was written then, except under an executor such as celery, where the first step
            was applied.
    """
    now = instance.get_run_by_id(run.run_id)
    if now is not None and now.is_finished:
        return
    if instance.get_records_for_run(run.run_id, of_type=_OF_OTHER_PROCESSES, limit=1).records:
        raise GuardError(
            "one process applies a stack, and the executor of this run starts a process for each step",
            remedy=f"Launch the job `{names.of('provision')}` for this partition, or a backfill of that job.",
        )
