"""Publish alerts, which a human has to read at once: to an SNS topic, to a webhook, or to both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.aws.alerts.channel import Alert, Channel, NotPublished, Publication, Published
from secrets_pipeline.aws.alerts.topic import Topic
from secrets_pipeline.aws.alerts.webhook import Webhook
from secrets_pipeline.desired.settings.alerts import AlertSettings

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions

__all__ = ["Alert", "Channel", "NotPublished", "Publication", "Published", "channels"]


def channels(settings: AlertSettings, sessions: Sessions) -> tuple[Channel, ...]:
    """Make a channel for each that the operator's settings name; none where alerts are only logged."""
    found: list[Channel] = []
    if settings.topic_arn is not None:
        found.append(Topic(settings.topic_arn, settings, sessions))
    if settings.webhook is not None:
        found.append(Webhook(settings.webhook, sessions))
    return tuple(found)
