"""A secret's desired metadata with its late parts resolved, and the digest of it that becomes the mark."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access import canonical, secret_policy
from secrets_pipeline.reconcilers.own_key import usable_as
from secrets_pipeline.reconcilers.states import SecretState
from secrets_pipeline.references import Pending, Plain, substitute
from secrets_pipeline.spec import SecretSpec

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rotation as RotateSecret takes it, all known."""

    lambda_arn: str
    rules: dict[str, Any]
    rotate_immediately: bool


def kms_key(context: StackContext, secret: SecretSpec) -> str | Pending | None:
    """What to pass as KmsKeyId: an ARN for keys of ours, the text of the stack otherwise, None for the default key.

    A key under which nothing can be encrypted is waited for; the stage `kms_keys` fails with it.
    """
    key = _declared_key(context, secret)
    problem = context.inventory.keys.problem(key) if isinstance(key, str) else None
    return Pending(f"KMS key {key} {problem}") if problem else key


def _declared_key(context: StackContext, secret: SecretSpec) -> str | Pending | None:
    if secret.kms_key is None:
        return None
    named = context.outputs.text(secret.kms_key)
    if isinstance(named, Pending) or all(named != key.alias for key in context.spec.keys):
        return named
    key = usable_as(context, named)
    return Pending(key) if isinstance(key, str) else key.arn


def tags(context: StackContext, secret: SecretSpec) -> dict[str, str]:
    """The stack's tags and our identity tags."""
    return {**secret.tags, **context.owner(secret).tags()}


def policy(context: StackContext, secret: SecretSpec) -> dict[str, Any] | Pending | None:
    """The resource policy that the stack asks for, or None for none."""
    match substitute(list(secret.policy), context.outputs):
        case Pending() as pending:
            return pending
        case Plain(value=list() as declared):
            return secret_policy(declared, secret.readers)
        case _:
            return Pending("its policy holds a secret value")


def rotation(context: StackContext, secret: SecretSpec) -> Rotation | Pending | None:
    """The rotation that the stack asks for, or None for none."""
    spec = secret.rotation
    if spec is None:
        return None
    arn = context.outputs.text(spec.lambda_arn)
    if isinstance(arn, Pending):
        return arn
    rules = {
        "AutomaticallyAfterDays": spec.automatically_after_days,
        "ScheduleExpression": spec.schedule_expression,
        "Duration": spec.duration,
    }
    return Rotation(arn, {key: rule for key, rule in rules.items() if rule is not None}, spec.rotate_immediately)


def finished(context: StackContext, state: SecretState, secret: SecretSpec) -> bool:
    """Whether the mark says that everything but the value was made as the stack declares it now."""
    marked = context.marks.verify(state).digest
    return marked is not None and marked == digest(context, secret)


def parts(context: StackContext, secret: SecretSpec) -> str:
    """Which of policy and rotation the stack asks for, as the `:parts` tag says it."""
    asked = {"secret-policy": policy(context, secret), "rotation": rotation(context, secret)}
    return " ".join(kind for kind, part in asked.items() if part)


def digest(context: StackContext, secret: SecretSpec) -> str | None:
    """Keyed digest of everything but the value; None while a part is not known or nothing was ever applied."""
    key, document, turning = _declared_key(context, secret), policy(context, secret), rotation(context, secret)
    if context.fingerprinter is None or any(isinstance(part, Pending) for part in (key, document, turning)):
        return None
    return context.marks.digest(
        secret.name,
        secret.description,
        str(context.inventory.key_id(key) if isinstance(key, str) else None),
        json.dumps(tags(context, secret), sort_keys=True),
        canonical(document if isinstance(document, dict) else None),
        json.dumps([turning.lambda_arn, turning.rules] if isinstance(turning, Rotation) else None, sort_keys=True),
        json.dumps([replica.model_dump() for replica in secret.replicas], sort_keys=True),
    )
