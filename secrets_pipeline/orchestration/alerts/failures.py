"""Read why a run failed from Dagster's events, and make its alert: stack, what failed, and where to look."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from secrets_pipeline import errors
from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.errors import unasked_by
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from secrets_pipeline.orchestration.verification.not_asked import NotAsked, not_asked_of

OURS = frozenset(
    kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
"""Names of the errors that this project raises on purpose."""
_REMEDY = "Open the run: its first failed step says what happened."
_FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
_CALLED: Final[Mapping[str, str]] = {
    "provision": "Apply",
    "verify": "Verify",
    "plan": "Plan",
    "rotate_secrets": "Rotate",
}
"""Job → its name in a subject; other jobs keep the name of their definition."""
_DAGSTERS_OWN: Final = "__ASSET_JOB"


def failures_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Sequence[dg.DagsterEvent]:
    """Return the failures of a run and of its steps, the first one first."""
    records = instance.get_records_for_run(run.run_id, of_type=_FAILURES).records
    return [record.event_log_entry.get_dagster_event() for record in records]


def _called(run: dg.DagsterRun, names: Names) -> str:
    # Assets or checks that are chosen in the UI are runs of a job of Dagster's own.
    if run.job_name == _DAGSTERS_OWN:
        return _CALLED["provision" if run.asset_selection else "verify"]
    return next((said for job, said in _CALLED.items() if run.job_name == names.of(job)), run.job_name)


def unasked_failure(failures: Sequence[dg.DagsterEvent], who: Callable[[], str]) -> NotAsked | None:
    """Return why a failed run could not ask AWS; None if something else failed it, or one of its steps.

    Args:
        failures: of the run and its steps.
        who: names the account, or the credentials, if a failure does not name it itself; empty if nobody knows, and
            then the failure is told as any other.
    """
    steps = [one for one in failures if not one.is_run_failure]
    causes = [_unasked(one, who) for one in steps or failures]
    return causes[0] if causes and all(causes) else None


def _unasked(failure: dg.DagsterEvent, who: Callable[[], str]) -> NotAsked | None:
    raised = None if failure.is_run_failure else failure.step_failure_data.user_failure_data
    if raised is not None and (said := not_asked_of(raised.metadata)):
        return said[0]
    error = _innermost(failure)
    cause = unasked_by(error.cls_name or "") if error is not None else None
    whom = who() if cause and error else ""
    return NotAsked(whom, cause, _first_line(_message(error))) if whom and cause else None


def failure_alert(run: dg.DagsterRun, failures: Sequence[dg.DagsterEvent], alerting: Alerting, names: Names) -> Alert:
    """Make the alert of a failed run.

    Args:
        run: which.
        failures: of the run and its steps, see `failures_of`.
        alerting: makes the link.
        names: of the code location.
    """
    stack = run.tags.get(PARTITION_TAG, "")
    # What Dagster says of a run that failed in no step, for example because its process ended.
    otherwise = next((one.message for one in reversed(failures) if one.is_run_failure), None)
    in_order = sorted(failures, key=lambda one: one.is_run_failure)
    place, said = next(_texts(in_order), ("", otherwise or _REMEDY))
    whose = stack or run.tags.get(ACCOUNT_TAG, "")
    where = f"{'stack' if stack else 'account'} {whose}" if whose else "no stack"
    at = f"{run.job_name} of {where} failed{f' at {place}' if place else ''}."
    lines = [at, "", said, "", alerting.link(f"/runs/{run.run_id}")]
    return Alert(
        subject=f"{_called(run, names)} of {whose or run.run_id} failed: {_first_line(said)}",
        text="\n".join(lines),
        stack=stack,
        cause="run-failed",
        about=f"{run.job_name} of {where}: {_first_line(said)}",
    )


def _texts(failures: Sequence[dg.DagsterEvent]) -> Iterator[tuple[str, str]]:
    """Step, and what was said, as far as it is known to hold no value: errors of ours, and `dg.Failure`."""
    for event in failures:
        place = event.step_key or ""
        raised = event.step_failure_data.user_failure_data if place else None
        if raised is not None and raised.description:
            yield place, raised.description
            continue
        error = _innermost(event)
        if error is not None and error.cls_name in OURS:
            yield place, _message(error)
        elif error is not None and place:
            # The text of any other exception may quote what it stumbled on.
            yield place, f"{error.cls_name}. {_REMEDY}"


def _innermost(failure: dg.DagsterEvent) -> SerializableErrorInfo | None:
    # A run that was reported as failed from outside has no data.
    error: SerializableErrorInfo | None = getattr(failure.event_specific_data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return error


def _message(error: SerializableErrorInfo | None) -> str:
    # Dagster writes the class in front, as a traceback does.
    return (error.message.partition(": ")[2].strip() or error.message.strip()) if error else ""


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0]
