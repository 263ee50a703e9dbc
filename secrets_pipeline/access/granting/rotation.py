"""Write what a rotation function needs, and nothing else: its policy, and who may assume its role.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.granting.identity import PolicyDocument, Readable, key_statements
from secrets_pipeline.access.policy_text.statements import VERSION

ROTATING = "SecretsPipelineRotate"
_SUPERUSER = "SecretsPipelineSuperuser"
_ROTATE = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
]
_NETWORK = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions"""


def rotation_policy(
    rotated: Iterable[Readable],
    superusers: Iterable[Readable],
    *,
    log_group_arn: str,
    function_arn: str = "",
) -> dict[str, Any]:
    """The inline policy of a rotation function's role.

    Args:
        rotated: the secrets that it rotates, at least one.
        superusers: secrets that it only reads, to alternate users.
        log_group_arn: of its own log group.
        function_arn: of a function in a VPC: Lambda attaches it to the network, and its own code may not; empty for
            none in a VPC.
    """
    rotated = sorted(set(rotated))
    own = {one.arn for one in rotated}
    superusers = sorted({one for one in superusers if one.arn not in own})
    statements: list[dict[str, Any]] = [_allow(ROTATING, _ROTATE, sorted(own))]
    statements += key_statements(f"{ROTATING}Key", ["kms:Decrypt", "kms:GenerateDataKey"], rotated)
    if superusers:
        statements.append(_allow(_SUPERUSER, ["secretsmanager:GetSecretValue"], [one.arn for one in superusers]))
        statements += key_statements(f"{_SUPERUSER}Key", ["kms:Decrypt"], superusers)
    statements.append(
        _allow("SecretsPipelineLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group_arn}:*"])
    )
    if function_arn:
        statements.append(_allow("SecretsPipelineNetwork", _NETWORK, ["*"]))
        statements.append(
            {
                "Sid": "SecretsPipelineNetworkByLambdaAlone",
                "Effect": "Deny",
                "Action": _NETWORK,
                "Resource": ["*"],
                "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [function_arn]}},
            }
        )
    return {"Version": VERSION, "Statement": statements}


def rotated_arns(document: PolicyDocument) -> frozenset[str]:
    """ARN patterns of the secrets that a policy of ours lets a function rotate, or read as a superuser's."""
    statements = [one for one in listed(document.get("Statement")) if isinstance(one, Mapping)]
    ours = [one for one in statements if one.get("Sid") in (ROTATING, _SUPERUSER)]
    return frozenset(str(arn) for one in ours for arn in listed(one.get("Resource")))


def rotation_trust() -> dict[str, Any]:
    """Who may assume the role of a rotation function: Lambda."""
    return {
        "Version": VERSION,
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }


def _allow(sid: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
