"""Everything that tells consumers where their secrets are: the outputs document and the three deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.engine import Change, Reconciler
from secrets_pipeline.reconcilers import delivery_apigateway, delivery_ecs, delivery_lambda, outputs_document

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext


class ConsumerReconciler:
    """One reconciler for each way of delivery, under one plan."""

    def __init__(self, context: StackContext) -> None:
        self._by_kind: dict[str, Reconciler] = {
            outputs_document.KIND: outputs_document.OutputsDocumentReconciler(context),
            delivery_lambda.KIND: delivery_lambda.LambdaDeliveryReconciler(context),
            delivery_ecs.KIND: delivery_ecs.EcsDeliveryReconciler(context),
            delivery_apigateway.KIND: delivery_apigateway.StageDeliveryReconciler(context),
        }

    def plan(self) -> Sequence[Change]:
        """The plans of all of them."""
        return [change for reconciler in self._by_kind.values() for change in reconciler.plan()]

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        return self._by_kind[change.resource.kind].apply(change)
