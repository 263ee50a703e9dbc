"""Read back from Lambda, ECS, API Gateway and SSM what consumers of a stack hold: the evidence that ARNs arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.desired.consumer.model import EcsDelivery, LambdaDelivery, StageDelivery
from secrets_pipeline.reconcilers.observed.function_state import variables

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

PARAMETER = "ssm parameter"
"""The place of what a stack publishes."""
_ARNS = "/secret_arns"
"""Beside the ARNs stand notes of what was delivered."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One entry that a consumer holds.

    Attributes:
        place: for example `lambda myapp-dev-worker`.
        name: variable, secret or key.
        value: an ARN, or another plain reference; never a secret.
    """

    place: str
    name: str
    value: str


def delivered(stack: Stack) -> list[Delivered]:
    """List everything that the stack delivers to its consumers, and what it publishes, as AWS holds it now."""
    found: list[Delivered] = []
    for delivery in stack.spec.deliveries:
        if not delivery.deliver:
            continue
        match delivery:
            case LambdaDelivery():
                found += _lambda(stack, delivery)
            case EcsDelivery():
                found += _ecs(stack, delivery)
            case StageDelivery():
                found += _stage(stack, delivery)
    return [*found, *_published(stack)]


def _lambda(stack: Stack, delivery: LambdaDelivery) -> Iterator[Delivered]:
    name = delivery.function_name
    held = variables(name, stack.observed.functions.configuration(name) or {})
    for variable in delivery.environment:
        if variable in held:
            yield Delivered(f"lambda {name}", variable, held[variable])


def _ecs(stack: Stack, delivery: EcsDelivery) -> Iterator[Delivered]:
    running = stack.observed.services.running(delivery.cluster, delivery.service)
    if running is None:
        return
    entries = running.entries(delivery.container, "secrets", "valueFrom")
    plain = running.entries(delivery.container, "environment", "value")
    entries |= {name: value for name, value in plain.items() if name in delivery.environment}
    for name, value in entries.items():
        yield Delivered(f"ecs {delivery.service}", name, value)


def _stage(stack: Stack, delivery: StageDelivery) -> Iterator[Delivered]:
    for stage in stack.observed.stages.every_now(delivery.api_name, delivery.stage_name):
        for name in delivery.variables:
            if name in stage.variables:
                yield Delivered(f"apigateway {delivery.api_name}/{delivery.stage_name}", name, stage.variables[name])


def _published(stack: Stack) -> Iterator[Delivered]:
    for name, text in stack.observed.parameters.published().items():
        if _ARNS in name:
            yield Delivered(PARAMETER, name, f"{{{', '.join(json.loads(text))}}}")
