"""Note where a stack writes to beyond its own: functions, services, stages, roles, databases, instances, regions."""

from __future__ import annotations

from collections.abc import Iterable

from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.checks.refresh_crossings import crosses_means
from secrets_pipeline.desired.consumer.model import ConsumerSpec, Delivery, LambdaDelivery
from secrets_pipeline.desired.consumer.read import ATTACH
from secrets_pipeline.desired.consumer.refreshes import REFRESH, means_of
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.reading.crossing import crosses
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.references.model import Output, SsmParameter


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
            role = Arn.parse(arn)
            if target.account_id in (None, role.account_id):
                crosses(scope, Boundary.ROLE, ("settings", "secrets_pipeline", ATTACH), role.name)
    for database in databases:
        # What this stack makes is its own; whether it did, its marks say. A grant names an identifier.
        if database.password is not None and not database.create and database.identifier is not None:
            crosses(stack.components[database.component], Boundary.DATABASE, ("vars", "password"), database.identifier)


def cross_regions(stack: StackScope, secrets: Iterable[SecretSpec]) -> None:
    """Note each replica outside the region that the operator chose, and collect an error if no grant names it."""
    rule = stack.settings.target(stack.stack.name)
    if rule is None or rule.region is None:
        return
    for secret in secrets:
        path = ("vars", "secrets", secret.ref.key, "replica_regions")
        for replica in secret.replicas:
            crosses(stack.components[secret.ref.component], Boundary.REGION, path, replica.region)


def cross_rotations(
    stack: StackScope, target: Target, deliveries: Iterable[Delivery], secrets: Iterable[SecretSpec]
) -> None:
    """Note each function that a stack names as the one that rotates: it is run with a secret of the stack's choice.

    If a parameter, a Terraform state or another stack names the function, `function_refusal` judges it after the read.
    """
    own = (None, stack.stack.name)
    named = {one.component: one.function_name for one in deliveries if isinstance(one, LambdaDelivery)}
    for secret in secrets:
        arn = secret.rotation.lambda_arn if secret.rotation else None
        scope, path = stack.components[secret.ref.component], ("vars", "secrets", secret.ref.key, "rotation")
        match arn:
            case None | SsmParameter():
                pass
            case str():
                function = Arn.parse(arn)
                here = (function.region, function.account_id) == (target.region, target.account_id)
                crosses(scope, Boundary.FUNCTION, path, function.name if here else arn, function.name)
            case Output(component=component, path=("function_arn",)) if arn.stack in own and component in named:
                crosses(scope, Boundary.FUNCTION, path, named[component])
            case Output() if arn.stack not in own or stack.reads_state(arn):
                pass
            case _:
                scope.error(
                    path,
                    f"rotation by {arn}: which function that is cannot be told",
                    "Write the function's ARN, or nothing but !terraform.state COMPONENT function_arn.",
                )
