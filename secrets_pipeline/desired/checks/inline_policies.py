"""Refuse roles whose inline policy would be longer than IAM takes, as far as names tell; an exact check follows later.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

from collections.abc import Iterable

from secrets_pipeline.arn import Arn, account_of
from secrets_pipeline.desired.base import SecretRef, Target
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.limits import INLINE_POLICY_CHARACTERS
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.desired.secret.model import SecretSpec

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
