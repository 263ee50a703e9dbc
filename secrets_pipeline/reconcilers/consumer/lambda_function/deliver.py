"""Deliver references into a Lambda function's environment; its other variables stay as they are.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html (Environment is replaced
whole, RevisionId guards against a change in between).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.consumer.model import LambdaDelivery
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Missing, Waits
from secrets_pipeline.reconcilers.consumer.desired import as_text, differing, resolved
from secrets_pipeline.reconcilers.observed.function_state import variables
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "lambda"


class LambdaDeliveryReconciler:
    """Delivers references to environment variables of one stack's functions."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._deliveries = {
            f"{d.component}:{d.function_name}": d
            for d in stack.spec.deliveries
            if isinstance(d, LambdaDelivery) and d.deliver and d.environment
        }

    def wanted(self) -> Mapping[Resource, str | Pending]:
        """Resolve what is delivered to each function."""
        return {
            Resource(KIND, name, delivery.component): as_text(self._stack, delivery.environment)
            for name, delivery in self._deliveries.items()
        }

    def plan(self, *, but: Collection[str] = ()) -> Sequence[Change]:
        """Plan one change a function, but those that are named."""
        return [
            planned(Resource(KIND, name, delivery.component), partial(self._plan, name, delivery))
            for name, delivery in self._deliveries.items()
            if name not in but
        ]

    def apply(self, change: Change) -> str:
        """Write the variables of one function by UpdateFunctionConfiguration; see `engine.Reconciler`."""
        delivery = self._deliveries[change.resource.name]
        wanted = resolved(self._stack, delivery.environment)
        if isinstance(wanted, Pending):
            raise SkippedError(wanted.reason)
        found = self._stack.observed.functions.configuration_now(delivery.function_name)
        if found is None:
            raise SkippedError(f"function {delivery.function_name} does not exist")
        before = variables(delivery.function_name, found)
        with calling("UpdateFunctionConfiguration", delivery.function_name):
            self._stack.account.client("lambda").update_function_configuration(
                FunctionName=delivery.function_name,
                Environment={"Variables": {**before, **wanted}},
                RevisionId=found["RevisionId"],
            )
        self._stack.observed.functions.forget(delivery.function_name)
        return f"environment {', '.join(wanted)}"

    def _plan(self, name: str, delivery: LambdaDelivery) -> Change:
        resource = Resource(KIND, name, delivery.component)
        found = self._stack.observed.functions.configuration(delivery.function_name)
        if found is None:
            reason = Missing(f"function {delivery.function_name} does not exist", "Terraform makes it")
            return Change(resource, ChangeClass.BLOCKED, (reason,))
        before = variables(delivery.function_name, found)
        wanted = resolved(self._stack, delivery.environment)
        if isinstance(wanted, Pending):
            return Change(resource, ChangeClass.UPDATE, (Waits(wanted.reason),))
        reasons = differing(before, wanted, "variable")
        return Change(resource, ChangeClass.UPDATE if reasons else ChangeClass.NONE, reasons)
