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
        description="Name of an environment variable of the processes that call it: Dagster's, and the command line's.",
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
    """Where alerts go beside the log, and the role to assume to publish to the topic."""

    topic_arn: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\.fifo)?$",
        description="SNS topic, in any account and region, standard or FIFO; without it, none.",
    )
    webhook: SecretUrl | None = Field(default=None, description="Webhook that takes Slack's JSON.")
    heartbeat: SecretUrl | None = Field(
        default=None,
        description=(
            "URL that is called once a minute (GET) while `secrets-pipeline health` would say that all is well, as "
            "services such as healthchecks.io expect it: they alarm when the calls stop."
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
        description="Address of the Dagster UI, as `https://dagster.example.com`, to make whole links of paths; a "
        "webhook asks for it.",
    )

    @model_validator(mode="after")
    def _whole_links(self) -> AlertSettings:
        if self.webhook is not None and self.dagster_url is None:
            problem = (
                "webhook goes with dagster_url, the address of the Dagster UI: the links of its alerts begin with it"
            )
            raise ValueError(problem)
        return self
