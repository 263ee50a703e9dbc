"""Policies of the keys that AWS makes for its services, as GetKeyPolicy shows them in any account.

https://docs.aws.amazon.com/kms/latest/developerguide/services-secrets-manager.html
"""

from __future__ import annotations

import json

_NAMES = {"secretsmanager": "AWS Secrets Manager"}


def policy(service: str, partition: str, region: str, account_id: str) -> str | None:
    """The policy of `aws/SERVICE`: everybody in the account, through the service; None for one that is not known here.

    Args:
        service: as in the alias, for example `secretsmanager`.
        partition: of the account.
        region: of the key.
        account_id: 12 digits.
    """
    name = _NAMES.get(service)
    if name is None:
        return None
    through = f"Allow access through {name} for all principals in the account that are authorized to use {name}"
    caller, domain = {"kms:CallerAccount": account_id}, "amazonaws.com"
    statements = [
        {
            "Sid": through,
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:CreateGrant", "kms:DescribeKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {**caller, "kms:ViaService": f"{service}.{region}.{domain}"}},
        },
        {
            "Sid": through,
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "kms:GenerateDataKey*",
            "Resource": "*",
            "Condition": {"StringEquals": caller, "StringLike": {"kms:ViaService": f"{service}.*.{domain}"}},
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition}:iam::{account_id}:root"},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{service}-2", "Statement": statements})
