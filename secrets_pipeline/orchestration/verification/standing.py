"""Let the last verdict of a check stand where a run that was to evaluate it broke before: Dagster shows none then."""

from collections.abc import Collection
from datetime import UTC, datetime

import dagster as dg

from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.verification.history import (
    REPEATED,
    evaluated_checks,
    last_evaluation,
    planned_checks,
)


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
        moment = f"{datetime.fromtimestamp(last.at, UTC):%Y-%m-%d %H:%M} UTC"
        said = last.evaluation.description or ""
        prefix = "" if REPEATED in last.evaluation.metadata else f"As of {moment}, since this run broke before: "
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
