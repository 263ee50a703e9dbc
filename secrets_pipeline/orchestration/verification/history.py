"""Ask Dagster's storage when a check was evaluated last, and whether something was written since.

The one module that reads evaluations: Dagster's instance has no public method that gives those of one partition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import dagster as dg

from secrets_pipeline.orchestration.pages.metadata import DATA, data_of
from secrets_pipeline.orchestration.shared.dagster_internals import internal
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.verification.not_asked import NOT_ASKED

Target: TypeAlias = Any
"""Dagster's `AssetCheckEvaluationTargetMaterializationData`: which materialization a check judges."""

LOOKED = "looked at"
"""Metadata of an evaluation: when the look began, in seconds since 1970. A longer one is told after what is newer."""
CLOSELY = "looked closely"
"""Metadata of an evaluation: whether AWS was asked for everything, or the look was a glance."""
REPEATED = "evaluated at"
"""Metadata of an evaluation that says an earlier one again: when that was, in seconds since 1970."""
STANDS = "stands"
"""In the data of an evaluation that could not ask AWS: the verdict that stands until somebody can, None if there is
none."""
COULD_NOT_ASK = "could not ask AWS"
"""Metadata of an evaluation for humans: what stood in the way."""
_MOST = 100
_MOST_OF_ALL_STACKS = 1_000
_BROKEN = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The last evaluation of a check of one stack.

    Attributes:
        evaluation: what it came to.
        at: when somebody looked, in seconds since 1970.
        run_id: of the run that evaluated it; empty if unknown.
    """

    evaluation: dg.AssetCheckEvaluation
    at: float
    run_id: str = ""

    @property
    def is_green(self) -> bool:
        """Tell whether everything was right."""
        return self.evaluation.passed

    @property
    def is_red(self) -> bool:
        """Tell whether something was wrong; what only waits, or could be better, is a warning."""
        return not self.is_green and self.evaluation.severity is dg.AssetCheckSeverity.ERROR

    @property
    def is_repeated(self) -> bool:
        """Tell whether a run that broke before it looked only said an earlier evaluation again."""
        return REPEATED in self.evaluation.metadata

    @property
    def was_close(self) -> bool:
        """Tell whether AWS was asked for everything."""
        closely = self.evaluation.metadata.get(CLOSELY)
        return closely is not None and closely.value is True

    @property
    def was_glance(self) -> bool:
        """Tell whether a glance came to it, so that another glance would say whether it still holds."""
        closely = self.evaluation.metadata.get(CLOSELY)
        return closely is not None and closely.value is False


def last_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey, stack: str) -> Evaluated | None:
    """Read the last evaluation of a check that could ask AWS.

    Args:
        instance: whose storage.
        key: of the check.
        stack: the partition.
    """
    history = instance.event_log_storage.get_asset_check_execution_history
    # A planned one is no verdict.
    completed = internal("COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES")
    of_partition = internal("PartitionKeyFilter")
    if completed and of_partition:
        records = history(key, limit=1, status=completed, partition_filter=of_partition(key=stack))
    else:
        records = history(key, limit=_MOST_OF_ALL_STACKS)
    for record in records:
        said = record.evaluation
        if isinstance(said, dg.AssetCheckEvaluation) and record.event is not None and said.partition == stack:
            unknown = is_unknown(said)
            real, run_id = (_stood(said), "") if unknown else (said, record.run_id)
            return None if real is None else Evaluated(real, looked_at(real, record.event.timestamp), run_id)
    return None


def is_unknown(evaluation: dg.AssetCheckEvaluation) -> bool:
    """Tell whether an evaluation could not ask AWS, so that it lets the last verdict stand and looked at nothing."""
    return STANDS in data_of(evaluation.metadata)


def _stood(unknown: dg.AssetCheckEvaluation) -> dg.AssetCheckEvaluation | None:
    """The evaluation that one which could not ask AWS lets stand; it holds all of it, as runs are deleted."""
    data = dict(data_of(unknown.metadata))
    stands = data.pop(STANDS)
    data.pop(NOT_ASKED, None)
    if stands is None:
        return None
    added = {COULD_NOT_ASK} if stands["repeated"] else {COULD_NOT_ASK, REPEATED}
    return dg.AssetCheckEvaluation(
        asset_key=unknown.asset_key,
        check_name=unknown.check_name,
        passed=stands["passed"],
        severity=dg.AssetCheckSeverity(stands["severity"]),
        description=stands["description"],
        metadata={
            **{name: value for name, value in unknown.metadata.items() if name not in added},
            LOOKED: dg.MetadataValue.timestamp(stands["at"]),
            DATA: dg.MetadataValue.json(data),
        },
        target_materialization_data=unknown.target_materialization_data,
        blocking=unknown.blocking,
        partition=unknown.partition,
    )


def looked_at(evaluation: dg.AssetCheckEvaluation, told: float) -> float:
    """Return when somebody looked, in seconds since 1970; `told` is when it was, for what does not say it."""
    said = evaluation.metadata.get(LOOKED, evaluation.metadata.get(REPEATED))
    return told if said is None else float(str(said.value))


def last_materialization(instance: dg.DagsterInstance, asset: dg.AssetKey, stack: str) -> Target | None:
    """Read which materialisation a check of an asset judges: the latest; None before the first."""
    target = internal("AssetCheckEvaluationTargetMaterializationData")
    if target is None:
        return None
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[stack])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        return target(storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp)
    return None


def last_data_version(instance: dg.DagsterInstance, asset: dg.AssetKey, stack: str) -> str | None:
    """Read the data version of the latest materialisation of an asset; None before the first."""
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[stack])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        tags = (record.asset_materialization.tags if record.asset_materialization else None) or {}
        return tags.get("dagster/data_version", "")
    return None


def planned_checks(instance: dg.DagsterInstance, run_id: str) -> set[dg.AssetCheckKey]:
    """Read which checks are steps of a run."""
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    return {_key(record) for record in instance.get_records_for_run(run_id, of_type=kind).records}


def evaluated_checks(instance: dg.DagsterInstance, run_id: str) -> set[dg.AssetCheckKey]:
    """Read which checks a run has evaluated."""
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    return {_key(record) for record in instance.get_records_for_run(run_id, of_type=kind).records}


def _key(record: dg.EventLogRecord) -> dg.AssetCheckKey:
    found: dg.AssetCheckKey = record.event_log_entry.get_dagster_event().event_specific_data.asset_check_key  # type: ignore[union-attr] # of both kinds
    return found


def written_since_evaluation(
    instance: dg.DagsterInstance,
    stack: str,
    wanted: Mapping[dg.AssetCheckKey, Sequence[dg.AssetKey]],
    last: Mapping[dg.AssetCheckKey, Evaluated | None],
) -> set[dg.AssetCheckKey]:
    """Return the checks whose stages wrote something since they were evaluated, or may have: a run of the stack failed.

    Args:
        instance: whose storage; the memory of this process does not count.
        stack: the partition.
        wanted: check → assets whose changes it looks at.
        last: check → its last evaluation.
    """
    since = {key: _at(last[key]) for key, stages in wanted.items() if stages}
    if not since:
        return set()
    oldest = min(since.values())
    written = {
        stage: _last_write(instance, stage, stack, oldest)
        for stage in dict.fromkeys(stage for key in since for stage in wanted[key])
    }
    broken = _last_broken(instance, stack, oldest)
    return {key for key, at in since.items() if max(broken, *(written[stage] for stage in wanted[key])) > at}


def _at(last: Evaluated | None) -> float:
    return 0.0 if last is None else last.at


def _last_write(instance: dg.DagsterInstance, stage: dg.AssetKey, stack: str, since: float) -> float:
    wanted = dg.AssetRecordsFilter(asset_key=stage, asset_partitions=[stack], after_timestamp=since)
    records = instance.fetch_materializations(wanted, limit=_MOST).records
    return max((record.timestamp for record in records if _wrote(record.asset_materialization)), default=0.0)


def _wrote(materialization: dg.AssetMaterialization | None) -> bool:
    return materialization is not None and bool(data_of(materialization.metadata).get("applied"))


def _last_broken(instance: dg.DagsterInstance, stack: str, since: float) -> float:
    """When a run of the stack ended before its end: it may have written without saying so."""
    wanted = dg.RunsFilter(
        tags={PARTITION_TAG: stack}, statuses=_BROKEN, updated_after=datetime.fromtimestamp(since, UTC)
    )
    ended = (record.end_time for record in instance.get_run_records(wanted, limit=_MOST))
    return max((at for at in ended if at is not None), default=0.0)
