"""Write the policies of keys that AWS makes for its services, and refuse what CreateKey and PutKeyPolicy refuse.

https://docs.aws.amazon.com/kms/latest/developerguide/services-secrets-manager.html,
https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html and
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key
"""

from __future__ import annotations

import json
from collections.abc import Callable

from secrets_pipeline.arn import iam_arn
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.documents import statements
from secrets_pipeline.emulator.services.principals import require_visible

_NAMES = {"secretsmanager": "AWS Secrets Manager"}


def default(service: str, partition: str, region: str, account_id: str) -> str | None:
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
            "Principal": {"AWS": iam_arn(account_id, "root", partition=partition)},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{service}-2", "Statement": statements})


def check(policy: str, may_change_it: Callable[[str], bool]) -> None:
    """Refuse a policy that is not well-formed, or under which its writer could not replace it.

    Args:
        policy: JSON.
        may_change_it: whether the caller may kms:PutKeyPolicy under this policy; what bypasses the check says yes.

    Raises:
        Fault: MalformedPolicyDocumentException.
    """
    found = statements(policy, "The new key policy is not valid.")
    require_visible(found, "Policy contains a statement with one or more invalid principals.")
    if not may_change_it(policy):
        raise Fault(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        )
