"""Judge whether the role of a rotation function may do with a secret and its key what a rotation does.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from secrets_pipeline.access.evaluator import Decision, Request, authorize
from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.reach.explain import clause, short
from secrets_pipeline.access.reach.reader import DECRYPT, GET_SECRET_VALUE, ReadableSecret, Reader

ROTATES: Final = (
    "secretsmanager:DescribeSecret",
    GET_SECRET_VALUE,
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
"""What each step of AWS's protocol calls."""
USES_KEY: Final = (DECRYPT, "kms:GenerateDataKey")


@dataclass(frozen=True, slots=True)
class Lack:
    """An action that a role may not do, or of which that is not known.

    Attributes:
        action: of Secrets Manager or KMS.
        known: whether it is certain.
        reason: which layer refuses it, or what would have to be known.
    """

    action: str
    known: bool
    reason: str


def lacks(
    estate: CompiledSnapshot,
    role: str,
    name: str,
    *,
    actions: tuple[str, ...] = ROTATES,
    key_actions: tuple[str, ...] = USES_KEY,
) -> tuple[Lack, ...]:
    """What a role lacks to rotate a secret, by every layer that AWS asks; empty if nothing.

    Args:
        estate: of a snapshot that holds the secret.
        role: ARN of the function's role.
        name: of the secret.
        actions: of Secrets Manager.
        key_actions: of KMS, through Secrets Manager.
    """
    if missing := estate.missing(role):
        # IAM shows a role that was just made in some lists and not in others.
        return (Lack(actions[0], known=False, reason=f"{missing}, as far as IAM shows"),)
    secret = estate.secret(name)
    if secret is None:
        return (Lack(actions[0], known=False, reason=f"secret {name} was not read"),)
    return tuple(_lacks(estate.reader(role), secret, actions, key_actions))


def _lacks(
    reader: Reader, secret: ReadableSecret, actions: tuple[str, ...], key_actions: tuple[str, ...]
) -> Iterator[Lack]:
    caller = reader.caller
    for action in actions:
        yield from _lack(action, authorize(_asking(secret.get_value, action), caller, secret.target), caller.arn)
    for action in key_actions:
        decisions = [
            authorize(_asking(secret.decrypt(caller.account_id), action), caller, key.target) for key in secret.keys
        ]
        # The value is under one key, but for a time after a change of keys: any one opens it.
        best = sorted(decisions, key=lambda one: (one.allowed is not True, one.allowed is False))
        if best:
            yield from _lack(action, best[0], caller.arn)


def _lack(action: str, decision: Decision, role: str) -> Iterator[Lack]:
    if decision.allowed is False:
        yield Lack(action, known=True, reason=f"{short(role)}: {clause(decision.decided_by, action)}")
    elif decision.allowed is None:
        yield Lack(action, known=False, reason=f"{short(role)}: {decision.reason}")


def _asking(request: Request, action: str) -> Request:
    return replace(request, action=action)
