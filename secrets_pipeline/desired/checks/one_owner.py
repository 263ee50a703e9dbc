"""Check across components that each name has one owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.consumer.model import Delivery, EcsDelivery, LambdaDelivery, StageDelivery
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.names import STACK_NAME_REMEDY, component_name_problem, stack_name_problem
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.errors import SpecError
from secrets_pipeline.references.model import Output, Path, dotted
from secrets_pipeline.references.walk import outputs

_NOT_IN_STAGE_VARIABLES = "+@"


def check_stack_name(stack: StackScope) -> None:
    """A stack of which AWS and Dagster cannot make names declares nothing."""
    if problem := stack_name_problem(stack.stack.name):
        first = next(iter(stack.kinds))
        where = replace(stack.components[first].where(("vars",)), component=None, key=None, line=None)
        stack.errors.append(SpecError(problem, remedy=STACK_NAME_REMEDY, where=where))


def check_component_names(stack: StackScope) -> None:
    """What is published, or noted as delivered, is a parameter with the component's name in its own."""
    delivering = (one for one in stack.of_kind("lambda", "ecs", "apigateway") if one.flag("deliver"))
    for component in (*stack.of_kind("secretsmanager"), *delivering):
        if problem := component_name_problem(component.name):
            component.error(
                ("vars",), problem, "Rename the component: letters, digits, `-`, `_` and `.`, in parts between slashes."
            )


def check_names(stack: StackScope, secrets: Sequence[SecretSpec]) -> None:
    """Two secrets of a stack must not have the same name, and none takes over the value of one that stays."""
    first: dict[str, SecretSpec] = {}
    heirs: dict[str, SecretSpec] = {}
    for secret in secrets:
        earlier = first.setdefault(secret.name, secret)
        if earlier is not secret:
            stack.components[secret.ref.component].error(
                ("vars", "secrets", secret.ref.key),
                f"the secret name {secret.name} is also that of {earlier.ref.component}.{earlier.ref.key}",
                "Give one of them another name or path.",
            )
    for secret in secrets:
        previous = secret.previous_name
        if not previous or previous == secret.name:
            continue
        other = first.get(previous) or heirs.setdefault(previous, secret)
        if other is not secret:
            said = "the name of" if other.name == previous else "also the previous name of"
            stack.components[secret.ref.component].error(
                ("vars", "secrets", secret.ref.key, "previous_name"),
                f"{previous} is {said} {other.ref.component}.{other.ref.key}: a value is kept under one name",
                "Take previous_name out; what is to hold the same value refers to it.",
            )


def check_databases(stack: StackScope, databases: Iterable[DatabaseSpec]) -> None:
    """Two databases of a stack must have neither the same identifier nor the same master password."""
    names: dict[str, DatabaseSpec] = {}
    passwords: dict[SecretRef, DatabaseSpec] = {}
    # A component that names no identifier is listed under its own name.
    for database in sorted(databases, key=lambda one: one.identifier is None):
        scope = stack.components[database.component]
        members = database.member_identifiers if database.is_cluster and database.create else ()
        for name in (database.name, *members):
            same = names.setdefault(name, database)
            if same is not database:
                path = _place_of_identifier(scope)
                scope.error(
                    path,
                    f"identifier {name} is also that of component {same.component}",
                    f"Write another {dotted(path)}."
                    if database.identifier
                    else f"Write settings.secrets_pipeline.identifier for component {name}.",
                )
        if database.password is None:
            continue
        shared = passwords.setdefault(database.password, database)
        if shared is not database:
            scope.error(
                ("vars", "password"),
                f"secret {database.password.key} is the master password of component {shared.component} already",
                "Declare a secret for each database: a rotated password would be right for one of them only.",
            )


def _place_of_identifier(scope: ComponentScope) -> Path:
    if scope.setting("identifier") is not None:
        return ("settings", "secrets_pipeline", "identifier")
    variables = scope.component.vars
    named = variables.get("identifier") is None and variables.get("cluster_identifier") is not None
    return ("vars", "cluster_identifier" if named else "identifier")


def merged_keys(stack: StackScope, keys: Iterable[KeySpec]) -> list[KeySpec]:
    """Keys by alias: `secretsmanager` components of one context and environment share theirs."""
    by_alias: dict[str, KeySpec] = {}
    for key in keys:
        earlier = by_alias.get(key.alias)
        if earlier is None:
            by_alias[key.alias] = key
            continue
        kinds = {stack.kinds[name] for name in (*earlier.components, *key.components)}
        if kinds == {"secretsmanager"}:
            components = (*earlier.components, *key.components)
            tags = {**key.tags, **earlier.tags}
            by_alias[key.alias] = earlier.model_copy(update={"components": components, "tags": tags})
        else:
            stack.components[key.components[0]].error(
                ("vars", "alias"),
                f"{key.alias} is also the alias of component {earlier.components[0]}",
                "Write another vars.alias.",
            )
    return list(by_alias.values())


def check_deliveries(stack: StackScope, deliveries: Iterable[Delivery]) -> None:
    """Each function, container and stage of a stack is delivered to by one component, and once."""
    first: dict[str, Delivery] = {}
    for delivery in deliveries:
        place, key, delivered = _place(delivery)
        if not delivery.deliver or not delivered:
            continue
        earlier = first.setdefault(place, delivery)
        if earlier is not delivery:
            stack.components[delivery.component].error(
                ("vars", key),
                f"{place} is also what component {earlier.component} delivers to",
                "Let one entry of one component deliver all that belongs there.",
            )


def _place(delivery: Delivery) -> tuple[str, str, bool]:
    """What is delivered to, the variable that names it, and whether there is anything to deliver."""
    match delivery:
        case LambdaDelivery():
            return f"function {delivery.function_name}", "function_name", bool(delivery.environment)
        case EcsDelivery():
            where = f"service {delivery.service} of cluster {delivery.cluster}"
            delivered = bool(delivery.secrets or delivery.environment)
            return f"container {delivery.container} of {where}", "container_definitions", delivered
        case StageDelivery():
            return f"stage {delivery.stage_name} of API {delivery.api_name}", "stage_name", bool(delivery.variables)


def check_stage_variables(stack: StackScope, stages: Iterable[StageDelivery], secrets: Sequence[SecretSpec]) -> None:
    """The name of a secret is part of its ARN; stage variables take no `+` and no `@`.

    Source: https://docs.aws.amazon.com/apigateway/latest/api/API_Stage.html
    """
    names = {secret.ref: secret.name for secret in secrets}
    for stage in stages:
        for variable, expression in stage.variables.items():
            for output in outputs(expression):
                name = names.get(_secret_of(output), "")
                wrong = [character for character in _NOT_IN_STAGE_VARIABLES if character in name]
                if wrong:
                    stack.components[stage.component].error(
                        ("vars", "stage_variables", variable),
                        f"secret {name} holds {' and '.join(wrong)}, which a stage variable cannot hold",
                        "Rename the secret, or let the integration read its ARN from elsewhere.",
                    )


def _secret_of(output: Output) -> SecretRef:
    return SecretRef(component=output.component, key=str(output.path[1]) if output.path[1:] else "")
