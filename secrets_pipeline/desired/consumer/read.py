"""Read who reads the secrets of a stack: declared in `vars.consumers`, or found by delivered references."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.consumer.identities import assumed_by, pod
from secrets_pipeline.desired.consumer.keys import ConsumerEntry
from secrets_pipeline.desired.consumer.model import ConsumerSpec, Delivery, EcsDelivery, LambdaDelivery, ReaderType
from secrets_pipeline.desired.consumer.refreshes import declared_means
from secrets_pipeline.desired.limits import ROLE_ARN
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.named_secrets import read_secrets
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope, listed, near_miss

_EXAMPLE_ROLE = "arn:aws:iam::111122223333:role/orders"
ATTACH = "attach_policies"
"""The component that declares a consumer, or that it was found in, decides."""
Role = Literal["role", "execution_role", "task_role"]
_ROLE_KEYS: Mapping[Role, str] = {
    "role": "role_arn",
    "execution_role": "execution_role_arn",
    "task_role": "task_role_arn",
}


def declared_consumers(scope: ComponentScope) -> list[ConsumerSpec]:
    """The consumers that a `secretsmanager` component names; what is wrong is collected."""
    consumers = Inputs(scope, scope.component.vars, ("vars",)).inputs("consumers")
    found = (_declared(name, consumers.inputs(name)) for name in consumers.values)
    return [consumer for consumer in found if consumer]


def _declared(name: str, entry: Inputs) -> ConsumerSpec | None:
    errors = len(entry.scope.stack.errors)
    entry.refuse_unknown(frozenset(ConsumerEntry.model_fields))
    given = entry.required_text("type", f"Write one of {', '.join(ReaderType)}.")
    if given and given not in list(ReaderType):
        entry.error("type", f"type is {given!r}", f"Write one of {', '.join(ReaderType)}.")
    principals = _principals(entry, ecs=given == ReaderType.ECS)
    delivery = entry.text("delivery") or ("secrets" if "execution_role" in principals else "arn")
    if delivery not in ("secrets", "arn"):
        entry.error("delivery", f"delivery is {delivery!r}", "Write secrets (injected) or arn (the code fetches it).")
    elif delivery == "secrets" and given == ReaderType.ECS and "execution_role" not in principals:
        entry.error(
            "execution_role_arn",
            "what ECS injects is read by the execution role, and none is named",
            "Write execution_role_arn, or delivery: arn.",
        )
    elif delivery == "arn" and "execution_role" in principals and "task_role" not in principals:
        entry.error(
            "task_role_arn",
            "what the code fetches is read by the task role, and none is named",
            "Write task_role_arn, or delivery: secrets.",
        )
    secrets = _secrets(entry)
    runs_in = pod(entry, given, principals.get("role"))
    callers = assumed_by(entry, given)
    refresh = declared_means(name, entry, given)
    if len(entry.scope.stack.errors) > errors:
        return None
    return ConsumerSpec(
        component=entry.scope.name,
        name=name,
        type=ReaderType(given),
        principals=principals,
        delivery="secrets" if delivery == "secrets" else "arn",
        secrets=secrets,
        attach_policies=entry.scope.flag(ATTACH),
        pod=runs_in,
        assumed_by=callers,
        refresh=refresh,
    )


def _principals(entry: Inputs, *, ecs: bool) -> dict[Role, str]:
    wanted: tuple[Role, ...] = ("execution_role", "task_role") if ecs else ("role",)
    principals: dict[Role, str] = {}
    for role, key in _ROLE_KEYS.items():
        if role not in wanted:
            if entry.has(key):
                right = " and ".join(_ROLE_KEYS[one] for one in wanted)
                entry.error(key, f"{key} means nothing for this type", f"Write {right}.")
        elif arn := entry.text(key, pattern=ROLE_ARN, example=_EXAMPLE_ROLE):
            principals[role] = arn
    if not any(entry.has(key) for key in _ROLE_KEYS.values()):
        key = "execution_role_arn" if ecs else "role_arn"
        entry.error(key, "the consumer names no role", f'Write {key}: "{_EXAMPLE_ROLE}".')
    return principals


def _secrets(entry: Inputs) -> tuple[SecretRef, ...]:
    declared = entry.scope.component.vars.get("secrets")
    known = list(declared) if isinstance(declared, Mapping) else []
    keys = entry.texts("secrets")
    if not keys and not entry.has("secrets"):
        entry.error("secrets", "the consumer reads no secret", f"Write secrets: [{', '.join(known[:2]) or 'key'}].")
    for key in keys:
        if key not in known:
            entry.error(
                "secrets",
                f"component {entry.scope.name} has no secret with the key {key}",
                f"Keys of its secrets: {listed(known)}.{near_miss(key, known)}",
            )
    return tuple(SecretRef(component=entry.scope.name, key=key) for key in dict.fromkeys(keys))


def found_consumers(deliveries: Iterable[Delivery], stack: StackScope) -> list[ConsumerSpec]:
    """The consumers behind what is delivered.

    One whose role is not known is left out; if that role is to get a policy, it is an error.
    """
    consumers: dict[tuple[str, str], ConsumerSpec] = {}
    for delivery in deliveries:
        for consumer in _found(delivery, stack):
            key = (consumer.name, consumer.delivery)
            earlier = consumers[key].secrets if key in consumers else ()
            secrets = tuple(dict.fromkeys((*earlier, *consumer.secrets)))
            attach = stack.components[delivery.component].flag(ATTACH)
            consumers[key] = consumer.model_copy(update={"secrets": secrets, "attach_policies": attach})
    return list(consumers.values())


def _found(delivery: Delivery, stack: StackScope) -> Sequence[ConsumerSpec]:
    if isinstance(delivery, LambdaDelivery):
        component, read = stack.components[delivery.component], read_secrets(delivery.environment, stack)
        return _consumer(component, ReaderType.LAMBDA, "role", delivery.role_arn, read)
    if isinstance(delivery, EcsDelivery):
        component = stack.components[delivery.component]
        injected, fetched = read_secrets(delivery.secrets, stack), read_secrets(delivery.environment, stack)
        return [
            *_consumer(component, ReaderType.ECS, "execution_role", delivery.execution_role_arn, injected),
            *_consumer(component, ReaderType.ECS, "task_role", delivery.task_role_arn, fetched),
        ]
    return ()


def _consumer(
    component: ComponentScope, kind: ReaderType, role: Role, arn: str | None, secrets: tuple[SecretRef, ...]
) -> Sequence[ConsumerSpec]:
    if not secrets:
        return ()
    if arn is None:
        if component.flag(ATTACH):
            component.error(
                ("settings", "secrets_pipeline", ATTACH),
                f"{ATTACH} is true, but which role reads {', '.join(map(str, secrets))} is not known",
                f'Write vars.{_ROLE_KEYS[role]}: "{_EXAMPLE_ROLE}", or leave {ATTACH} away.',
            )
        return ()
    return [
        ConsumerSpec(
            component=component.name,
            name=component.name,
            type=kind,
            principals={role: arn},
            delivery="secrets" if role == "execution_role" else "arn",
            secrets=secrets,
        )
    ]
