"""The jobs: provision (assets), follow_rotation (some of them), verify (checks alone), plan (observations alone)."""

import dagster as dg

from definitions.applying import table_of
from definitions.assets import ASSETS, FOLLOWING
from definitions.checks.partitioned import VERIFY_TAG
from definitions.healing import heal
from definitions.mending import mend_rotation
from definitions.partitions import STACKS
from definitions.resources import Stacks
from definitions.rotating import rotate_secrets
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.reconcilers import plan_stack

provision = dg.define_asset_job(
    "provision",
    selection=dg.AssetSelection.assets(*ASSETS),
    description="Make AWS match one stack: every asset, then its checks.",
)

follow_rotation = dg.define_asset_job(
    "follow_rotation",
    # Their checks come with them: logins, connections, who can read.
    selection=dg.AssetSelection.assets(*FOLLOWING),
    tags={VERIFY_TAG: "true"},
    description="After a rotation: log in with the new password, write it into the connection secrets that hold it, "
    "refresh those who read them, and check all that.",
)

follow_endpoint = dg.define_asset_job(
    "follow_endpoint",
    selection=dg.AssetSelection.assets(*FOLLOWING),
    description="What hangs on the databases' endpoints, no more of the YAML: password proven, connections rendered.",
)

verify = dg.define_asset_job(
    "verify",
    selection=dg.AssetSelection.all_asset_checks(),
    tags={VERIFY_TAG: "true"},
    description="Every check of one stack, values and logins included; launch it with the tag dagster/partition.",
)


@dg.op(description="Observe AWS and log what an apply would change; writes nothing.")
def plan_stages(context: dg.OpExecutionContext, stacks: dg.ResourceParam[Stacks]) -> None:
    """Log one observation a stage, with its changes as a table."""
    for stage, changes in plan_stack(stacks.context(context.partition_key)).items():
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


JOBS = (provision, follow_rotation, follow_endpoint, verify, plan, rotate_secrets, heal, mend_rotation)
