"""Queues of the embedded AWS that hold many messages."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import Message, SQSBackend

from secrets_pipeline.emulator import LocalAws, services
from tests.embedded import lead_to

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
