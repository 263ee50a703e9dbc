"""Deliver references into the stage variables of a REST API; the other variables stay as they are.

Source: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.consumer.model import StageDelivery
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Missing, Waits
from secrets_pipeline.reconcilers.consumer.desired import as_text, differing, resolved
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "apigateway"


class StageDeliveryReconciler:
    """Delivers references to the stage variables of one stack's APIs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._deliveries = {
            f"{d.api_name}/{d.stage_name}": d
            for d in stack.spec.deliveries
            if isinstance(d, StageDelivery) and d.deliver and d.variables
        }

    def wanted(self) -> Mapping[Resource, str | Pending]:
        """Resolve what is delivered to each stage."""
        return {
            Resource(KIND, name, delivery.component): as_text(self._stack, delivery.variables)
            for name, delivery in self._deliveries.items()
        }

    def plan(self, *, but: Collection[str] = ()) -> Sequence[Change]:
        """Plan one change a stage, but those that are named."""
        return [
            planned(Resource(KIND, name, delivery.component), partial(self._plan, name, delivery))
            for name, delivery in self._deliveries.items()
            if name not in but
        ]

    def apply(self, change: Change) -> str:
        """Write the variables of one stage by UpdateStage; see `engine.Reconciler`."""
        name = change.resource.name
        delivery = self._deliveries[name]
        wanted = resolved(self._stack, delivery.variables)
        if isinstance(wanted, Pending):
            raise SkippedError(wanted.reason)
        stage = self._stack.observed.stages.now(delivery.api_name, delivery.stage_name)
        if stage is None:
            raise SkippedError(f"stage {name} does not exist")
        changed = {key: value for key, value in wanted.items() if stage.variables.get(key) != value}
        with calling("UpdateStage", name):
            self._stack.account.client("apigateway").update_stage(
                restApiId=stage.api_id,
                stageName=delivery.stage_name,
                patchOperations=[
                    {"op": "replace", "path": f"/variables/{key}", "value": value} for key, value in changed.items()
                ],
            )
        self._stack.observed.stages.forget(delivery.api_name, delivery.stage_name)
        return f"stage variables {', '.join(changed)}"

    def _plan(self, name: str, delivery: StageDelivery) -> Change:
        resource = Resource(KIND, name, delivery.component)
        stage = self._stack.observed.stages.get(delivery.api_name, delivery.stage_name)
        if stage is None:
            return Change(
                resource,
                ChangeClass.BLOCKED,
                (Missing(f"stage {name} does not exist, or several APIs have its name", "Terraform makes it"),),
            )
        wanted = resolved(self._stack, delivery.variables)
        if isinstance(wanted, Pending):
            return Change(resource, ChangeClass.UPDATE, (Waits(wanted.reason),))
        reasons = differing(stage.variables, wanted, "stage variable")
        return Change(resource, ChangeClass.UPDATE if reasons else ChangeClass.NONE, reasons)
