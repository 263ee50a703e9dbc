"""Define the asset that ends every run: it marks what is finished, evaluates the checks, and tells what became of all.

The checks are no steps of an applying run: Dagster would plan each, and show none of a stack whose run breaks before.
"""

from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from secrets_pipeline.engine.report import rows, told
from secrets_pipeline.operations.decommission.leftovers import Leftovers
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.orchestration.provisioning.assets import Apply, Context, Result
from secrets_pipeline.orchestration.provisioning.options import options
from secrets_pipeline.orchestration.provisioning.stage_outcomes import failure, outcomes_of_stack
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.stage_runner import materialized, table_of, telling
from secrets_pipeline.orchestration.verification.evaluating import Looker
from secrets_pipeline.orchestration.verification.history import planned_checks
from secrets_pipeline.orchestration.verification.stack_check import StackCheck
from secrets_pipeline.reconcilers.stack import Stack

STACK_REPORT = "stack_report"


def stack_report_asset(names: Names, checks: Sequence[StackCheck]) -> dg.AssetsDefinition:
    """Define `stack_report`.

    Args:
        names: of the code location.
        checks: all of it; a run evaluates those of its assets, unless they are steps of it.
    """
    stages = [names.asset(stage) for stage in STAGES]

    @dg.asset(**options(names, STACK_REPORT), deps=stages, kinds={"markdown"})
    def stack_report(context: Context, applying: Apply) -> Iterator[Result | dg.AssetCheckEvaluation]:
        """Marks what is finished, then fails the run if anything failed, with the table of outcomes."""
        stack = applying.stack(context.partition_key)
        marked = applying.reconcile(STACK_REPORT, commit(stack))
        earlier, own = outcomes_of_stack(context, stages)
        own += rows(marked)
        look = Looker(context, applying.stacks, names, context.partition_key)
        failed = [row for row in own if row["outcome"] == "failed"]
        try:
            yield from look.evaluations(_to_be_evaluated(context, names, _checks_of(stack, checks)))
        except Exception as error:
            if not failed:
                raise
            # What failed in AWS comes first.
            context.log.warning("a check broke: %s", type(error).__name__)
        if failed:
            raise dg.Failure(failure(context, failed), metadata={"table": table_of(told(earlier + own), telling)})
        yield materialized(stack, marked, {"stack": table_of(told(earlier + own), telling)})

    return stack_report


def _checks_of(stack: Stack, checks: Sequence[StackCheck]) -> Sequence[StackCheck]:
    """The checks that have a say in a run: one that only deletes what is not declared any more makes nothing right."""
    pruned = any(isinstance(one, Leftovers) for one in stack.run.options.only)
    return [] if stack.spec.retired or pruned else checks


def _to_be_evaluated(context: Context, names: Names, checks: Sequence[StackCheck]) -> list[StackCheck]:
    """The checks of the run's assets, without those that are steps of the run: "Materialize" in the UI chooses them."""
    run: Collection[dg.AssetKey] = context.job_def.asset_layer.selected_asset_keys
    planned = planned_checks(context.instance, context.run.run_id)
    of_run = [one for one in checks if names.asset(one.stage) in run]
    return [one for one in of_run if dg.AssetCheckKey(names.asset(one.stage), one.name) not in planned]
