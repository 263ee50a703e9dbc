"""The policy of a rotation function: what AWS documents, for its own secrets and keys alone."""

from __future__ import annotations

from typing import Any

from secrets_pipeline.access.granting.identity import Readable
from secrets_pipeline.access.granting.rotation import rotated_arns, rotation_policy

LOGS = "arn:aws:logs:eu-west-2:111122223333:log-group:/aws/lambda/rotate"
FUNCTION = "arn:aws:lambda:eu-west-2:111122223333:function:rotate"
KEYS = [f"arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-{number:012d}" for number in range(2)]
SECRETS = [f"arn:aws:secretsmanager:eu-west-2:111122223333:secret:{name}-Ab3dE6" for name in ("app", "web", "admin")]


def through_secrets_manager(*secrets: str) -> dict[str, Any]:
    return {
        "StringEquals": {"kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:SecretARN": list(secrets)},
    }


def test_the_document_is_as_aws_documents_it() -> None:
    """Secrets Manager User Guide, "Lambda rotation function execution role permissions"."""
    app, web, admin = SECRETS
    rotated = [Readable(web, (KEYS[0],)), Readable(app, (KEYS[0],))]
    # A secret that is rotated is not another's superuser only.
    superusers = [Readable(admin, (KEYS[1],)), Readable(app, (KEYS[0],))]
    document = rotation_policy(rotated, superusers, log_group_arn=LOGS)
    assert document["Statement"] == [
        {
            "Sid": "SecretsPipelineRotate",
            "Effect": "Allow",
            "Action": [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            "Resource": [app, web],
        },
        {
            "Sid": "SecretsPipelineRotateKey",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": [KEYS[0]],
            "Condition": through_secrets_manager(app, web),
        },
        {
            "Sid": "SecretsPipelineSuperuser",
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue"],
            "Resource": [admin],
        },
        {
            "Sid": "SecretsPipelineSuperuserKey",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": [KEYS[1]],
            "Condition": through_secrets_manager(admin),
        },
        {
            "Sid": "SecretsPipelineLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"{LOGS}:*"],
        },
    ]
    assert rotated_arns(document) == {app, web, admin}


def test_in_a_vpc_lambda_attaches_the_function_and_its_own_code_may_not() -> None:
    """Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC"."""
    outside, inside = (
        rotation_policy([Readable(SECRETS[0])], (), log_group_arn=LOGS, function_arn=arn)["Statement"]
        for arn in ("", FUNCTION)
    )
    lets, denies = inside[len(outside) :]
    assert inside[: len(outside)] == outside
    assert {"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"} < {
        *lets["Action"]
    }
    assert denies == {
        "Sid": "SecretsPipelineNetworkByLambdaAlone",
        "Effect": "Deny",
        "Action": lets["Action"],
        "Resource": ["*"],
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [FUNCTION]}},
    }
