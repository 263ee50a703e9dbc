"""Have a failed run repeated that can pass: by Dagster if it is up to Dagster, else by a request of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

import dagster as dg

from secrets_pipeline.orchestration.alerts.failures import OURS, failures_of
from secrets_pipeline.orchestration.provisioning.jobs import PROVISION_JOB
from secrets_pipeline.orchestration.rotation.rotate_op import ROTATE_JOB
from secrets_pipeline.orchestration.shared.dagster_internals import internal
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import (
    ACCOUNT_TAG,
    COMMIT_TAG,
    DEEP_TAG,
    SECRETS_TAG,
    VERIFY_TAG,
    run_request,
)
from secrets_pipeline.orchestration.verification.jobs import VERIFY_JOB

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

REPETITION_TAG: Final = "secrets-pipeline/repetition"
"""On a run that a sensor requested as it repeats a failed one: 1 for the first repetition …"""
REPEATS_TAG: Final = "secrets-pipeline/repeats"
"""On such a run: the id of the run that it repeats."""
_DAGSTERS_OWN: Final = "__ASSET_JOB"
_LATER: Final = 20
WILL_RETRY_TAG = "dagster/will_retry"
_BACKFILL_TAG = "dagster/backfill"
_REASON_TAG, _OF_A_STEP, _OF_THE_RUN = "dagster/failure_reason", "STEP_FAILURE", "RUN_EXCEPTION"
_STORAGE_ERRORS = frozenset({"OperationalError", "InterfaceError", "DagsterPostgresException"})
"""A database that is away, as SQLAlchemy, the drivers below it and dagster-postgres call it: events name classes."""


def retried(
    instance: dg.DagsterInstance, run: dg.DagsterRun, names: Names, own: Own
) -> dg.RunRequest | Literal["by Dagster"] | None:
    """Have a failed run repeated that Dagster's settings allow to be repeated, and that Dagster has not repeated.

    Dagster's daemon gives a repetition up when the code server does not answer, and makes none of what failed in a
    step, although the database may have been away. So the run is reported once more, and the daemon decides anew. It
    counts the repetitions that there are, and makes none twice.

    It repeats nothing of a backfill that is over, and a backfill of a job is over as soon as its last run has failed.
    That run is requested.

    Args:
        instance: whose run it is.
        run: the failed run, which nobody has repeated yet.
        names: of the code location.
        own: what belongs to it.

    Returns:
        The run to request, or "by Dagster" where its daemon was asked. None if nobody repeats the run. That is so if
        the settings do not allow it, a step failed for another reason, Dagster was asked before, or a later run did it.
    """
    failures = failures_of(instance, run)
    reports = [one for one in failures if one.is_run_failure]
    if not instance.run_retries_enabled or len(reports) != 1:
        return None
    in_step = run.tags.get(_REASON_TAG) == _OF_A_STEP
    steps = [one for one in failures if not one.is_run_failure]
    if in_step and not (steps and all(map(_is_of_the_storage, steps))):
        return None
    should_retry = internal("auto_reexecution_should_retry_run")
    if should_retry is None or not should_retry(instance, run, None):
        return None
    if _ended_with_its_backfill(instance, run) and is_repeatable(run, names, own):
        instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "false"})
        return repeated(instance, run, names, own)
    # Before the event, or the daemon might find it with the old tag.
    instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "true", **({_REASON_TAG: _OF_THE_RUN} if in_step else {})})
    instance.report_run_failed(run, f"{reports[0].message} Dagster is asked once more to repeat it.")
    return "by Dagster"


def _ended_with_its_backfill(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    backfill = instance.get_backfill(run.tags[_BACKFILL_TAG]) if _BACKFILL_TAG in run.tags else None
    # COMPLETED, COMPLETED_SUCCESS or COMPLETED_FAILED: nobody cancelled it.
    return backfill is not None and backfill.status.value.startswith("COMPLETED")


def _is_of_the_storage(failure: dg.DagsterEvent) -> bool:
    kinds = set(_kinds(failure.step_failure_data.error))
    return not kinds.isdisjoint(_STORAGE_ERRORS) and kinds.isdisjoint(OURS)


def _kinds(error: SerializableErrorInfo | None) -> Iterator[str]:
    while error is not None:
        yield error.cls_name or ""
        error = error.cause or error.context


def repetition_of(run: dg.DagsterRun) -> int:
    """Return which repetition a run is, 0 for one that repeats none."""
    number = run.tags.get(REPETITION_TAG, "0")
    return int(number) if number.isdecimal() else 0


def is_repeatable(run: dg.DagsterRun, names: Names, own: Own) -> bool:
    """Tell whether a failed run may be repeated as it was.

    One of the command line may adopt or prune, which no request says, and has no code location that Dagster knows. A
    rotation may have been done in part, and would be done twice. A sensor may request its own jobs alone: not one of
    the host project, and none that another version named otherwise.
    """
    is_ours = run.job_name in {*own.jobs, _DAGSTERS_OWN}
    return is_ours and run.remote_job_origin is not None and run.job_name != names.of(ROTATE_JOB)


def repeated(instance: dg.DagsterInstance, run: dg.DagsterRun, names: Names, own: Own) -> dg.RunRequest | None:
    """Request a failed run again as it was: job, partition, tags, configuration, and what was chosen of our assets.

    Only a run that applies changes of the YAML keeps its commit; other runs read the current one.

    Args:
        instance: whose run it is.
        run: the failed run.
        names: of the code location.
        own: what belongs to it.

    Returns:
        None if it did not fail or may not be repeated, if nothing that it chose is there, or if a later run of the same
        job, partition and choice was launched: that one has done it, or is repeated itself.
    """
    if run.status is not dg.DagsterRunStatus.FAILURE or not is_repeatable(run, names, own) or _has_later(instance, run):
        return None
    assets = own.assets.intersection(run.asset_selection or ())
    checks = own.checks.intersection(run.asset_check_selection or ())
    if (run.asset_selection or run.asset_check_selection) and not assets and not checks:
        return None
    job = run.job_name
    if job == _DAGSTERS_OWN:
        job = names.of(PROVISION_JOB if assets else VERIFY_JOB)
    tags = _tags(run)
    if job != names.of(PROVISION_JOB):
        tags.pop(COMMIT_TAG, None)
    return dg.RunRequest(
        run_key=f"unasked:{run.run_id}",
        job_name=job,
        run_config=dict(run.run_config),
        tags=tags,
        asset_selection=sorted(assets) or None,
        asset_check_keys=None if run.asset_check_selection is None else sorted(checks, key=str),
    )


def verification_instead(run: dg.DagsterRun, stack: str, names: Names) -> dg.RunRequest:
    """Request a verification of a stack that a run could not ask AWS about, if the run is not repeated."""
    tags = {tag: value for tag, value in _tags(run).items() if tag in (REPETITION_TAG, REPEATS_TAG)}
    return run_request(names.of(VERIFY_JOB), stack, key=f"unasked:{run.run_id}", tags={**tags, VERIFY_TAG: "true"})


def _tags(run: dg.DagsterRun) -> dict[str, str]:
    kept = {tag: value for tag, value in run.tags.items() if tag == PARTITION_TAG or not tag.startswith("dagster/")}
    return {**kept, REPETITION_TAG: str(repetition_of(run) + 1), REPEATS_TAG: run.run_id}


def _has_later(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    partition = run.tags.get(PARTITION_TAG)
    same = dg.RunsFilter(job_name=run.job_name, tags={PARTITION_TAG: partition} if partition else {})
    records = instance.get_run_records(same, limit=_LATER)
    own = next((one.create_timestamp for one in records if one.dagster_run.run_id == run.run_id), None)
    later = [one.dagster_run for one in records if own is None or one.create_timestamp > own]
    return any(
        _choice(one) == _choice(run)
        for one in later
        if one.run_id != run.run_id and (partition or one.tags.get(ACCOUNT_TAG) == run.tags.get(ACCOUNT_TAG))
    )


def _choice(run: dg.DagsterRun) -> tuple[object, ...]:
    tags = [run.tags.get(tag) for tag in (SECRETS_TAG, DEEP_TAG, VERIFY_TAG)]
    return run.asset_selection, run.asset_check_selection, dict(run.run_config), tags
