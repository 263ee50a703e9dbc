"""Publish alerts, which a human has to read at once, to an SNS topic (SNS Publish).

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.errors import SecretsPipelineError

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions

SUBJECT_CHARACTERS = 100
"""What SNS takes: ASCII without line breaks, a letter, digit or punctuation first."""
_TEXT_BYTES = 200_000
_NOT_SUBJECT = re.compile(r"[^\x20-\x7e]+")
_FIFO = ".fifo"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a human has to know at once; no part of it holds a value.

    Attributes:
        subject: one line.
        text: the whole story: what happened, why, and what to do.
        stack: logical stack name; empty where it is about none.
        cause: what kind of thing happened, as a word for filters, for example `run-failed`.
        about: what it happened to, for example a secret's name.
    """

    subject: str
    text: str
    stack: str
    cause: str
    about: str = ""

    @property
    def key(self) -> str:
        """Return what tells alerts apart: equal for those that say the same again."""
        return f"{self.cause}|{self.stack}|{self.about}"

    @property
    def subject_line(self) -> str:
        """Return the subject as SNS takes it."""
        line = " ".join(_NOT_SUBJECT.sub(" ", self.subject).split()) or "secrets-pipeline"
        return line if len(line) <= SUBJECT_CHARACTERS else f"{line[: SUBJECT_CHARACTERS - 3].rstrip()}..."


@dataclass(frozen=True, slots=True)
class Published:
    """SNS took the alert.

    Attributes:
        message_id: SNS's.
    """

    message_id: str


@dataclass(frozen=True, slots=True)
class NoTopic:
    """The alert was not published: the operator's settings name no topic."""


@dataclass(frozen=True, slots=True)
class NotPublished:
    """The alert was not published: the topic could not be reached, or refused."""

    error: SecretsPipelineError


Publication: TypeAlias = Published | NoTopic | NotPublished


def publish(alert: Alert, settings: AlertSettings, sessions: Sessions, *, moment: int) -> Publication:
    """Call SNS Publish once for an alert; an error is an answer, since no run may fail for its alert.

    Args:
        alert: what to say.
        settings: where.
        sessions: how AWS is reached.
        moment: seconds since 1970; a FIFO topic drops what repeats within five minutes.
    """
    arn = settings.topic_arn
    if arn is None:
        return NoTopic()
    topic = Arn.parse(arn)
    target = Target(account_id=topic.account_id, region=topic.region, role_arn=settings.role_arn)
    try:
        client = sessions.for_target(target).client("sns")
        with calling("Publish", f"to {arn}"):
            answer = client.publish(
                TopicArn=arn,
                Subject=alert.subject_line,
                Message=_shortened(alert.text),
                MessageAttributes=_attributes(alert),
                **_ordering(alert, arn, moment),
            )
    except SecretsPipelineError as error:
        return NotPublished(error)
    return Published(answer["MessageId"])


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
