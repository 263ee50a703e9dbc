"""Deliver references into a Lambda function's environment; its other variables stay as they are.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html (Environment is replaced
whole, RevisionId guards against a change in between).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.desired.consumer.model import LambdaDelivery
from secrets_pipeline.engine.reason import Missing
from secrets_pipeline.reconcilers.consumer.deliverer import Deliverer
from secrets_pipeline.reconcilers.consumer.lambda_function.environment import set_variables
from secrets_pipeline.reconcilers.observed.function_state import variables
from secrets_pipeline.references.model import Expression

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


class LambdaDeliverer(Deliverer[LambdaDelivery]):
    """Delivers references to environment variables of one stack's functions."""

    kind = "lambda"
    nouns = ("variable",)

    def __init__(self, stack: Stack) -> None:
        found = (one for one in stack.spec.deliveries if isinstance(one, LambdaDelivery))
        super().__init__(stack, {d.name: d for d in found if d.deliver and d.environment})

    def sections(self, delivery: LambdaDelivery) -> tuple[Mapping[str, Expression], ...]:
        """Say which environment variables are delivered."""
        return (delivery.environment,)

    def observed(self, delivery: LambdaDelivery) -> tuple[Mapping[str, str], ...] | Missing:
        """Read the environment by GetFunctionConfiguration: what a reference to the function has read may be old."""
        found = self._stack.observed.functions.configuration_now(delivery.function_name)
        if found is None:
            return Missing(f"function {delivery.function_name} does not exist", "Terraform makes it")
        return (variables(delivery.function_name, found),)

    def deliver(self, delivery: LambdaDelivery, *wanted: Mapping[str, str]) -> str:
        """Replace the environment by UpdateFunctionConfiguration, its other variables kept."""
        (environment,) = wanted
        set_variables(self._stack, delivery.function_name, environment)
        return f"environment {', '.join(environment)}"
