"""Note everything of others that a stack writes to: functions, services, stages, roles, databases, instances."""

from __future__ import annotations

from collections.abc import Iterable

from secrets_pipeline.spec.base import Target
from secrets_pipeline.spec.boundaries import Boundary
from secrets_pipeline.spec.consumer_model import ConsumerSpec, Delivery
from secrets_pipeline.spec.consumers import ATTACH
from secrets_pipeline.spec.crossing import crosses, crosses_means
from secrets_pipeline.spec.model import DatabaseSpec
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
