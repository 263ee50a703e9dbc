"""Make the alert of a failed run: stack, job, what failed, and where to look."""

from collections.abc import Iterator, Sequence

import dagster as dg

from secrets_pipeline import errors
from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG

OURS = frozenset(
    kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
"""Names of the errors that this project raises on purpose."""
_REMEDY = "Open the run: its first failed step says what happened."

_FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}


def failures_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Sequence[dg.DagsterEvent]:
    """Return the failures of a run and of its steps, the first one first."""
    records = instance.get_records_for_run(run.run_id, of_type=_FAILURES).records
    return [record.event_log_entry.get_dagster_event() for record in records]


def failure_alert(instance: dg.DagsterInstance, run: dg.DagsterRun, alerting: Alerting) -> Alert:
    """Make the alert of a failed run.

    Args:
        instance: whose storage has the run's events.
        run: which.
        alerting: makes the link.
    """
    stack = run.tags.get(PARTITION_TAG, "")
    events = failures_of(instance, run)
    # What Dagster says of a run that failed in no step, for example because its process ended.
    otherwise = next((one.message for one in reversed(events) if one.is_run_failure), None)
    in_order = sorted(events, key=lambda one: one.is_run_failure)
    said = next(_texts(in_order), "") or otherwise or _REMEDY
    whose = stack or run.tags.get(ACCOUNT_TAG, "")
    where = f"{'stack' if stack else 'account'} {whose}" if whose else "no stack"
    lines = [f"{run.job_name} of {where} failed.", "", said, "", alerting.link(f"/runs/{run.run_id}")]
    return Alert(
        subject=f"{run.job_name} failed: {whose or run.run_id}: {said.splitlines()[0]}",
        text="\n".join(lines),
        stack=stack,
        cause="run-failed",
        about=f"{run.job_name} of {where}: {said.splitlines()[0]}",
    )


def _texts(failures: Sequence[dg.DagsterEvent]) -> Iterator[str]:
    """What was said, as far as it is known to hold no value: errors of ours, and `dg.Failure`."""
    for event in failures:
        place = f"{event.step_key}: " if event.step_key else ""
        raised = event.step_failure_data.user_failure_data if place else None
        if raised is not None and raised.description:
            yield place + raised.description
            continue
        # A run that was reported as failed from outside has no data.
        error = getattr(event.event_specific_data, "error", None)
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None and error.cls_name in OURS:
            yield place + (error.message.partition(": ")[2].strip() or error.message.strip())
        elif error is not None and place:
            # The text of any other exception may quote what it stumbled on.
            yield f"{place}{error.cls_name}. {_REMEDY}"
