"""Define the asset that ends every run: it marks what is finished, evaluates the checks, and tells what became of all.

The checks are no steps of an applying run: Dagster would plan each, and show none of a stack whose run breaks before.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from secrets_pipeline.desired.unresolved import told
from secrets_pipeline.engine.report import rows
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.orchestration.pages.lines import common_folder
from secrets_pipeline.orchestration.pages.metadata import (
    DATA,
    Metadata,
    outcome_lines,
    outcomes_data,
    outcomes_page,
    version_of,
)
from secrets_pipeline.orchestration.provisioning.assets import Apply, Context, Result
from secrets_pipeline.orchestration.provisioning.options import LAST_STAGES, STACK_REPORT, options
from secrets_pipeline.orchestration.provisioning.stage_outcomes import (
    Rows,
    broken_stages,
    failure,
    outcomes_of_stack,
    undone,
)
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.verification.evaluating import Looker
from secrets_pipeline.orchestration.verification.history import planned_checks
from secrets_pipeline.orchestration.verification.not_asked import failure_data, of_rows
from secrets_pipeline.orchestration.verification.stack_check import StackCheck, checks_of_run, is_red
from secrets_pipeline.reconcilers.stack import Stack


def stack_report_asset(names: Names, checks: Sequence[StackCheck]) -> dg.AssetsDefinition:
    """Define `stack_report`.

    Args:
        names: of the code location.
        checks: all of it; a run evaluates those of its assets, unless they are steps of it.
    """
    stages = [names.asset(stage) for stage in STAGES]

    @dg.asset(**options(names, STACK_REPORT), deps=[names.asset(one) for one in LAST_STAGES], kinds={"markdown"})
    def stack_report(context: Context, secrets_pipeline_applying: Apply) -> Iterator[Result | dg.AssetCheckEvaluation]:
        """Marks what is finished; fails the run if anything failed or was not made, with the table of outcomes."""
        stack = secrets_pipeline_applying.stack(context.partition_key)
        if broken := broken_stages(context, stages):
            raise dg.Failure(failure(context, broken), metadata=outcomes_page(broken))
        marked = secrets_pipeline_applying.reconcile(STACK_REPORT, commit(stack))
        earlier, own = outcomes_of_stack(context, stages)
        bad = undone(own := [*own, *rows(marked)])
        red = []
        look = _looker(context, secrets_pipeline_applying, names, bad)
        for one in _evaluations(look, context, names, checks_of_run(stack, checks), failed=bool(bad)):
            yield one
            red += [one.asset_check_key] if is_red(one) else []
        page = _page(stack, red, earlier, own)
        _fail_if_any(context, stack, bad, page, look)
        _confirm(context, secrets_pipeline_applying, stack, stages)
        yield dg.MaterializeResult(data_version=version_of(stack), metadata={**page, DATA: outcomes_data(marked)})

    return stack_report


def _looker(context: Context, applying: Apply, names: Names, undone_rows: Rows) -> Looker:
    unasked = of_rows(_failed(undone_rows), applying.stacks.asked_as(context.partition_key))
    return Looker(context, applying.stacks, names, context.partition_key, unasked=unasked)


def _fail_if_any(context: Context, stack: Stack, undone_rows: Rows, page: Metadata, look: Looker) -> None:
    if undone_rows:
        unresolved = told(one for secret in stack.spec.secrets for one in secret.unresolved if one.is_cause)
        # What was not made although AWS answered is not repeated when AWS can be asked again.
        unasked = failure_data(look.unasked) if _failed(undone_rows) else {}
        text = "\n".join([failure(context, undone_rows), *unresolved])
        raise dg.Failure(text, metadata={**page, **unasked}, allow_retries=False)


def _failed(undone_rows: Rows) -> Rows:
    return [row for row in undone_rows if row["outcome"] == "failed"]


def _confirm(context: Context, applying: Apply, stack: Stack, stages: Collection[dg.AssetKey]) -> None:
    """Confirm the run's lease, and settle it if the run has compared the whole stack deeply."""
    applying.confirm()
    asked = stack.run.options
    selected: Collection[dg.AssetKey] = context.job_def.asset_layer.selected_asset_keys
    if asked.deep and not asked.only and all(stage in selected for stage in stages):
        applying.settle()


def _evaluations(
    look: Looker, context: Context, names: Names, checks: Sequence[StackCheck], *, failed: bool
) -> Iterator[dg.AssetCheckEvaluation]:
    try:
        yield from look.evaluations(_to_be_evaluated(context, names, checks))
    except Exception as error:
        if not failed:
            raise
        # What failed in AWS comes first.
        context.log.warning("a check broke: %s", type(error).__name__)


def _page(stack: Stack, red: Iterable[dg.AssetCheckKey], earlier: Rows, own: Rows) -> Metadata:
    folder = common_folder(stack.spec)
    return {**_links(red), **outcomes_page(own, folder), "stack": outcome_lines(earlier + own, folder)}


def _links(checks: Iterable[dg.AssetCheckKey]) -> Mapping[str, dg.MetadataValue[Any]]:
    """Links to the checks of the run that are red; none where all is well."""
    links = [
        f"[{key.name.replace('_', ' ')}](/assets/{'/'.join(key.asset_key.path)}?view=checks&checkDetail={key.name})"
        for key in checks
    ]
    return {"red checks": dg.MetadataValue.md(", ".join(links))} if links else {}


def _to_be_evaluated(context: Context, names: Names, checks: Sequence[StackCheck]) -> list[StackCheck]:
    """The checks of the run's assets, without those that are steps of the run: "Materialize" in the UI chooses them."""
    selected: Collection[dg.AssetKey] = context.job_def.asset_layer.selected_asset_keys
    planned = planned_checks(context.instance, context.run.run_id)
    of_run = [one for one in checks if names.asset(one.stage) in selected]
    return [one for one in of_run if dg.AssetCheckKey(names.asset(one.stage), one.name) not in planned]
