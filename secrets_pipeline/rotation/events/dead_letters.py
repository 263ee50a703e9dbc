"""Say what lies in a dead-letter queue: how many messages, since when, and why, without a word of their bodies.

Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import GuardError
from secrets_pipeline.rotation.events.hints import HintKind, Poison
from secrets_pipeline.rotation.events.parsing import parse
from secrets_pipeline.rotation.events.queue import queue_url

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_CODE = re.compile(r"[A-Z_]{1,60}")
_LOOKED_AT = 10
"""As many as one call receives; each stays where it is."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """EventBridge could not hand an event to its target.

    Attributes:
        code: EventBridge's, for example `NO_PERMISSIONS`.
    """

    code: str

    def __str__(self) -> str:
        return f"EventBridge could not deliver it ({self.code})"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message is no event of AWS's.

    Attributes:
        reason: the parser's.
    """

    reason: str

    def __str__(self) -> str:
        return f"it {self.reason}"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An event was received as often as the settings allow, and no run could be started for it.

    Attributes:
        kind: what it is about.
    """

    kind: HintKind

    def __str__(self) -> str:
        return f"no run could be started for it ({self.kind.value})"


DeadReason: TypeAlias = Undelivered | Unreadable | Unanswered


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The messages in one dead-letter queue.

    Attributes:
        arn: of the queue.
        count: messages, about.
        since: when the oldest of those that were looked at was sent; None where none could be.
        reasons: of those that were looked at, with how many there are of each.
    """

    arn: str
    count: int
    since: datetime | None = None
    reasons: Mapping[DeadReason, int] | None = None

    @property
    def why(self) -> str:
        """Say each reason, with how often it was found."""
        return "; ".join(f"{number} times: {reason}" for reason, number in (self.reasons or {}).items())

    def __str__(self) -> str:
        since = f", since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        return f"{self.count} in {self.arn}{since}{f': {self.why}' if self.why else ''}"


def dead_letters_in(account: AwsAccount, name: str) -> DeadLetters | None:
    """Call GetQueueUrl and GetQueueAttributes, and ReceiveMessage where there are messages; None for no such queue.

    Nothing is hidden from other receivers, and a dead-letter queue counts no receipts.

    Raises:
        AwsError: if SQS refuses.
    """
    sqs = account.client("sqs")
    url = queue_url(account, name)
    if url is None:
        return None
    with calling("GetQueueAttributes", name):
        said: Mapping[str, str] = sqs.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=["QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]  # type: ignore[assignment] # a map of literals
    count = sum(int(said.get(f"ApproximateNumberOfMessages{kind}", 0)) for kind in ("", "NotVisible"))
    if not count:
        return DeadLetters(said["QueueArn"], 0)
    try:
        with calling("ReceiveMessage", name):
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=_LOOKED_AT,
                VisibilityTimeout=0,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["ERROR_CODE"],
            )
    except GuardError:
        # A read-only run counts them.
        return DeadLetters(said["QueueArn"], count)
    messages = answer.get("Messages", [])
    reasons = Counter(_reason(one) for one in messages)
    return DeadLetters(said["QueueArn"], count, min(map(_sent, messages), default=None), reasons)


def _sent(message: MessageTypeDef) -> datetime:
    return datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)


def _reason(message: MessageTypeDef) -> DeadReason:
    attributes: Mapping[str, Any] = message.get("MessageAttributes", {})
    told = attributes["ERROR_CODE"].get("StringValue") if "ERROR_CODE" in attributes else None
    if isinstance(told, str):
        return Undelivered(told if _CODE.fullmatch(told) else "of no known code")
    parsed = parse(message.get("Body", ""))
    return Unreadable(parsed.reason) if isinstance(parsed, Poison) else Unanswered(parsed.kind)
