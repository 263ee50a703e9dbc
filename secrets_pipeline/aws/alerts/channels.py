"""Make the channels that the operator's settings name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secrets_pipeline.aws.alerts.channel import Channel
from secrets_pipeline.aws.alerts.topic import Topic
from secrets_pipeline.aws.alerts.webhook import Webhook
from secrets_pipeline.desired.settings.alerts import AlertSettings

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions


def channels(settings: AlertSettings, sessions: Sessions) -> tuple[Channel, ...]:
    """Make a channel for each that is named; none where alerts are only logged."""
    return tuple(_named(settings, sessions))


def _named(settings: AlertSettings, sessions: Sessions) -> Iterator[Channel]:
    if settings.topic_arn is not None:
        yield Topic(settings.topic_arn, settings, sessions)
    if settings.webhook is not None:
        yield Webhook(settings.webhook, sessions)
