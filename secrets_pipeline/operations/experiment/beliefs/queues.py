"""Beliefs about SQS and EventBridge: when a queue is visible, and how policies come back."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import DONE, Belief, allowed, named, policy, queue
from secrets_pipeline.operations.experiment.contract import Step

_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
_EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html"
_LAST = "CreateQueue to the queue"


def _arn(what: str) -> str:
    return f"<arn>:sqs:<region>:<account>:{named(what)}"


def _set(what: str, **attributes: str) -> Step:
    return Step(
        "sqs", "SetQueueAttributes", {"QueueUrl": f"<{what}_url>", "Attributes": attributes}, until=DONE, measures=_LAST
    )


def _attributes(what: str, **shows: str) -> Step:
    return Step(
        "sqs",
        "GetQueueAttributes",
        {"QueueUrl": f"<{what}_url>", "AttributeNames": ["All"]},
        until="Attributes",
        shows=shows,
    )


_SENDERS = policy(
    allowed(
        ["sqs:SendMessage"],
        Resource=_arn("dead"),
        Principal={"Service": ["events.amazonaws.com"]},
        Condition={"StringEquals": {"aws:SourceAccount": ["<account>"]}},
    )
)
_PUTTERS = allowed(
    ["events:PutEvents"],
    Sid="doctor",
    Resource=f"<arn>:events:<region>:<account>:event-bus/{named('bus')}",
    Principal={"AWS": "<account>"},
)

BELIEFS = (
    Belief(
        "new-queue",
        "GetQueueUrl and a RedrivePolicy may not know a queue that was just made",
        f"{_SQS}API_CreateQueue.html",
        (
            queue("dead"),
            Step("sqs", "GetQueueUrl", {"QueueName": named("dead")}, until="QueueUrl", measures=_LAST),
            queue("last", RedrivePolicy=f'{{"deadLetterTargetArn": "{_arn("dead")}", "maxReceiveCount": "3"}}'),
            _set("dead", Policy=_SENDERS),
            _attributes("dead", statements="Attributes.Policy.Statement"),
            _set("dead", KmsMasterKeyId="alias/aws/sqs"),
            _set("dead", SqsManagedSseEnabled="true", KmsMasterKeyId=""),
            _attributes("dead", key="Attributes.KmsMasterKeyId", own="Attributes.SqsManagedSseEnabled"),
        ),
    ),
    Belief(
        "deleted-queue",
        "CreateQueue refuses the name of a queue for 60 seconds after it was deleted",
        f"{_SQS}API_DeleteQueue.html",
        (
            queue("again"),
            Step("sqs", "GetQueueUrl", {"QueueName": named("again")}, until="QueueUrl"),
            Step("sqs", "DeleteQueue", {"QueueUrl": "<again_url>"}),
            Step(
                "sqs",
                "CreateQueue",
                {"QueueName": named("again")},
                until="QueueUrl",
                measures="DeleteQueue to CreateQueue",
            ),
        ),
    ),
    Belief(
        "bus-policy",
        "DescribeEventBus gives the bus's policy back with lists of one as texts, and an account as its root's ARN",
        _EVENTS,
        (
            Step("events", "CreateEventBus", {"Name": named("bus")}),
            Step("events", "PutPermission", {"EventBusName": named("bus"), "Policy": policy(_PUTTERS)}, until=DONE),
            Step(
                "events",
                "DescribeEventBus",
                {"Name": named("bus")},
                until="Policy",
                shows={"statements": "Policy.Statement"},
            ),
        ),
    ),
)
