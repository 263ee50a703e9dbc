"""Queues of the embedded AWS that hold many messages."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import Message, SQSBackend

from secrets_pipeline.emulator import LocalAws, Pace, reset_conditions, services, set_pace, settle
from tests.embedded import lead_to
from tests.waiting import eventually

COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)

Client = Any
"""Of SQS; the stubs list the names of attributes."""


@pytest.fixture
def sqs(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Client:
    lead_to(aws, monkeypatch)
    return boto3.client("sqs")


def _watch(patch: pytest.MonkeyPatch, name: str, looked: list[Message]) -> None:
    """Note each message at whose property somebody looks."""
    kept: property = getattr(Message, name)

    def get(message: Message) -> object:
        looked.append(message)
        return kept.__get__(message)

    patch.setattr(Message, name, property(get))


def test_to_send_looks_at_no_message_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    services.install("sqs")
    backend: Any = SQSBackend("eu-west-2", "111122223333")
    backend.create_queue("full", region="eu-west-2")
    for number in range(50):
        backend.send_message("full", str(number))
    looked: list[Message] = []
    _watch(monkeypatch, "visible", looked)
    _watch(monkeypatch, "delayed", looked)
    backend.send_message("full", "one more")
    backend.send_message_batch(
        "full", {"a": {"Id": "a", "MessageBody": "b", "MessageAttributes": {}, "DelaySeconds": None}}
    )
    assert not looked
    assert backend.get_queue_attributes("full", ["All"])[COUNTS[0]] == 52
    assert len(looked) > 52


def test_messages_are_counted_where_that_is_asked_for(sqs: Client) -> None:
    url = sqs.create_queue(QueueName="counted")["QueueUrl"]
    for body in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=900)
    counts = dict(zip(COUNTS, ("2", "1", "1"), strict=True))
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))["Attributes"] == counts
    one = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[COUNTS[1], "DelaySeconds"])["Attributes"]
    assert one == {COUNTS[1]: "1", "DelaySeconds": "0"}
    whole = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert {name: whole[name] for name in COUNTS} == counts
    assert whole["VisibilityTimeout"] == "30"
    assert sqs.get_queue_attributes(QueueUrl=url).get("Attributes") is None


def test_a_policy_comes_back_normalised(sqs: Client) -> None:
    statement = {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage"],
        "Resource": ["*"],
        "Principal": {"AWS": ["111122223333"]},
    }
    condition = {"ArnLike": {"aws:SourceArn": ["arn:aws:sns:*:*:a"]}, "StringEquals": {"aws:SourceAccount": ["1", "2"]}}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    url = sqs.create_queue(QueueName="normalised", Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(shown)["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Condition": {
                "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:a"},
                "StringEquals": {"aws:SourceAccount": ["1", "2"]},
            },
        }
    ]


@pytest.mark.parametrize("name", ["Unknown", ""])
def test_an_attribute_that_no_queue_has_is_refused_beside_a_count(sqs: Client, name: str) -> None:
    url = sqs.create_queue(QueueName="asked")["QueueUrl"]
    with pytest.raises(ClientError, match="InvalidAttributeName"):
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[COUNTS[0], name])


def test_a_fifo_queue_deduplicates_by_content(sqs: Client) -> None:
    url = sqs.create_queue(
        QueueName="once.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )["QueueUrl"]
    for body in ("same", "same", "other"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    whole = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (whole[COUNTS[0]], whole["ContentBasedDeduplication"]) == ("2", "true")


def _queues(sqs: Client, name: str) -> tuple[str, str, str, str]:
    """URLs and ARNs of a queue and its dead-letter queue."""

    def arn(url: str) -> str:
        return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])

    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    return url, dead, arn(url), arn(dead)


def _tasks(sqs: Client, arn: str, **more: int) -> list[Any]:
    found: list[Any] = sqs.list_message_move_tasks(SourceArn=arn, **more)["Results"]
    return found


def test_a_move_task_brings_dead_letters_back_as_new_messages_and_tells_how_many(sqs: Client, aws: LocalAws) -> None:
    url, dead, arn, dead_arn = _queues(sqs, "moving")
    told = {"CODE": {"DataType": "String", "StringValue": "x"}}
    sent = {sqs.send_message(QueueUrl=dead, MessageBody=str(n), MessageAttributes=told)["MessageId"] for n in range(3)}
    assert _tasks(sqs, dead_arn) == []
    assert sqs.start_message_move_task(SourceArn=dead_arn, DestinationArn=arn)["TaskHandle"]
    settle(aws)
    [task] = _tasks(sqs, dead_arn)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]) == (
        "COMPLETED",
        3,
        3,
    )
    assert (task["SourceArn"], task["DestinationArn"], "TaskHandle" in task) == (dead_arn, arn, False)
    moved = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    assert sorted(one["Body"] for one in moved) == ["0", "1", "2"]
    assert {one["MessageId"] for one in moved}.isdisjoint(sent)
    assert moved[0]["MessageAttributes"]["CODE"]["StringValue"] == "x"
    assert "Messages" not in sqs.receive_message(QueueUrl=dead)
    sqs.start_message_move_task(SourceArn=dead_arn)
    settle(aws)
    assert len(_tasks(sqs, dead_arn, MaxResults=10)) == 2
    assert _tasks(sqs, dead_arn)[0]["ApproximateNumberOfMessagesToMove"] == 0


def test_a_second_task_is_refused_while_one_runs_which_fails_if_its_destination_goes(
    sqs: Client, aws: LocalAws
) -> None:
    # As recorded by LocalStack's tests/aws/services/sqs/test_sqs_move_task.py::test_start_multiple_move_tasks and
    # ::test_move_task_delete_destination_queue_while_running, validated on AWS.
    url, dead, arn, dead_arn = _queues(sqs, "slowly")
    sqs.send_message(QueueUrl=dead, MessageBody="x")
    set_pace(aws, Pace(seconds={"message move task RUNNING": 3600.0}))
    try:
        handle = sqs.start_message_move_task(SourceArn=dead_arn, DestinationArn=arn)["TaskHandle"]
        assert [(one["Status"], one["TaskHandle"]) for one in _tasks(sqs, dead_arn)] == [("RUNNING", handle)]
        with pytest.raises(ClientError) as refused:
            sqs.start_message_move_task(SourceArn=dead_arn, DestinationArn=arn)
        error = refused.value.response["Error"]
        assert (error["Code"], error["Message"].partition(".")[0]) == (
            "InvalidParameterValue",
            "There is already a task running",
        )
        sqs.delete_queue(QueueUrl=url)
    finally:
        reset_conditions(aws)
    eventually(lambda: _tasks(sqs, dead_arn)[0]["Status"] == "FAILED")
    assert _tasks(sqs, dead_arn)[0]["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_only_the_dead_letter_queue_of_a_queue_is_moved_from_and_to_a_queue_that_exists(sqs: Client) -> None:
    url, _, arn, dead_arn = _queues(sqs, "refusing")
    refusals = {
        "InvalidParameterValue": {"SourceArn": arn},
        "ResourceNotFoundException": {"SourceArn": f"{arn}-gone"},
    }
    for code, asked in refusals.items():
        with pytest.raises(ClientError) as refused:
            sqs.start_message_move_task(**asked)
        assert refused.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError, match="DestinationArn"):
        sqs.start_message_move_task(SourceArn=dead_arn, DestinationArn=f"{arn}-gone")
    with pytest.raises(ClientError, match="SourceArn"):
        sqs.list_message_move_tasks(SourceArn=f"{arn}-gone")
    assert url
