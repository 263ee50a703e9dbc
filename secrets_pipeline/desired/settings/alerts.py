"""Define where alerts go: a part of the operator's settings."""

from __future__ import annotations

from pydantic import Field, model_validator

from secrets_pipeline.desired.base import AssumedRole


class WebhookSettings(AssumedRole):
    """Where the URL of a webhook is, which is a secret; one of the three, and never the URL itself.

    The role is assumed to read it.
    """

    environment: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Name of an environment variable of the processes that alert: Dagster's, and the command line's.",
    )
    secret_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$",
        description="Secret of Secrets Manager that is the URL and nothing else.",
    )
    parameter_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9/_.-]+$",
        description="Parameter of Parameter Store, a SecureString, that is the URL.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> WebhookSettings:
        places = (self.environment, self.secret_arn, self.parameter_arn)
        if sum(place is not None for place in places) != 1:
            problem = "name one place of the URL: environment, secret_arn or parameter_arn"
            raise ValueError(problem)
        return self

    def __str__(self) -> str:
        if self.environment is not None:
            return f"environment variable {self.environment}"
        return self.secret_arn or self.parameter_arn or ""


class AlertSettings(AssumedRole):
    """Where alerts go beside the log, and the role to assume to publish to the topic."""

    topic_arn: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\.fifo)?$",
        description="SNS topic, in any account and region, standard or FIFO; without it, none.",
    )
    webhook: WebhookSettings | None = Field(default=None, description="Webhook that takes Slack's JSON.")
    repeat_after_minutes: int = Field(
        default=60,
        ge=1,
        le=10_080,
        description="An alert that says the same again is published after so long; the log has each one.",
    )
    dagster_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Address of the Dagster UI, as `https://dagster.example.com`, to make whole links of paths.",
    )
