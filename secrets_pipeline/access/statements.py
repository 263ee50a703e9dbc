"""The statements that a secret's and a key's readers in other accounts need, and the key policy around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

VERSION = "2012-10-17"
_READ = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
_USE_KEY = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
]


def secret_policy(declared: Sequence[Any], readers: Sequence[str]) -> dict[str, Any] | None:
    """The resource policy of one secret, or None where it needs none.

    A secret's resource policy is attached to that secret, so `Resource: "*"` means it alone.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html

    Args:
        declared: statements from the stack.
        readers: principals of other accounts, as ARNs.
    """
    statements = list(declared)
    if readers:
        statements.append(
            {
                "Sid": "SecretsPipelineReaders",
                "Effect": "Allow",
                "Principal": {"AWS": sorted(readers)},
                "Action": _READ,
                "Resource": "*",
            }
        )
    return {"Version": VERSION, "Statement": statements} if statements else None


def key_policy(
    account_id: str, region: str, partition: str, declared: Sequence[Any], readers: Sequence[str]
) -> dict[str, Any]:
    """The policy of a key that encrypts secrets.

    The account's root keeps full access, so nobody can be locked out; principals of the account use the key through
    Secrets Manager alone, as with `aws/secretsmanager`; readers of other accounts may only decrypt through it.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html

    Args:
        account_id: owner of the key, 12 digits.
        region: region of the key.
        partition: `aws`, `aws-cn` or `aws-us-gov`.
        declared: statements from the stack.
        readers: principals of other accounts, as ARNs.
    """
    service = f"secretsmanager.{region}.amazonaws.com"
    statements: list[Any] = [
        {
            "Sid": "SecretsPipelineAdministration",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition}:iam::{account_id}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "SecretsPipelineAccount",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": _USE_KEY,
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:CallerAccount": account_id, "kms:ViaService": service}},
        },
    ]
    if readers:
        statements.append(
            {
                "Sid": "SecretsPipelineReaders",
                "Effect": "Allow",
                "Principal": {"AWS": sorted(readers)},
                "Action": ["kms:Decrypt", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": {"StringEquals": {"kms:ViaService": service}},
            }
        )
    return {"Version": VERSION, "Statement": [*statements, *declared]}
