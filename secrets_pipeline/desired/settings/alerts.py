"""Define where alerts go: a part of the operator's settings."""

from __future__ import annotations

from pydantic import Field, model_validator

from secrets_pipeline.desired.base import AssumedRole


class SecretUrl(AssumedRole):
    """Where a URL is that is a secret; one of the three, and never the URL itself.

    The role is assumed to read it.
    """

    environment: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the URL, for Dagster's processes and for the command line.",
    )
    secret_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$",
        description="Secret in Secrets Manager whose whole value is the URL.",
    )
    parameter_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9/_.-]+$",
        description="SecureString in Parameter Store whose whole value is the URL.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> SecretUrl:
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
    """Where alerts go besides the log. The pipeline assumes the role to publish to the topic."""

    topic_arn: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\.fifo)?$",
        description="SNS topic that alerts go to, standard or FIFO, in any account and region.",
    )
    webhook: SecretUrl | None = Field(default=None, description="Webhook that takes Slack's JSON.")
    heartbeat: SecretUrl | None = Field(
        default=None,
        description=(
            "URL that the pipeline calls (GET) once a minute while all is well. A service such as "
            "healthchecks.io alarms when the calls stop."
        ),
    )
    verified_within_hours: int = Field(
        default=26,
        ge=1,
        le=8_760,
        description="`health` and the heartbeat call a stack overdue if its last complete verification is older. Raise "
        "it if `verification.cron` comes less often than once a day.",
    )
    dagster_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description=(
            "Address of the Dagster UI, such as `https://dagster.example.com`: links in alerts begin "
            "with it. Required beside `webhook`."
        ),
    )

    @model_validator(mode="after")
    def _whole_links(self) -> AlertSettings:
        if self.webhook is not None and self.dagster_url is None:
            problem = (
                "webhook goes with dagster_url, the address of the Dagster UI: the links of its alerts begin with it"
            )
            raise ValueError(problem)
        return self
