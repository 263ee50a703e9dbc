"""Note everything of others that a stack writes to: functions, services, stages, roles, databases, instances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from secrets_pipeline.references import Output
from secrets_pipeline.spec.base import Target
from secrets_pipeline.spec.boundaries import Boundary
from secrets_pipeline.spec.consumer_model import ConsumerSpec, Delivery, LambdaDelivery
from secrets_pipeline.spec.consumers import ATTACH
from secrets_pipeline.spec.crossing import crosses, crosses_means
from secrets_pipeline.spec.model import DatabaseSpec, SecretSpec
from secrets_pipeline.spec.refreshes import REFRESH, means_of
from secrets_pipeline.spec.scope import StackScope


def cross_targets(
    stack: StackScope,
    target: Target,
    deliveries: Iterable[Delivery],
    consumers: Iterable[ConsumerSpec],
    databases: Iterable[DatabaseSpec],
) -> None:
    """Note each target; one that no grant names is left to its owner's tag, and a document is an error."""
    for delivery in deliveries:
        if delivery.deliver or delivery.refresh:
            switch = "deliver" if delivery.deliver else REFRESH
            crosses_means(
                stack.components[delivery.component], means_of(delivery), ("settings", "secrets_pipeline", switch)
            )
    for consumer in consumers:
        scope = stack.components[consumer.component]
        if consumer.refresh:
            crosses_means(scope, consumer.refresh, ("vars", "consumers", consumer.name, REFRESH))
        for arn in consumer.readers if consumer.attach_policies and consumer.secrets else ():
            if target.account_id in (None, arn.split(":")[4]):
                role = arn.split(":role/", 1)[1]
                crosses(scope, Boundary.ROLE, ("settings", "secrets_pipeline", ATTACH), role)
    for database in databases:
        # What this stack makes is its own; whether it did, its marks say.
        if database.password is not None and not database.create:
            crosses(stack.components[database.component], Boundary.DATABASE, ("vars", "password"), database.identifier)


def cross_rotations(stack: StackScope, deliveries: Iterable[Delivery], secrets: Iterable[SecretSpec]) -> None:
    """Note each function that a stack names as the one that rotates: it is run with a secret of the stack's choice."""
    named = {one.component: one.function_name for one in deliveries if isinstance(one, LambdaDelivery)}
    for secret in secrets:
        if secret.rotation and (function := _function(secret.rotation.lambda_arn, named)):
            path = ("vars", "secrets", secret.ref.key, "rotation")
            crosses(stack.components[secret.ref.component], Boundary.FUNCTION, path, function)


def _function(arn: object, named: Mapping[str, str]) -> str:
    """The name of a function that rotates; empty for one that is only known later, by what a grant lets in."""
    match arn:
        case str():
            return arn.split(":")[6]
        case Output(stack=None, component=component):
            return named.get(component, "")
        case _:
            return ""
