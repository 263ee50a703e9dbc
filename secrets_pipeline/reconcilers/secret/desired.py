"""A secret's desired metadata with its late parts resolved, and the digests of it that become the mark."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.policy_text.statements import secret_policy
from secrets_pipeline.access.policy_text.write import canonical
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers.kms_key.lookup import usable_as
from secrets_pipeline.reconcilers.marks.secret_mark import Commit, Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.policy_readers import not_let_in
from secrets_pipeline.reconcilers.tag_keys import PASSWORD
from secrets_pipeline.references.resolve import Pending, Plain, substitute
from secrets_pipeline.rotation.password_tag import password_rule
from secrets_pipeline.rotation_lambda.password_rule import DEFAULT_RULE, encode

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rotation as RotateSecret takes it, all known."""

    lambda_arn: str
    rules: dict[str, Any]
    rotate_immediately: bool


def kms_key(stack: Stack, secret: SecretSpec) -> str | Pending | None:
    """What to pass as KmsKeyId: an ARN for keys of ours, the text of the stack otherwise, None for the default key.

    A key under which nothing can be encrypted is waited for; the stage `kms_keys` fails with it.
    """
    key = _declared_key(stack, secret)
    problem = stack.observed.keys.problem(key) if isinstance(key, str) else None
    return Pending(f"KMS key {key} {problem}") if problem else key


def _declared_key(stack: Stack, secret: SecretSpec) -> str | Pending | None:
    if secret.kms_key is None:
        return None
    named = stack.resolve.text(secret.kms_key)
    if isinstance(named, Pending) or all(named != key.alias for key in stack.spec.keys):
        return named
    key = usable_as(stack, named)
    return Pending(key) if isinstance(key, str) else key.arn


def tags(stack: Stack, secret: SecretSpec) -> dict[str, str]:
    """The stack's tags and our identity tags."""
    return {**secret.tags, **stack.ownership.owner(secret).tags(), **_password_rule(secret)}


def _password_rule(secret: SecretSpec) -> dict[str, str]:
    """The tag that tells the managed function what the next value looks like; none for what it does not rotate."""
    rotation = secret.rotation
    if rotation is None or not rotation.managed:
        return {}
    if isinstance(secret.value, GeneratedValue):
        rule = password_rule(secret.value.policy, key=rotation.json_key)
    else:
        rule = replace(DEFAULT_RULE, key=rotation.json_key)
    try:
        return {PASSWORD: encode(rule)}
    except ValueError as error:
        raise SpecError(
            f"secret {secret.name}: its password rule does not fit into a tag: {error}",
            remedy="Name fewer special characters, or shorten json_key.",
        ) from None


def policy(stack: Stack, secret: SecretSpec) -> dict[str, Any] | Pending | None:
    """The resource policy that the stack asks for, or None for none."""
    match substitute(list(secret.policy), stack.resolve):
        case Pending() as pending:
            return pending
        case Plain(value=list() as declared):
            if wrong := not_let_in(stack, declared):
                return Pending(f"its policy {wrong}")
            return secret_policy(declared, secret.readers, organization_id=stack.spec.organization_id)
        case _:
            return Pending("its policy holds a secret value")


def rotation(stack: Stack, secret: SecretSpec) -> Rotation | Pending | None:
    """The rotation that the stack asks for, or None for none."""
    spec = secret.rotation
    if spec is None:
        return None
    arn = _function(stack, spec)
    if isinstance(arn, Pending):
        return arn
    rules = {
        "AutomaticallyAfterDays": spec.automatically_after_days,
        "ScheduleExpression": spec.schedule_expression,
        "Duration": spec.duration,
    }
    return Rotation(arn, {key: rule for key, rule in rules.items() if rule is not None}, spec.rotate_immediately)


def _function(stack: Stack, spec: RotationSpec) -> str | Pending:
    if spec.lambda_arn is not None:
        return stack.resolve.text(spec.lambda_arn)
    managed = managed_function_arn(stack)
    return managed or Pending("the stack has no rotation function")


def managed_function_arn(stack: Stack) -> str | None:
    """The ARN of the stack's own rotation function, made or not; None where nothing asks for it."""
    function = stack.spec.rotation_function
    return stack.account.function_arn(function.name) if function else None


def made(stack: Stack, state: SecretState, secret: SecretSpec, part: Part) -> bool:
    """Whether the mark says that a part was made as the stack declares it now: what differs was changed outside."""
    marked = stack.ownership.marks.verify(state).commit
    return marked is not None and marked.digests[part] == _digest(stack, secret, part)


def finished(stack: Stack, state: SecretState, secret: SecretSpec) -> bool:
    """Whether the mark says that everything but the value was made as the stack declares it now."""
    marked = stack.ownership.marks.verify(state).commit
    return marked is not None and marked == commit(stack, secret)


def commit(stack: Stack, secret: SecretSpec) -> Commit | None:
    """What the mark has to say; None while a part is not known or nothing was ever applied."""
    digests: dict[Part, str] = {}
    for part in Part:
        digest = _digest(stack, secret, part)
        if digest is None:
            return None
        digests[part] = digest
    return Commit(secret.recovery_window_in_days, digests, stack.run.id)


def intent(stack: Stack, secret: SecretSpec) -> str:
    """Digest of everything but the value, as far as it is known."""
    return "-".join(_digest(stack, secret, part) or "" for part in Part)


def _digest(stack: Stack, secret: SecretSpec, part: Part) -> str | None:
    if stack.ownership.fingerprinter is None:
        return None
    text = _TEXTS[part](stack, secret)
    return None if isinstance(text, Pending) else stack.ownership.marks.digest(part, secret.name, text)


def _key_text(stack: Stack, secret: SecretSpec) -> str | Pending | None:
    key = _declared_key(stack, secret)
    return stack.observed.keys.key_id(key) or key if isinstance(key, str) else key


def _policy_text(stack: Stack, secret: SecretSpec) -> str | Pending | None:
    document = policy(stack, secret)
    return canonical(document) if isinstance(document, dict) else document


def _rotation_text(stack: Stack, secret: SecretSpec) -> str | Pending | None:
    turning = rotation(stack, secret)
    if not isinstance(turning, Rotation):
        return turning
    return json.dumps([turning.lambda_arn, turning.rules], sort_keys=True)


_TEXTS: Mapping[Part, Callable[[Stack, SecretSpec], str | Pending | None]] = {
    Part.DESCRIPTION: lambda _, secret: secret.description,
    Part.KMS_KEY: _key_text,
    Part.TAGS: lambda stack, secret: json.dumps(tags(stack, secret), sort_keys=True),
    Part.POLICY: _policy_text,
    Part.ROTATION: _rotation_text,
    Part.REPLICAS: lambda _, secret: json.dumps([one.model_dump() for one in secret.replicas], sort_keys=True),
}
"""What the digest of each part is over; None is a part that the stack does not declare."""
