"""Beliefs about events of Secrets Manager and KMS: which calls make one, and when it arrives."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import (
    DONE,
    Belief,
    allowed,
    described,
    key,
    listening,
    named,
    policy,
    received,
    secret,
    told,
)
from secrets_pipeline.operations.experiment.contract import Step

_SOURCE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html"
_NAMES = ("CreateSecret", "PutSecretValue", "UpdateSecretVersionStage", "UpdateSecret", "DeleteSecret")
_TOKEN = "3" * 32
_OWNER = policy(allowed("kms:*", Resource="*", Principal={"AWS": "<arn>:iam::<account>:root"}))


def _of_secret(parameter: str) -> dict[str, object]:
    return {"eventName": list(_NAMES), "requestParameters": {parameter: [named("told")]}}


BELIEFS = (
    Belief(
        "events",
        "Calls that write arrive as events of CloudTrail, minutes later at most, where a trail records management "
        "events; without a trail none does",
        _SOURCE,
        (
            *listening("told"),
            *told("changed", "aws.secretsmanager", _of_secret("secretId"), queue="told"),
            *told("made", "aws.secretsmanager", _of_secret("name"), queue="told"),
            key("watched"),
            Step("kms", "DescribeKey", {"KeyId": "<watched>"}, until=DONE),
            *told("key", "aws.kms", {"requestParameters": {"keyId": ["<watched>"]}}, queue="told"),
            secret("told"),
            described("told"),
            Step(
                "secretsmanager",
                "PutSecretValue",
                {"SecretId": named("told"), "SecretString": "<other>", "ClientRequestToken": _TOKEN},
            ),
            Step(
                "secretsmanager",
                "UpdateSecretVersionStage",
                {"SecretId": named("told"), "VersionStage": "OWN", "MoveToVersionId": _TOKEN},
            ),
            Step("secretsmanager", "UpdateSecret", {"SecretId": named("told"), "Description": "doctor"}),
            Step("kms", "PutKeyPolicy", {"KeyId": "<watched>", "PolicyName": "default", "Policy": _OWNER}),
            Step("secretsmanager", "DeleteSecret", {"SecretId": named("told"), "ForceDeleteWithoutRecovery": True}),
            *received(
                "told",
                len(_NAMES) + 1,
                events="sort(Messages[].join(' ', [Body.\"detail-type\", Body.detail.eventName]))",
                moved="Messages[?Body.detail.eventName=='UpdateSecretVersionStage'].Body.detail."
                "{requested: requestParameters, answered: responseElements, members: sort(keys(@))}",
            ),
        ),
    ),
)
