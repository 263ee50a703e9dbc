"""Refuse roles to which `attach_policies` cannot attach: those with too long a policy, and the pipeline's own.

The length is known as far as names tell; an exact check follows later.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from secrets_pipeline.arn import Arn, account_of
from secrets_pipeline.desired.base import SecretRef, Target
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.limits import INLINE_POLICY_CHARACTERS
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.desired.rotation.function import FUNCTION_PREFIX
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SpecError, Where

_QUOTES_AND_COMMA = 3


def check_inline_policies(
    stack: StackScope, target: Target, secrets: Iterable[SecretSpec], consumers: Iterable[ConsumerSpec]
) -> None:
    """Collect an error for each role of which the ARNs alone are too long, at the consumer that makes them so.

    Args:
        stack: where errors are collected.
        target: where the stack lives.
        secrets: of the stack.
        consumers: of the stack; only those with `attach_policies` count.
    """
    by_ref = {secret.ref: secret for secret in secrets}
    reading: dict[str, dict[SecretRef, None]] = {}
    refused: set[str] = set()
    for consumer in consumers:
        for role in consumer.readers if consumer.attach_policies else ():
            if target.account_id not in (None, account_of(role)) or role in refused:
                continue
            refs = reading.setdefault(role, {})
            refs.update(dict.fromkeys(consumer.secrets))
            if sum(_characters(by_ref[ref], target) for ref in refs if ref in by_ref) > INLINE_POLICY_CHARACTERS:
                refused.add(role)
                stack.components[consumer.component].error(
                    ("settings", "secrets_pipeline", "attach_policies"),
                    f"consumer {consumer.name}: a policy that lets {role} read {len(refs)} secrets has more than the "
                    f"{INLINE_POLICY_CHARACTERS} characters that IAM takes in all inline policies of a role",
                    "Let several roles read, keep what is read together in one secret, or leave attach_policies away "
                    "and attach a wider policy yourself.",
                )


def _characters(secret: SecretSpec, target: Target) -> int:
    """At least this many: the ARN as resource, and again as encryption context of a key."""
    arn = str(
        Arn("aws", "secretsmanager", target.region, target.account_id or "0" * 12, f"secret:{secret.name}-??????")
    )
    return (len(arn) + _QUOTES_AND_COMMA) * (1 if secret.kms_key is None else 2)


def consumers_as_own_roles(specs: Mapping[str, StackSpec], settings: OperatorSettings) -> dict[str, list[SpecError]]:
    """Errors of the stacks that would attach a policy to a rotation function's role, or to that of the event rules.

    Args:
        specs: by stack; each may have a rotation function, whose role bears its name.
        settings: the operator's, which name the queue of events.
    """
    # IAM does not tell capital letters from small ones.
    own = {spec.rotation_function.name.lower() for spec in specs.values() if spec.rotation_function}
    own |= {settings.events.role_name.lower()} if settings.events else set()
    errors: dict[str, list[SpecError]] = {}
    for stack, spec in specs.items():
        for consumer in spec.consumers:
            for arn in consumer.readers if consumer.attach_policies else ():
                name = arn.rpartition("/")[2].lower()
                if name in own or name.startswith(FUNCTION_PREFIX):
                    where = Where(stack=stack, component=consumer.component, key="settings.secrets_pipeline")
                    errors.setdefault(stack, []).append(
                        SpecError(
                            f"consumer {consumer.name}: role {arn} is one of the pipeline's own, and attach_policies "
                            "would change what it may do",
                            remedy="Let another role read.",
                            where=where,
                        )
                    )
    return errors
