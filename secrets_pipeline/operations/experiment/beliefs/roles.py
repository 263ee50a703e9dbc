"""Beliefs about IAM: how long others do not know a new role."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import (
    DONE,
    ROLE_ARN,
    Belief,
    allowed,
    function,
    key,
    named,
    policy,
    queue,
    role,
    role_policy,
    secret,
)
from secrets_pipeline.operations.experiment.contract import Step
from secrets_pipeline.operations.experiment.removal import TARGET

_SOURCE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"
_NAMED = "CreateRole to policies that name the role"
_PATTERN = '{"source": ["secrets-pipeline.doctor"]}'


def _readers(what: str) -> str:
    return policy(allowed("secretsmanager:GetSecretValue", Resource="*", Principal={"AWS": f"{ROLE_ARN}{named(what)}"}))


def _key_policy(*arns: str) -> str:
    statements = [
        allowed("kms:*", Resource="*", Principal={"AWS": arn}) for arn in ("<arn>:iam::<account>:root", *arns)
    ]
    return policy(*statements)


_SECRET_POLICY = Step(
    "secretsmanager",
    "GetResourcePolicy",
    {"SecretId": named("reader")},
    shows={"statements": "ResourcePolicy.Statement"},
)
_KEY_POLICY = Step(
    "kms",
    "GetKeyPolicy",
    {"KeyId": "<named>", "PolicyName": "default"},
    shows={"statements": "Policy.Statement"},
)

BELIEFS = (
    Belief(
        "new-role-of-a-function",
        "CreateFunction refuses a role for some seconds after it was made",
        _SOURCE,
        (
            role("assumed", "lambda.amazonaws.com"),
            function("assumed", "def handler(event, context): pass", measures="CreateRole to CreateFunction"),
        ),
    ),
    Belief(
        "new-role-of-a-target",
        "PutTargets refuses a role for some seconds after it was made",
        _SOURCE,
        (
            Step("events", "PutRule", {"Name": named("target"), "EventPattern": _PATTERN}, keeps={"rule": "RuleArn"}),
            queue("target"),
            role("target", "events.amazonaws.com"),
            Step(
                "events",
                "PutTargets",
                {
                    "Rule": named("target"),
                    "Targets": [
                        {
                            "Id": TARGET,
                            "Arn": f"<arn>:sqs:<region>:<account>:{named('target')}",
                            "RoleArn": f"{ROLE_ARN}{named('target')}",
                        }
                    ],
                },
                until=DONE,
                shows={"failed": "FailedEntryCount"},
                measures="CreateRole to PutTargets",
            ),
        ),
    ),
    Belief(
        "new-role-in-a-secret-policy",
        "PutResourcePolicy refuses to name a role for some seconds after it was made; GetResourcePolicy says what was "
        "put, and the role's unique id when it is gone",
        _SOURCE,
        (
            secret("reader"),
            Step("secretsmanager", "DescribeSecret", {"SecretId": named("reader")}, until=DONE),
            role("reader", "lambda.amazonaws.com"),
            Step(
                "secretsmanager",
                "PutResourcePolicy",
                {"SecretId": named("reader"), "ResourcePolicy": _readers("reader")},
                until=DONE,
                measures=_NAMED,
            ),
            _SECRET_POLICY,
            Step("iam", "DeleteRole", {"RoleName": named("reader")}),
            _SECRET_POLICY,
        ),
    ),
    Belief(
        "trust-policy",
        "GetRole gives a trust policy back as it was put",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html",
        (
            role("trusted", "lambda.amazonaws.com"),
            Step(
                "iam",
                "GetRole",
                {"RoleName": named("trusted")},
                until=DONE,
                shows={"statements": "Role.AssumeRolePolicyDocument.Statement"},
            ),
        ),
    ),
    Belief(
        "new-role-in-a-key-policy",
        "PutKeyPolicy refuses to name a role for some seconds after it was made; GetKeyPolicy says what was put, and "
        "the role's unique id when it is gone",
        _SOURCE,
        (
            key("named"),
            Step("kms", "DescribeKey", {"KeyId": "<named>"}, until=DONE),
            role("named", "lambda.amazonaws.com"),
            Step(
                "kms",
                "PutKeyPolicy",
                {"KeyId": "<named>", "PolicyName": "default", "Policy": _key_policy(f"{ROLE_ARN}{named('named')}")},
                until=DONE,
                measures=_NAMED,
            ),
            _KEY_POLICY,
            Step("iam", "DeleteRole", {"RoleName": named("named")}),
            _KEY_POLICY,
        ),
    ),
    Belief(
        "new-policy-in-the-list",
        "GetAccountAuthorizationDetails shows a role's new inline policy after some seconds",
        _SOURCE,
        (
            role("listed", "lambda.amazonaws.com"),
            role_policy("listed", "secretsmanager:DescribeSecret"),
            Step(
                "iam",
                "GetAccountAuthorizationDetails",
                {"Filter": ["Role"]},
                pages=True,
                until=f"RoleDetailList[?RoleName=='{named('listed')}'].RolePolicyList[]",
                shows={"policies": f"RoleDetailList[?RoleName=='{named('listed')}'].RolePolicyList[].PolicyName"},
                measures="PutRolePolicy to GetAccountAuthorizationDetails",
            ),
        ),
    ),
)
