"""Deliver references into the stage variables of a REST API; the other variables stay as they are.

Source: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.consumer.model import StageDelivery
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.engine.reason import Missing
from secrets_pipeline.reconcilers.consumer.deliverer import Deliverer
from secrets_pipeline.references.model import Expression

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


class StageDeliverer(Deliverer[StageDelivery]):
    """Delivers references to stage variables of one stack's APIs."""

    kind = "apigateway"
    nouns = ("stage variable",)

    def __init__(self, stack: Stack) -> None:
        found = (one for one in stack.spec.deliveries if isinstance(one, StageDelivery))
        super().__init__(stack, {one.name: one for one in found if one.deliver and one.variables})

    def sections(self, delivery: StageDelivery) -> tuple[Mapping[str, Expression], ...]:
        """Say which stage variables are delivered."""
        return (delivery.variables,)

    def observed(self, delivery: StageDelivery) -> tuple[Mapping[str, str], ...] | Missing:
        """Read the stage variables by GetStage, once a run."""
        stage = self._stack.observed.stages.get(delivery.api_name, delivery.stage_name)
        if stage is None:
            absent = f"stage {delivery.name} does not exist, or several APIs have its name"
            return Missing(absent, "Terraform makes it")
        return (stage.variables,)

    def deliver(self, delivery: StageDelivery, *wanted: Mapping[str, str]) -> str:
        """Set the stage variables that differ, by UpdateStage."""
        (variables,) = wanted
        self._stack.observed.stages.forget(delivery.api_name, delivery.stage_name)
        stage = self._stack.observed.stages.get(delivery.api_name, delivery.stage_name)
        if stage is None:
            raise SkippedError(f"stage {delivery.name} does not exist")
        changed = {key: value for key, value in variables.items() if stage.variables.get(key) != value}
        with calling("UpdateStage", delivery.name):
            self._stack.account.client("apigateway").update_stage(
                restApiId=stage.api_id,
                stageName=delivery.stage_name,
                patchOperations=[
                    {"op": "replace", "path": f"/variables/{key}", "value": value} for key, value in changed.items()
                ],
            )
        self._stack.observed.stages.forget(delivery.api_name, delivery.stage_name)
        return f"stage variables {', '.join(changed)}"
