"""Publish alerts, which a human has to read at once: to an SNS topic, to a webhook, or to both."""

from secrets_pipeline.aws.alerts.channel import Alert, Channel, NotPublished, Publication, Published
from secrets_pipeline.aws.alerts.channels import channels

__all__ = ["Alert", "Channel", "NotPublished", "Publication", "Published", "channels"]
