"""Let the last verdict of a check stand where a run broke before it evaluated it, and where nobody could ask AWS."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from secrets_pipeline.operations.runbook.alerts import WHY_UNASKED
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.verification.history import (
    COULD_NOT_ASK,
    REPEATED,
    STANDS,
    Evaluated,
    evaluated_checks,
    last_evaluation,
    planned_checks,
)
from secrets_pipeline.orchestration.verification.not_asked import NOT_ASKED, NotAsked
from secrets_pipeline.orchestration.verification.stack_check import Judged


def standing(found: Judged, last: Evaluated | None, stack: str | None) -> Judged:
    """Let the last verdict stand where a check could not ask AWS; one that was red stays red.

    Args:
        found: what the check came to.
        last: the last evaluation that could ask AWS.
        stack: which; None for all stacks at once, of which no verdict is on record.
    """
    why = found.not_asked[0]
    told = {COULD_NOT_ASK: dg.MetadataValue.md(_told(found.not_asked, stack or "STACK"))}
    if last is None:
        data = {**data_of(found.metadata), STANDS: None}
        description = f"Not known, as {why.why}: {why.said}."
        if stack is not None:
            description += " Nobody has looked before."
        return replace(found, description=description, metadata={**found.metadata, **told, DATA: _json(data)})
    real = last.evaluation
    word = "green" if last.is_green else "red" if last.is_red else "a warning"
    said = real.description or ""
    stands = {
        "passed": real.passed,
        "severity": real.severity.value,
        "description": said,
        "at": last.at,
        "repeated": REPEATED in real.metadata,
    }
    data = {**data_of(real.metadata), NOT_ASKED: data_of(found.metadata)[NOT_ASKED], STANDS: stands}
    return replace(
        found,
        severity=dg.AssetCheckSeverity.ERROR if last.is_red else dg.AssetCheckSeverity.WARN,
        description=f"Not known, as {why.why}: {why.said}. Last verdict: {word} as of {on_minute(last.at)}: {said}",
        metadata={
            **real.metadata,
            **told,
            REPEATED: dg.MetadataValue.timestamp(last.at),
            DATA: _json(data),
        },
    )


def on_minute(at: float) -> str:
    """Write a moment, for example `2026-12-01 06:00 UTC`.

    Args:
        at: seconds since 1970.
    """
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _told(not_asked: Iterable[NotAsked], stack: str) -> str:
    lines = [f"* AWS {one.who}: {one.said}" for one in not_asked]
    steps = [f"* {one.why}: {WHY_UNASKED[one.cause].do}" for one in {one.cause: one for one in not_asked}.values()]
    doctor = f"`secrets-pipeline doctor -s {stack}` names the cause."
    return "\n".join([*lines, "", *steps, "", doctor])


def _json(data: Mapping[str, Any]) -> dg.MetadataValue[Any]:
    return dg.MetadataValue.json(dict(data))


def repeat_verdicts(instance: dg.DagsterInstance, run: dg.DagsterRun, own: Collection[dg.AssetCheckKey]) -> None:
    """Report the last evaluation of each check that a broken run did not come to (`report_dagster_event`).

    Args:
        instance: whose storage.
        run: one that ended without success.
        own: checks of this code location.
    """
    stack = run.tags.get(PARTITION_TAG)
    if stack is None:
        return
    planned = planned_checks(instance, run.run_id) & set(own)
    missing = planned - evaluated_checks(instance, run.run_id) if planned else planned
    for key in sorted(missing, key=str):
        last = last_evaluation(instance, key, stack)
        if last is None:
            continue
        said = last.evaluation.description or ""
        broke = f"As of {on_minute(last.at)}, since this run broke before: "
        prefix = "" if REPEATED in last.evaluation.metadata else broke
        repeated = dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=last.evaluation.passed,
            severity=last.evaluation.severity,
            description=f"{prefix}{said}",
            metadata={**last.evaluation.metadata, REPEATED: dg.MetadataValue.timestamp(last.at)},
            target_materialization_data=last.evaluation.target_materialization_data,
            blocking=False,
            partition=stack,
        )
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
            job_name=run.job_name,
            event_specific_data=repeated,
        )
        instance.report_dagster_event(event, run_id=run.run_id)
