"""Define a belief, and the parts of which its steps are made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from secrets_pipeline.operations.experiment.contract import Step, Template
from secrets_pipeline.operations.experiment.names import ZIPPED
from secrets_pipeline.operations.experiment.removal import POLICY, PREFIX, TARGET

DONE: Final = "`true`"
"""`Step.until` of what has no answer, or any."""
NOWHERE: Final = "00000000-0000-0000-0000-000000000000"
"""The id of a KMS key that does not exist."""
PENDING: Final = "contains(values(VersionIdsToStages)[], 'AWSPENDING')"
LABELS: Final = "sort(values(VersionIdsToStages)[])"
ROLE_ARN: Final = "<arn>:iam::<account>:role/"


@dataclass(frozen=True, slots=True)
class Belief:
    """Something that this project takes for true of AWS.

    Attributes:
        id: of the belief, for good: files of two dates are compared by it.
        believed: in one sentence.
        source: who says so.
        steps: requests that show it.
        needs: what the operator has to allow for it besides: `database` or `replica`; empty for nothing.
    """

    id: str
    believed: str
    source: str
    steps: tuple[Step, ...]
    needs: str = ""


def named(what: str) -> str:
    """Return the name of something of this run."""
    return f"{PREFIX}<run>-{what}"


def policy(*statements: Mapping[str, Any]) -> str:
    """Return a policy document, or a trust policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allowed(action: str | list[str], **more: Template) -> dict[str, Any]:
    """Return a statement that allows."""
    return {"Effect": "Allow", "Action": action, **more}


def role(what: str, *services: str) -> Step:
    """CreateRole: one that services may assume."""
    trust = allowed("sts:AssumeRole", Principal={"Service": list(services)})
    return Step("iam", "CreateRole", {"RoleName": named(what), "AssumeRolePolicyDocument": policy(trust)})


def role_policy(what: str, *actions: str) -> Step:
    """PutRolePolicy: allow actions on everything of experiments."""
    own = f"<arn>:secretsmanager:<region>:<account>:secret:{PREFIX}<run>-*"
    return Step(
        "iam",
        "PutRolePolicy",
        {
            "RoleName": named(what),
            "PolicyName": POLICY,
            "PolicyDocument": policy(allowed(list(actions), Resource=own)),
        },
        until=DONE,
    )


def function(what: str, text: str, *, measures: str = "") -> Step:
    """CreateFunction: of the role of the same name, as soon as that may be assumed."""
    return Step(
        "lambda",
        "CreateFunction",
        {
            "FunctionName": named(what),
            "Role": f"{ROLE_ARN}{named(what)}",
            "Runtime": "python3.13",
            "Handler": "code.handler",
            "Timeout": 30,
            "Code": {"ZipFile": {ZIPPED: {"code.py": text}}},
        },
        until="FunctionArn",
        shows={"state": "State"},
        measures=measures,
    )


def active(what: str, *, measures: str = "") -> Step:
    """GetFunctionConfiguration, until the function may be invoked."""
    return Step(
        "lambda",
        "GetFunctionConfiguration",
        {"FunctionName": named(what)},
        until="State != 'Pending' && LastUpdateStatus != 'InProgress'",
        shows={"state": "State", "update": "LastUpdateStatus", "why": "StateReasonCode"},
        measures=measures,
    )


def permission(what: str) -> Step:
    """AddPermission: let Secrets Manager invoke a function."""
    return Step(
        "lambda",
        "AddPermission",
        {
            "FunctionName": named(what),
            "StatementId": "doctor",
            "Action": "lambda:InvokeFunction",
            "Principal": "secretsmanager.amazonaws.com",
            "SourceAccount": "<account>",
        },
        until="Statement",
    )


def secret(what: str) -> Step:
    """CreateSecret: with a value that stands for nothing; its ARN is kept as `WHAT_arn`."""
    return Step(
        "secretsmanager",
        "CreateSecret",
        {"Name": named(what), "SecretString": "<value>"},
        keeps={f"{what}_arn": "ARN", f"{what}_version": "VersionId"},
    )


def described(what: str, *, until: str = DONE, seconds: float = 120.0, measures: str = "", **shows: str) -> Step:
    """DescribeSecret, by name."""
    return Step(
        "secretsmanager",
        "DescribeSecret",
        {"SecretId": named(what)},
        until=until,
        seconds=seconds,
        shows=shows,
        measures=measures,
    )


def key(what: str, **more: Template) -> Step:
    """CreateKey: its id is kept as `WHAT`."""
    return Step("kms", "CreateKey", {"Description": named(what), **more}, keeps={what: "KeyMetadata.KeyId"})


def told(what: str, source: str, detail: Mapping[str, Template], *, queue: str) -> tuple[Step, ...]:
    """PutRule and PutTargets: send events of a service to a queue.

    Args:
        what: name of the rule.
        source: of the events, for example `aws.kms`.
        detail: what their detail has; it names things of this run, so that nobody else's events come.
        queue: whose policy lets EventBridge in.
    """
    pattern = json.dumps({"source": [source], "detail": detail})
    arn = f"<arn>:sqs:<region>:<account>:{named(queue)}"
    return (
        Step("events", "PutRule", {"Name": named(what), "EventPattern": pattern}),
        Step("events", "PutTargets", {"Rule": named(what), "Targets": [{"Id": TARGET, "Arn": arn}]}, until=DONE),
    )


def listening(what: str) -> tuple[Step, ...]:
    """CreateQueue and SetQueueAttributes: a queue that EventBridge may send to, from this account alone."""
    statement = allowed(
        "sqs:SendMessage",
        Resource=f"<arn>:sqs:<region>:<account>:{named(what)}",
        Principal={"Service": "events.amazonaws.com"},
        Condition={"StringEquals": {"aws:SourceAccount": "<account>"}},
    )
    attributes = {"Policy": policy(statement)}
    return (
        queue(what),
        Step("sqs", "SetQueueAttributes", {"QueueUrl": f"<{what}_url>", "Attributes": attributes}, until=DONE),
    )


def received(what: str, count: int, **shows: str) -> tuple[Step, Step]:
    """ReceiveMessage: wait for a number of messages, and then note what they say.

    Each is received again and again, so that one answer shows all that have come.
    """
    params = {
        "QueueUrl": f"<{what}_url>",
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": 0,
        "WaitTimeSeconds": 1,
    }
    come = f"length(Messages || `[]`) >= `{count}`"
    measures = "event through CloudTrail"
    return (
        Step("sqs", "ReceiveMessage", params, come, 330, {"all_arrived": come}, measures=measures),
        Step("sqs", "ReceiveMessage", params, shows=shows),
    )


def queue(what: str, **attributes: str) -> Step:
    """CreateQueue: its URL is kept as `WHAT_url`."""
    return Step(
        "sqs",
        "CreateQueue",
        {"QueueName": named(what), **({"Attributes": attributes} if attributes else {})},
        until="QueueUrl",
        keeps={f"{what}_url": "QueueUrl"},
    )
