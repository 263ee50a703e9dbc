"""Define the asset that ends every run: it marks what is finished, and tells what became of the stack."""

import dagster as dg

from secrets_pipeline.engine.report import rows
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.orchestration.provisioning.assets import Apply, Context, Result
from secrets_pipeline.orchestration.provisioning.options import options
from secrets_pipeline.orchestration.provisioning.stage_outcomes import failure, outcomes_of_stack
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.stage_runner import materialized, table_of

STACK_REPORT = "stack_report"


def stack_report_asset(names: Names) -> dg.AssetsDefinition:
    """Define `stack_report`."""
    stages = [names.asset(stage) for stage in STAGES]

    @dg.asset(**options(names, STACK_REPORT), deps=stages, kinds={"markdown"})
    def stack_report(context: Context, applying: Apply) -> Result:
        """Marks what is finished, then fails the run if anything failed, with the table of outcomes."""
        stack = applying.stack(context.partition_key)
        marked = applying.reconcile(STACK_REPORT, commit(stack))
        earlier, own = outcomes_of_stack(context, stages)
        own += rows(marked)
        if failed := [row for row in own if row["outcome"] == "failed"]:
            raise dg.Failure(failure(context, failed), metadata={"table": table_of(earlier + own)})
        return materialized(stack, marked, {"stack": table_of(earlier + own)})

    return stack_report
