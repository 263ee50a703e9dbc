"""The job `plan`: what an apply would change, as observations."""

import dagster as dg

from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.orchestration.shared.partitions import STACKS
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.stage_runner import table_of


@dg.op(description="Observe AWS and log what an apply would change; writes nothing.")
def plan_stages(context: dg.OpExecutionContext, stacks: dg.ResourceParam[Stacks]) -> None:
    """Log one observation a stage, with its changes as a table."""
    for stage, changes in plan_stack(stacks.stack(context.partition_key)).items():
        table = [
            {
                "action": f"{c.action.value}, drift" if c.drift else c.action.value,
                "kind": c.resource.kind,
                "name": c.resource.name,
                "reason": c.hindrance if c.action is ChangeClass.BLOCKED else c.reason,
                "what unblocks it": c.unblocked_by if c.action is ChangeClass.BLOCKED else "",
            }
            for c in changes
        ]
        planned = sum(change.action.writes for change in changes)
        context.log_event(
            dg.AssetObservation(
                asset_key=stage,
                partition=context.partition_key,
                metadata={
                    "planned changes": planned,
                    "changed outside": sum(change.drift for change in changes),
                    "blocked": sum(change.action is ChangeClass.BLOCKED for change in changes),
                    "plan": table_of(table),
                },
            )
        )


@dg.job(partitions_def=STACKS, description="What an apply of one stack would change; materialises nothing.")
def plan() -> None:
    """The plan of one stack."""
    plan_stages()
