"""Tell consumers where their secrets are: the outputs document and three deliveries, under one plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.reconcilers.consumer.api_stage.deliver import StageDeliverer
from secrets_pipeline.reconcilers.consumer.deliverer import Deliverer
from secrets_pipeline.reconcilers.consumer.delivery_notes import KIND as NOTE
from secrets_pipeline.reconcilers.consumer.delivery_notes import DeliveryNotes
from secrets_pipeline.reconcilers.consumer.ecs_service.deliver import EcsDeliverer
from secrets_pipeline.reconcilers.consumer.lambda_function.deliver import LambdaDeliverer
from secrets_pipeline.reconcilers.outputs_document import reconciler as outputs_document
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


class ConsumerReconciler:
    """Plans and applies all ways of delivery as one stage.

    A component whose deliveries are noted as done is not looked at: that costs calls for each consumer. With `deep`,
    every consumer is.
    """

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._outputs = outputs_document.OutputsDocumentReconciler(stack)
        ways = (LambdaDeliverer(stack), EcsDeliverer(stack), StageDeliverer(stack))
        self._deliverers: Mapping[str, Deliverer[Any]] = {one.kind: one for one in ways}
        self._notes = DeliveryNotes(stack)
        self._deep = stack.run.options.deep if deep is None else deep

    def plan(self) -> Sequence[Change]:
        """Plan the outputs document, each delivery, then the notes of what will have been delivered."""
        wanted = self._wanted()
        noted = frozenset() if self._deep else self._notes.noted(wanted)
        changes = [*self._outputs.plan(also=self._notes.names(wanted))]
        for deliverer in self._deliverers.values():
            changes.extend(deliverer.plan(but={resource.name for resource in noted}))
        unread = (Because("delivered; not read: `verify` and `plan --deep` do"),)
        changes.extend(Change(resource, ChangeClass.NONE, unread) for resource in wanted if resource in noted)
        return [*changes, *self._notes.plan(wanted)]

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        if change.resource.kind == outputs_document.KIND:
            return self._outputs.apply(change)
        wanted = self._wanted()
        if change.resource.kind == NOTE:
            return self._notes.apply(change, wanted)
        self._notes.withdraw(wanted)
        return self._deliverers[change.resource.kind].apply(change)

    def _wanted(self) -> Mapping[Resource, str | Pending]:
        return {resource: text for one in self._deliverers.values() for resource, text in one.wanted().items()}
