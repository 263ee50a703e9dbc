"""Publish alerts to an SNS topic (SNS Publish).

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.alerts.channel import Alert, NotPublished, Publication, Published
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.base import AssumedRole, Target
from secrets_pipeline.errors import SecretsPipelineError

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions

SUBJECT_CHARACTERS = 100
"""What SNS takes: ASCII without line breaks, a letter, digit or punctuation first."""
_TEXT_BYTES = 200_000
_NOT_SUBJECT = re.compile(r"[^\x20-\x7e]+")
_FIFO = ".fifo"


class Topic:
    """Publishes to a topic, in any account and region, standard or FIFO.

    Args:
        arn: the topic's.
        role: to assume to publish there.
        sessions: how AWS is reached.
    """

    name = "sns"

    def __init__(self, arn: str, role: AssumedRole, sessions: Sessions) -> None:
        self._arn, self._role, self._sessions = arn, role, sessions

    def publish(self, alert: Alert, *, moment: int) -> Publication:
        """Call SNS Publish once; a FIFO topic drops what repeats within five minutes."""
        topic = Arn.parse(self._arn)
        target = Target(account_id=topic.account_id, region=topic.region).under(self._role)
        try:
            client = self._sessions.for_target(target).client("sns")
            with calling("Publish", f"to {self._arn}"):
                answer = client.publish(
                    TopicArn=self._arn,
                    Subject=subject_line(alert.subject),
                    Message=_shortened(alert.text),
                    MessageAttributes=_attributes(alert),
                    **_ordering(alert, self._arn, moment),
                )
        except SecretsPipelineError as error:
            return NotPublished(error)
        return Published(answer["MessageId"])


def subject_line(subject: str) -> str:
    """Write a subject as SNS takes it."""
    line = " ".join(_NOT_SUBJECT.sub(" ", subject).split()) or "secrets-pipeline"
    return line if len(line) <= SUBJECT_CHARACTERS else f"{line[: SUBJECT_CHARACTERS - 3].rstrip()}..."


def _attributes(alert: Alert) -> dict[str, Any]:
    """For filter policies of subscriptions; SNS takes no empty values."""
    said = {"stack": alert.stack, "cause": alert.cause}
    return {name: {"DataType": "String", "StringValue": value} for name, value in said.items() if value}


def _ordering(alert: Alert, arn: str, moment: int) -> dict[str, str]:
    if not arn.endswith(_FIFO):
        return {}
    digest = hashlib.sha256(f"{alert.key}|{moment}".encode()).hexdigest()
    return {"MessageGroupId": hashlib.sha256(alert.stack.encode()).hexdigest(), "MessageDeduplicationId": digest}


def _shortened(text: str) -> str:
    """SNS takes 256 KiB for message and attributes together, and no empty message."""
    data = text.encode()
    if len(data) <= _TEXT_BYTES:
        return text or "-"
    return data[:_TEXT_BYTES].decode(errors="ignore") + "\n(cut)"
