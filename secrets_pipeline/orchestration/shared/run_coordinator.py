"""Queue runs as Dagster does, those of backfills last: the UI gives them no priority, and they come by the hundred.

`dagster.yaml` names the class. Source: https://docs.dagster.io/deployment/execution/run-coordinators
"""

import dagster as dg

from secrets_pipeline.orchestration.shared.priorities import BACKFILL, BACKFILL_TAG, PRIORITY_TAG, PROVISION

_RETRY_TAG = "dagster/retry_number"


class BackfillsLast(dg.QueuedRunCoordinator):
    """Dagster's `QueuedRunCoordinator`, which gives the runs of a backfill the lowest priority unless it names one.

    One that repeats a run which died comes as any apply: its stack may be half done.
    """

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Add a run to the queue."""
        tags = context.dagster_run.tags
        priority = PROVISION if _RETRY_TAG in tags else BACKFILL
        if BACKFILL_TAG in tags and tags.get(PRIORITY_TAG, str(PROVISION)) in {str(PROVISION), str(BACKFILL)}:
            self._instance.add_run_tags(context.dagster_run.run_id, {PRIORITY_TAG: str(priority)})
        return super().submit_run(context)
