"""Beliefs about the events of Secrets Manager: which calls make one, and when it arrives."""

from __future__ import annotations

import json

from secrets_pipeline.operations.experiment.beliefs.model import (
    DONE,
    Belief,
    allowed,
    described,
    named,
    policy,
    queue,
    secret,
)
from secrets_pipeline.operations.experiment.contract import Step
from secrets_pipeline.operations.experiment.removal import TARGET

_SOURCE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html"
_NAMES = ("CreateSecret", "PutSecretValue", "UpdateSecretVersionStage", "UpdateSecret", "DeleteSecret")
_QUEUE_ARN = f"<arn>:sqs:<region>:<account>:{named('told')}"
_TOKEN = "3" * 32
_RECEIVED = {"QueueUrl": "<told_url>", "MaxNumberOfMessages": 10, "VisibilityTimeout": 0, "WaitTimeSeconds": 1}
"""Each message is received again and again, so that one answer shows all that have come."""


def _rule(what: str, parameter: str) -> tuple[Step, ...]:
    """PutRule and PutTargets: events of calls whose parameter names the secret of this run, and of no others."""
    detail = {"eventName": list(_NAMES), "requestParameters": {parameter: [named("told")]}}
    pattern = json.dumps({"source": ["aws.secretsmanager"], "detail": detail})
    return (
        Step("events", "PutRule", {"Name": named(what), "EventPattern": pattern}),
        Step(
            "events",
            "PutTargets",
            {"Rule": named(what), "Targets": [{"Id": TARGET, "Arn": _QUEUE_ARN}]},
            until=DONE,
        ),
    )


BELIEFS = (
    Belief(
        "events",
        "Calls that write arrive as events of CloudTrail, minutes later at most, where a trail records management "
        "events; without a trail none does",
        _SOURCE,
        (
            queue("told"),
            Step(
                "sqs",
                "SetQueueAttributes",
                {
                    "QueueUrl": "<told_url>",
                    "Attributes": {
                        "Policy": policy(
                            allowed(
                                "sqs:SendMessage", Resource=_QUEUE_ARN, Principal={"Service": "events.amazonaws.com"}
                            )
                        )
                    },
                },
                until=DONE,
            ),
            *_rule("told", "secretId"),
            *_rule("first", "name"),
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
            Step("secretsmanager", "DeleteSecret", {"SecretId": named("told"), "ForceDeleteWithoutRecovery": True}),
            Step(
                "sqs",
                "ReceiveMessage",
                _RECEIVED,
                until=f"length(Messages || `[]`) >= `{len(_NAMES)}`",
                seconds=330,
                shows={"all_arrived": f"length(Messages || `[]`) >= `{len(_NAMES)}`"},
                measures="event through CloudTrail",
            ),
            Step(
                "sqs",
                "ReceiveMessage",
                _RECEIVED,
                shows={
                    "events": "sort(Messages[].join(' ', [Body.\"detail-type\", Body.detail.eventName]))",
                    "moved": "Messages[?Body.detail.eventName=='UpdateSecretVersionStage'].Body.detail."
                    "{requested: requestParameters, answered: responseElements, members: sort(keys(@))}",
                },
            ),
        ),
    ),
)
