"""Define the sensor `run_failure_alerts`: it alerts of every failed run, unless the run has said itself why."""

from collections.abc import Iterator

import dagster as dg

from secrets_pipeline import errors
from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.orchestration.alerts.alerting import ALERTED_TAG, Alerting
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG

_OURS = frozenset(
    kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
_REMEDY = "Open the run: its first failed step says what happened."


@dg.run_failure_sensor(
    name="run_failure_alerts",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="One alert a failed run: stack, job, what failed, and where to look.",
)
def run_failure_alerts(context: dg.RunFailureSensorContext, alerting: dg.ResourceParam[Alerting]) -> None:
    """Alert, unless the run has said itself why it failed."""
    run = context.dagster_run
    if ALERTED_TAG in run.tags:
        return
    failures = (*context.get_step_failure_events(), context.failure_event)
    alert = failure_alert(run, failures, context.failure_event.message, alerting)
    alerting.say(alert, context.instance, context.log)


def failure_alert(
    run: dg.DagsterRun, failures: tuple[dg.DagsterEvent, ...], otherwise: str | None, alerting: Alerting
) -> Alert:
    """Make the alert of a failed run.

    Args:
        run: which.
        failures: of its steps, the first one first, and at last its own: what failed before the first step.
        otherwise: what Dagster says of a run that failed in no step, for example because its process ended.
        alerting: makes the link.
    """
    stack = run.tags.get(PARTITION_TAG, "")
    said = next(_texts(failures), "") or otherwise or _REMEDY
    where = f"stack {stack}" if stack else "no stack"
    lines = [f"{run.job_name} of {where} failed.", "", said, "", alerting.link(f"/runs/{run.run_id}")]
    return Alert(
        subject=f"{run.job_name} failed: {stack or run.run_id}: {said.splitlines()[0]}",
        text="\n".join(lines),
        stack=stack,
        cause="run-failed",
        about=f"{run.job_name}: {said.splitlines()[0]}",
    )


def _texts(failures: tuple[dg.DagsterEvent, ...]) -> Iterator[str]:
    """What was said, as far as it is known to hold no value: errors of ours, and `dg.Failure`."""
    for event in failures:
        place = f"{event.step_key}: " if event.step_key else ""
        raised = event.step_failure_data.user_failure_data if place else None
        if raised is not None and raised.description:
            yield place + raised.description
            continue
        error = event.step_failure_data.error if place else event.job_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None and error.cls_name in _OURS:
            yield place + (error.message.partition(": ")[2].strip() or error.message.strip())
        elif error is not None and place:
            # The text of any other exception may quote what it stumbled on.
            yield f"{place}{error.cls_name}. {_REMEDY}"
