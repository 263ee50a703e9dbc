"""Define the job `plan`: it logs an `AssetObservation` a stage with what an apply would change; AWS is only read."""

import dagster as dg

from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.plan import Plan, PlanRow, told
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.orchestration.pages.lines import common_folder, lines_of
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partition_tags import PartitionTags
from secrets_pipeline.orchestration.shared.partitions import stack_of
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import DEEP_TAG


def _log_plan(context: dg.OpExecutionContext, stacks: Stacks, names: Names) -> None:
    """Log one observation a stage, with its changes as a table."""
    chosen = stack_of(context)
    stack = stacks.stack(chosen)
    folder = common_folder(stack.spec)
    for stage, changes in plan_stack(stack).items():
        plan = Plan({stage: changes})
        lines = [_line(row) for row in told(plan.rows(unchanged=True))]
        context.log_event(
            dg.AssetObservation(
                asset_key=names.asset(stage),
                partition=chosen,
                metadata={
                    "plan": lines_of("changes", lines, folder=folder),
                    "planned changes": sum(change.action.writes for change in changes),
                    "changed outside": plan.drifted,
                    "blocked": plan.counts.get(ChangeClass.BLOCKED.value, 0),
                },
            )
        )


def _line(row: PlanRow) -> str:
    why = "; ".join(filter(None, (row.reason, row.unblocked_by)))
    return f"{row.action} {row.kind} {row.name}" + (f": {why}" if why else "")


def plan_job(names: Names, config: PartitionTags) -> dg.JobDefinition:
    """Define the job."""

    @dg.op(description="Observe AWS and log what an apply would change; writes nothing.")
    def plan_stages(context: dg.OpExecutionContext, secrets_pipeline_stacks: dg.ResourceParam[Stacks]) -> None:
        _log_plan(context, secrets_pipeline_stacks, names)

    @dg.job(
        name=names.of("plan"),
        partitions_def=names.partitions,
        config=config,
        executor_def=dg.in_process_executor,
        description="What an apply of one stack would change; materialises nothing. With the tag "
        f"`{DEEP_TAG}` what marks vouch for is compared, too.",
    )
    def plan() -> None:
        plan_stages()

    return plan
