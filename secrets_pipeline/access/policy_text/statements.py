"""Write the statements that a secret's and a key's readers in other accounts need, and the key policy around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from secrets_pipeline.arn import iam_arn

VERSION = "2012-10-17"
READERS = "SecretsPipelineReaders"
_OTHER_SUFFIXES = {"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu"}
"""How a region begins → how its endpoints end, if not in `amazonaws.com`."""
READ = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
_USE_KEY = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
]


def secret_policy(
    declared: Sequence[Any], readers: Sequence[str], *, organization_id: str | None = None
) -> dict[str, Any] | None:
    """The resource policy of one secret, or None where it needs none.

    A secret's resource policy is attached to that secret, so `Resource: "*"` means it alone.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html

    Args:
        declared: statements from the stack.
        readers: principals of other accounts, as ARNs.
        organization_id: `o-…` that the readers have to belong to; None for any or none.
    """
    statements = list(declared)
    if readers:
        reading = {
            "Sid": READERS,
            "Effect": "Allow",
            "Principal": {"AWS": sorted(readers)},
            "Action": READ,
            "Resource": "*",
        }
        inside = _inside(organization_id)
        statements.append({**reading, "Condition": {"StringEquals": inside}} if inside else reading)
    return {"Version": VERSION, "Statement": statements} if statements else None


def key_policy(
    account_id: str,
    region: str,
    partition: str,
    declared: Sequence[Any],
    readers: Sequence[str],
    *,
    organization_id: str | None = None,
) -> dict[str, Any]:
    """The policy of a key that encrypts secrets.

    The account's root keeps full access, so nobody can be locked out; principals of the account use the key through
    Secrets Manager alone, as with `aws/secretsmanager`; readers of other accounts may only decrypt through it.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html

    Args:
        account_id: owner of the key, 12 digits.
        region: region of the key.
        partition: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
        declared: statements from the stack.
        readers: principals of other accounts, as ARNs.
        organization_id: `o-…` that the readers have to belong to; None for any or none.
    """
    statements: list[Any] = [
        {
            "Sid": "SecretsPipelineAdministration",
            "Effect": "Allow",
            "Principal": {"AWS": iam_arn(account_id, "root", partition=partition)},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "SecretsPipelineAccount",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": _USE_KEY,
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": account_id,
                    "kms:ViaService": one_or_all(via_service("secretsmanager", region)),
                }
            },
        },
    ]
    if readers:
        statements.append(key_readers(readers, region, organization_id=organization_id))
    return {"Version": VERSION, "Statement": [*statements, *declared]}


def key_readers(readers: Sequence[str], region: str, *, organization_id: str | None = None) -> dict[str, Any]:
    """The statement of a key's policy for readers in other accounts than the key's.

    Args:
        readers: principals, as ARNs.
        region: region of the secrets.
        organization_id: `o-…` that the readers have to belong to; None for any or none.
    """
    return {
        "Sid": READERS,
        "Effect": "Allow",
        "Principal": {"AWS": sorted(readers)},
        "Action": ["kms:Decrypt", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:ViaService": one_or_all(via_service("secretsmanager", region)),
                **_inside(organization_id),
            }
        },
    }


def via_service(service: str, *regions: str) -> list[str]:
    """List what `kms:ViaService` may say when an AWS service uses a key.

    AWS documents `<service>.<region>.amazonaws.com`. Endpoints end in `amazonaws.com.cn` in China and in `amazonaws.eu`
    in the European Sovereign Cloud. AWS does not document which of the two KMS sees there, so both are listed. Only AWS
    sets this key, so a second name lets nobody else in.
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service

    Args:
        service: for example `secretsmanager`.
        regions: where it uses keys.
    """
    return [
        f"{service}.{region}.{suffix}"
        for region in regions
        for suffix in ("amazonaws.com", *(one for start, one in _OTHER_SUFFIXES.items() if region.startswith(start)))
    ]


def one_or_all(values: list[str]) -> str | list[str]:
    """Return a single value as it is, several as a list: both spellings are one policy."""
    return values if len(values) > 1 else values[0]


def _inside(organization_id: str | None) -> dict[str, str]:
    return {"aws:PrincipalOrgID": organization_id} if organization_id else {}
