"""Have Dagster repeat a failed run that can pass, where its `run_retries` did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from secrets_pipeline.orchestration.alerts.failures import OURS, failures_of
from secrets_pipeline.orchestration.shared.dagster_internals import internal

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

WILL_RETRY_TAG = "dagster/will_retry"
_REASON_TAG, _OF_A_STEP, _OF_THE_RUN = "dagster/failure_reason", "STEP_FAILURE", "RUN_EXCEPTION"
_STORAGE_ERRORS = frozenset({"OperationalError", "InterfaceError", "DagsterPostgresException"})
"""A database that is away, as SQLAlchemy, the drivers below it and dagster-postgres call it: events name classes."""


def asked_again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Report a failed run once more, for which Dagster's daemon decides anew whether it repeats it.

    It gives a repetition up when the code server does not answer, and makes none of what failed in a step, although the
    database may have been away. It counts the repetitions that there are, and makes none twice.

    Args:
        instance: whose run it is.
        run: which, failed, and not repeated.

    Returns:
        Whether it was reported: not where it may not be repeated by the instance's settings, was asked for before, or
        where a step failed for another reason.
    """
    failures = failures_of(instance, run)
    reports = [one for one in failures if one.is_run_failure]
    if not instance.run_retries_enabled or len(reports) != 1:
        return False
    in_step = run.tags.get(_REASON_TAG) == _OF_A_STEP
    steps = [one for one in failures if not one.is_run_failure]
    if in_step and not (steps and all(map(_is_of_the_storage, steps))):
        return False
    should_retry = internal("auto_reexecution_should_retry_run")
    if should_retry is None or not should_retry(instance, run, None):
        return False
    # Before the event, or the daemon might find it with the old tag.
    instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "true", **({_REASON_TAG: _OF_THE_RUN} if in_step else {})})
    instance.report_run_failed(run, f"{reports[0].message} Dagster is asked once more to repeat it.")
    return True


def _is_of_the_storage(failure: dg.DagsterEvent) -> bool:
    kinds = set(_kinds(failure.step_failure_data.error))
    return not kinds.isdisjoint(_STORAGE_ERRORS) and kinds.isdisjoint(OURS)


def _kinds(error: SerializableErrorInfo | None) -> Iterator[str]:
    while error is not None:
        yield error.cls_name or ""
        error = error.cause or error.context
