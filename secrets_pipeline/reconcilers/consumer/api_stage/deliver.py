"""Deliver references into the stage variables of a REST API; the other variables stay as they are.

Source: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.desired.consumer.model import StageDelivery
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Missing, Waits
from secrets_pipeline.reconcilers.consumer.desired import as_text, differing, resolved
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "apigateway"


@dataclass(frozen=True, slots=True)
class _Stage:
    api_id: str
    variables: Mapping[str, str]


class StageDeliveryReconciler:
    """Stage variables of one stack's APIs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._deliveries = {
            f"{d.api_name}/{d.stage_name}": d
            for d in stack.spec.deliveries
            if isinstance(d, StageDelivery) and d.deliver and d.variables
        }

    def wanted(self) -> Mapping[Resource, str | Pending]:
        """Each stage with what is delivered to it."""
        return {
            Resource(KIND, name, delivery.component): as_text(self._stack, delivery.variables)
            for name, delivery in self._deliveries.items()
        }

    def plan(self, *, but: Collection[str] = ()) -> Sequence[Change]:
        """One change a stage, but those that are named."""
        return [
            planned(Resource(KIND, name, delivery.component), partial(self._plan, name, delivery))
            for name, delivery in self._deliveries.items()
            if name not in but
        ]

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        name = change.resource.name
        delivery = self._deliveries[name]
        wanted = resolved(self._stack, delivery.variables)
        if isinstance(wanted, Pending):
            raise SkippedError(wanted.reason)
        self._stack.observed.forget("stage", name)
        stage = self._stage(name, delivery)
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
        self._stack.observed.forget("stage", name)
        return f"stage variables {', '.join(changed)}"

    def _plan(self, name: str, delivery: StageDelivery) -> Change:
        resource = Resource(KIND, name, delivery.component)
        stage = self._stage(name, delivery)
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

    def _stage(self, name: str, delivery: StageDelivery) -> _Stage | None:
        client = self._stack.account.client("apigateway")

        def apis() -> dict[str, str]:
            with calling("GetRestApis", "of the account"):
                found = [(api["name"], api["id"]) for api in pages(client, "get_rest_apis")]
            names = [name for name, _ in found]
            return {name: api_id for name, api_id in found if names.count(name) == 1}

        def read() -> _Stage | None:
            api_id = self._stack.observed.remember("apis", read=apis).get(delivery.api_name)
            if api_id is None:
                return None
            with calling("GetStage", name):
                try:
                    answer = client.get_stage(restApiId=api_id, stageName=delivery.stage_name)
                except client.exceptions.NotFoundException:
                    return None
            return _Stage(api_id, answer.get("variables") or {})

        stage: _Stage | None = self._stack.observed.remember("stage", name, read=read)
        return stage
