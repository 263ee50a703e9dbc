"""Write the identity policy that lets a role read some secrets, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from secrets_pipeline.access.granting.names import alias_of
from secrets_pipeline.access.policy_text.statements import READ, VERSION, one_or_all, via_service
from secrets_pipeline.arn import Arn

PolicyDocument: TypeAlias = Mapping[str, Any]
"""A policy as JSON has it."""
READING = "SecretsPipelineRead"
DECRYPTING = "SecretsPipelineDecrypt"


@dataclass(frozen=True, slots=True, order=True)
class Readable:
    """A secret that is to be read.

    Attributes:
        arn: complete, or ending in `-??????`.
        keys: ARNs of the KMS keys that open it, or of aliases of them; none for `aws/secretsmanager`, which serves
            every principal of its account that may read the secret.
    """

    arn: str
    keys: tuple[str, ...] = ()


def identity_policy(secrets: Iterable[Readable]) -> dict[str, Any]:
    """What a principal needs to read secrets: one statement for them all, and one for each key.

    A key opens only these secrets, and only for Secrets Manager: Secrets Manager gives KMS the secret's complete ARN as
    encryption context. Replicas of the secrets are not meant.
    Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html,
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-encryption-context,
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context

    Args:
        secrets: at least one; all of one region.
    """
    listed = sorted(set(secrets))
    reading = {
        "Sid": READING,
        "Effect": "Allow",
        "Action": READ,
        "Resource": sorted({secret.arn for secret in listed}),
    }
    return {"Version": VERSION, "Statement": [reading, *key_statements(DECRYPTING, ["kms:Decrypt"], listed)]}


def key_statements(sid: str, actions: list[str], secrets: Iterable[Readable]) -> list[dict[str, Any]]:
    """The statements that let a principal use the keys of some secrets, for these alone and through Secrets Manager.

    Args:
        sid: of the statement; numbered where there are several.
        actions: of KMS.
        secrets: with their keys.
    """
    under: defaultdict[str, set[str]] = defaultdict(set)
    for secret in secrets:
        for key in secret.keys:
            under[key].add(secret.arn)
    groups: defaultdict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    for key, arns in sorted(under.items()):
        # An alias has a condition, and so a statement, of its own.
        groups[tuple(sorted(arns)), key if alias_of(key) else ""].append(key)
    return [
        _key_statement(sid if len(groups) == 1 else f"{sid}{number}", actions, keys, list(arns))
        for number, ((arns, _), keys) in enumerate(groups.items(), 1)
    ]


def _key_statement(sid: str, actions: list[str], keys: list[str], secrets: list[str]) -> dict[str, Any]:
    condition: dict[str, Any] = {
        "StringEquals": {"kms:ViaService": one_or_all(via_service("secretsmanager", Arn.parse(secrets[0]).region))},
        "StringLike": {"kms:EncryptionContext:SecretARN": secrets},
    }
    alias = alias_of(keys[0])
    if alias:
        # IAM knows no alias as a resource: https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
        condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": [alias]}
        keys = [f"{keys[0].removesuffix(alias)}key/*"]
    action = actions[0] if len(actions) == 1 else actions
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": keys, "Condition": condition}
