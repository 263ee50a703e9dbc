"""Read what became of the stages that a run answers for from their last materialisations."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from secrets_pipeline.engine.report import told
from secrets_pipeline.orchestration.pages.metadata import outcome_rows
from secrets_pipeline.orchestration.shared.names import stage_of

Rows = list[dict[str, str]]
NOT_DONE = "was not done since the run that is re-executed began"
BROKE = "ended with an error of its own: see its step"
RE_EXECUTE = "Re-execute all steps of {} when the cause is mended: no other way does every stage again."
_ROOT_BACKFILL_TAG = "dagster/root_backfill_id"
"""On runs of a backfill that re-executes another one, but not on re-executions of these runs."""


@dataclass(frozen=True, slots=True)
class _Repeated:
    """What a run repeats.

    Attributes:
        first: the run or backfill that was re-executed first, as the UI calls it; none where nothing is re-executed.
        asked: the assets that a run was asked for → when.
        since: a backfill knows nothing of single stages, so from its beginning on every stage's outcome counts.
    """

    first: str = ""
    asked: Mapping[dg.AssetKey, float] = field(default_factory=dict)
    since: float = math.inf

    @classmethod
    def by(cls, run: dg.DagsterRun, instance: dg.DagsterInstance) -> "_Repeated":
        """Find it by the tags of the first run."""
        first = instance.get_run_by_id(run.root_run_id) if run.root_run_id else run
        asked: Mapping[dg.AssetKey, float] = {}
        if run.root_run_id:
            kind = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
            planned = instance.get_records_for_run(run.root_run_id, of_type=kind).records
            asked = {one.asset_key: one.timestamp for one in planned if one.asset_key}
        if first is not None and (backfill_id := first.tags.get(_ROOT_BACKFILL_TAG)):
            backfill = instance.get_backfill(backfill_id)
            return cls(f"backfill {backfill_id}", asked, backfill.backfill_timestamp if backfill else 0.0)
        return cls(f"run {run.root_run_id}", asked) if run.root_run_id else cls()


def broken_stages(context: dg.AssetExecutionContext, stages: Iterable[dg.AssetKey]) -> Rows:
    """Return a row for each stage that this run was to do and did not: the others alone would say that all is well.

    Where stages are chosen in the UI, those between them are missing, and nothing else keeps the report from its turn.
    """
    planned, done = (
        {record.asset_key for record in context.instance.get_records_for_run(context.run.run_id, of_type=kind).records}
        for kind in (dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, dg.DagsterEventType.ASSET_MATERIALIZATION)
    )
    return [_of_stage(stage, BROKE) for stage in stages if stage in planned - done]


def _of_stage(stage: dg.AssetKey, detail: str) -> dict[str, str]:
    row = {"kind": "stage", "name": stage_of(stage), "component": "", "action": "", "outcome": "failed"}
    return {**row, "detail": detail}


def outcomes_of_stack(context: dg.AssetExecutionContext, stages: Iterable[dg.AssetKey]) -> tuple[Rows, Rows]:
    """Read the outcome rows of the latest materialisation of each stage of the stack.

    Args:
        context: of the run, whose partition is the stack.
        stages: in the order of the report.

    Returns:
        Those of earlier runs, whose failures are not this run's, and those of this run. A re-execution answers for all
        that the run or backfill which it repeats was asked for, whoever did it: what it leaves out may hold failures.
    """
    repeated = _Repeated.by(context.run, context.instance)
    earlier: Rows = []
    own: Rows = []
    for stage in stages:
        wanted = dg.AssetRecordsFilter(asset_key=stage, asset_partitions=[context.partition_key])
        record = next(iter(context.instance.fetch_materializations(wanted, limit=1).records), None)
        since = repeated.asked.get(stage)
        if since is not None and (record is None or record.timestamp < since):
            own.append(_of_stage(stage, NOT_DONE))
        elif record is not None:
            ours = record.run_id == context.run.run_id or since is not None or record.timestamp >= repeated.since
            materialized = record.asset_materialization
            (own if ours else earlier).extend(outcome_rows(materialized.metadata if materialized else None))
    return earlier, own


def undone(table: Iterable[Mapping[str, str]]) -> Rows:
    """Return the rows that fail a run: what failed, then what is declared and was not made, with nothing on its way."""
    failed = [dict(row) for row in table if row["outcome"] == "failed" or row.get("unmade")]
    return sorted(failed, key=lambda row: row["outcome"] != "failed")


def failure(context: dg.AssetExecutionContext, failed: Sequence[Mapping[str, str]]) -> str:
    """Say why the run fails, a line a cause, the first for subjects, and what to do if a re-execution cannot help.

    Args:
        context: of the run.
        failed: see `undone`.
    """
    unmade = [row for row in failed if row.get("unmade")]
    counted = [f"{len(failed) - len(unmade)} failed"] if len(failed) > len(unmade) else []
    counted += [f"{len(unmade)} not made"] if unmade else []
    lines = [f"{row['kind']} {row['name']}: {row['detail']}" for row in told(failed)]
    first = _Repeated.by(context.run, context.instance).first
    lines += [RE_EXECUTE.format(first)] if first else []
    return "\n".join([f"{', '.join(counted)}: {lines[0]}", *lines[1:]])
