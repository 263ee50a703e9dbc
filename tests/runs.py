"""Runs that have to end well: where one does not, the failure of the test says why."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo
    from typer.testing import Result

    from secrets_pipeline.orchestration.in_process.running import RunReport


def assert_succeeded(done: dg.ExecuteInProcessResult) -> None:
    """A run in this process ended well; else each failed step with its error and what caused that."""
    assert done.success, _told(done.run_id, done.all_events)


def assert_run_succeeded(instance: dg.DagsterInstance, run_id: str) -> None:
    """The same for a run that an instance knows."""
    run = instance.get_run_by_id(run_id)
    assert run is not None, f"{run_id} is unknown"
    events = (one.dagster_event for one in instance.all_logs(run_id))
    assert run.is_success, _told(run_id, [event for event in events if event])


def assert_applied(report: RunReport) -> None:
    """A provisioning run ended well; else its error, and every outcome that is none."""
    wrong = [dict(row) for row in report.rows if row["outcome"] in ("failed", "skipped")]
    assert report.success, f"{report.stack}: {report.error}\n" + "\n".join(map(str, wrong))


def assert_exited(result: Result, code: int = 0) -> None:
    """The command line ended with an exit code; else what it said, and the exception if it broke."""
    broke = result.exception is not None and not isinstance(result.exception, SystemExit)
    trace = "".join(traceback.format_exception(result.exception)) if broke else ""
    assert result.exit_code == code, f"exit code {result.exit_code}, not {code}:\n{result.output}{trace}"


def _told(run_id: str, events: Sequence[dg.DagsterEvent]) -> str:
    failed = [one for one in events if one.is_step_failure or one.is_run_failure]
    return "\n".join([f"run {run_id} failed", *(line for event in failed for line in _lines(event))])


def _lines(event: dg.DagsterEvent) -> Iterator[str]:
    yield f"{event.step_key or 'the run'}: {event.message or ''}"
    error: SerializableErrorInfo | None = getattr(event.event_specific_data, "error", None)
    while error is not None:
        yield error.to_string()
        error = error.cause
