"""Define the asset that ends every run: it marks what is finished, and tells what became of the stack."""

import dagster as dg

from secrets_pipeline.engine.report import rows
from secrets_pipeline.operations.stages import commit
from secrets_pipeline.orchestration.provisioning.assets import STAGE_ASSETS, Apply, Context, Result
from secrets_pipeline.orchestration.provisioning.options import OPTIONS
from secrets_pipeline.orchestration.provisioning.stage_outcomes import failure, outcomes_of_stack
from secrets_pipeline.orchestration.shared.stage_runner import materialized, table_of


@dg.asset(**OPTIONS, deps=list(STAGE_ASSETS.values()), kinds={"markdown"})
def stack_report(context: Context, applying: Apply) -> Result:
    """Marks what is finished, then fails the run if anything failed, with the table of outcomes."""
    marked = applying.reconcile("stack_report", commit(applying.stack(context.partition_key)))
    earlier, own = outcomes_of_stack(context, [asset.key for asset in STAGE_ASSETS.values()])
    own += rows(marked)
    if failed := [row for row in own if row["outcome"] == "failed"]:
        raise dg.Failure(failure(context, failed), metadata={"table": table_of(earlier + own)})
    return materialized(marked, {"stack": table_of(earlier + own)})
