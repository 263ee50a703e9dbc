"""Receive, hide and delete events by ReceiveMessage, ChangeMessageVisibilityBatch and DeleteMessageBatch of SQS.

Nothing is deleted by receiving.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeFilterType
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_BATCH = 10
"""Messages that one call receives or deletes at most."""

MAX_RECEIVES: Final = 60
"""How often a message is received before SQS moves it to the dead-letter queue (`maxReceiveCount`).

A message whose stack has a run under way, or that may be of a stack with errors, is looked at once a minute.
"""

_WAIT_SECONDS = 1
"""A receive that waits asks all of SQS's servers, one that does not asks some."""


@dataclass(frozen=True, slots=True)
class Message:
    """A received message.

    Attributes:
        message_id: SQS's id of the message.
        handle: names this receipt of it.
        receives: how often it has been received, this time included.
        sent: when SQS got it.
    """

    message_id: str
    handle: str
    body: str
    receives: int
    sent: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How full a queue is, about.

    Attributes:
        messages: that can be received.
        in_flight: that were received a moment ago.
    """

    messages: int
    in_flight: int

    def __str__(self) -> str:
        return f"{self.messages} waiting, {self.in_flight} in flight"


class EventQueue:
    """One queue that exists.

    Args:
        sqs: client of its account and region.
        url: its URL.
    """

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs = sqs
        self._url = url

    @classmethod
    def find(cls, account: AwsAccount, name: str) -> EventQueue | None:
        """The queue of that name; None where there is none. One call.

        Raises:
            AwsError: if SQS refuses.
        """
        url = queue_url(account, name)
        return None if url is None else cls(account.client("sqs"), url)

    def arn(self) -> str:
        """Call GetQueueAttributes for its ARN.

        Raises:
            AwsError: if SQS refuses.
        """
        return self._attributes("QueueArn")["QueueArn"]

    def depth(self) -> QueueDepth:
        """Call GetQueueAttributes for how many messages there are.

        Raises:
            AwsError: if SQS refuses.
        """
        found = self._attributes("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return QueueDepth(*map(int, found.values()))

    def tags(self) -> Mapping[str, str]:
        """Call ListQueueTags.

        Raises:
            AwsError: if SQS refuses.
        """
        with calling("ListQueueTags", self._url):
            return self._sqs.list_queue_tags(QueueUrl=self._url).get("Tags", {})

    def _attributes(self, *names: QueueAttributeFilterType) -> dict[str, str]:
        """Some attributes, in this order."""
        with calling("GetQueueAttributes", self._url):
            answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        found: Mapping[str, str] = dict(answer["Attributes"].items())
        return {name: found[name] for name in names}

    def receive(
        self, most: int, *, hidden_for: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> list[Message]:
        """Messages, each hidden from other receivers for a while and not deleted.

        Args:
            most: how many at most.
            hidden_for: seconds after which those that were not deleted can be received again.
            seconds: after which no further call is begun.
            clock: seconds from any origin.

        Raises:
            AwsError: if SQS refuses.
        """
        until, found = clock() + seconds, dict[str, Message]()
        while len(found) < most and clock() < until:
            with calling("ReceiveMessage", self._url):
                answer = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(_BATCH, most - len(found)),
                    VisibilityTimeout=hidden_for,
                    WaitTimeSeconds=0 if found else _WAIT_SECONDS,
                    MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
                )
            known = len(found)
            for one in answer.get("Messages", []):
                message = _message(one)
                first = found.get(message.message_id, message)
                found[message.message_id] = replace(message, receives=first.receives)
            if len(found) == known:
                break
        return list(found.values())

    def send(self, body: str) -> None:
        """Call SendMessage.

        Raises:
            AwsError: if SQS refuses.
        """
        with calling("SendMessage", self._url):
            self._sqs.send_message(QueueUrl=self._url, MessageBody=body)

    def hide(self, messages: Sequence[tuple[Message, int]]) -> None:
        """Hide received messages for some seconds each (ChangeMessageVisibilityBatch): none is received in vain.

        Raises:
            AwsError: if SQS refuses.
        """
        for start in range(0, len(messages), _BATCH):
            some = messages[start : start + _BATCH]
            with calling("ChangeMessageVisibilityBatch", self._url):
                self._sqs.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": one.handle, "VisibilityTimeout": seconds}
                        for number, (one, seconds) in enumerate(some)
                    ],
                )

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete received messages; one that could not be deleted is received again.

        Raises:
            AwsError: if SQS refuses.
        """
        for start in range(0, len(messages), _BATCH):
            some = messages[start : start + _BATCH]
            with calling("DeleteMessageBatch", self._url):
                self._sqs.delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[{"Id": str(number), "ReceiptHandle": one.handle} for number, one in enumerate(some)],
                )


def queue_url(account: AwsAccount, name: str) -> str | None:
    """Call GetQueueUrl; None where there is no such queue.

    Raises:
        AwsError: if SQS refuses.
    """
    sqs = account.client("sqs")
    with calling("GetQueueUrl", name):
        try:
            return sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist:
            return None


def _message(said: MessageTypeDef) -> Message:
    attributes = said.get("Attributes", {})
    sent = attributes.get("SentTimestamp")
    return Message(
        said["MessageId"],
        said["ReceiptHandle"],
        said.get("Body", ""),
        int(attributes.get("ApproximateReceiveCount", "1")),
        datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
    )
