"""Read what became of the stages that a run answers for from their last materialisations."""

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from secrets_pipeline.orchestration.shared.names import stage_of
from secrets_pipeline.orchestration.shared.stage_runner import OUTCOMES

Rows = list[dict[str, str]]
NOT_DONE = "was not done since the run that is re-executed began"
RE_EXECUTE = "Re-execute all steps of run {} when the cause is mended: no other way does every stage again."


def outcomes_of_stack(context: dg.AssetExecutionContext, stages: Iterable[dg.AssetKey]) -> tuple[Rows, Rows]:
    """Read the outcome rows of the latest materialisation of each stage of the stack.

    Args:
        context: of the run, whose partition is the stack.
        stages: in the order of the report.

    Returns:
        Those of earlier runs, whose failures are not this run's, and those of this run. A re-execution answers for all
        that the run which it repeats was asked for, whoever did it: the steps that it leaves out may hold failures.
    """
    asked = _asked_for(context)
    earlier: Rows = []
    own: Rows = []
    for stage in stages:
        wanted = dg.AssetRecordsFilter(asset_key=stage, asset_partitions=[context.partition_key])
        record = next(iter(context.instance.fetch_materializations(wanted, limit=1).records), None)
        since = asked.get(stage)
        if since is not None and (record is None or record.timestamp < since):
            row = {"kind": "stage", "name": stage_of(stage), "component": "", "action": "", "outcome": "failed"}
            own.append({**row, "detail": NOT_DONE})
        elif record is not None:
            ours = record.run_id == context.run.run_id or since is not None
            (own if ours else earlier).extend(_rows(record))
    return earlier, own


def failure(context: dg.AssetExecutionContext, failed: Sequence[Mapping[str, str]]) -> str:
    """Say why the run fails, a line for each failed row, and what to do where a re-execution cannot help."""
    lines = [f"{row['kind']} {row['name']}: {row['detail']}" for row in failed]
    lines += [RE_EXECUTE.format(context.run.root_run_id)] if context.run.root_run_id else []
    return "\n".join([f"{len(failed)} failed", *lines])


def _asked_for(context: dg.AssetExecutionContext) -> Mapping[dg.AssetKey, float]:
    """The assets that the first of the re-executed runs was asked for, and when; none where nothing is re-executed."""
    root = context.run.root_run_id
    if root is None:
        return {}
    planned = context.instance.get_records_for_run(root, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    return {one.asset_key: one.timestamp for one in planned.records if one.asset_key}


def _rows(record: dg.EventLogRecord) -> Rows:
    metadata = record.asset_materialization.metadata if record.asset_materialization else {}
    value = metadata[OUTCOMES].value if OUTCOMES in metadata else []
    return [dict(row) for row in value] if isinstance(value, list) else []
