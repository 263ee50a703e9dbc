"""Define where alerts go: a part of the operator's settings."""

from __future__ import annotations

from pydantic import Field

from secrets_pipeline.desired.base import Spec


class AlertSettings(Spec):
    """Where alerts go beside the log.

    Attributes:
        topic_arn: SNS topic, in any account and region, standard or FIFO; None for the log alone.
        role_arn: role to assume to publish there; None for the pipeline's own credentials.
        repeat_after_minutes: an alert that says the same again is published after so long; the log has each one.
        dagster_url: of the Dagster UI, for example `https://dagster.example.com`, to make whole links of paths.
    """

    topic_arn: str | None = Field(default=None, pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?$")
    role_arn: str | None = None
    repeat_after_minutes: int = Field(default=60, ge=1, le=10_080)
    dagster_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
