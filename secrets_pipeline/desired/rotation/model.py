"""Define rotation as a stack declares it."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from secrets_pipeline.desired.base import Late, SecretRef, Spec


class RotationStrategy(StrEnum):
    """How a rotation function makes and sets the new value; AWS's names for its strategies, and one of our own.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html
    """

    SINGLE_USER = "single-user"
    ALTERNATING_USERS = "alternating-users"
    RANDOM = "random"


class RotationSpec(Spec):
    """Rotation as RotateSecret takes it.

    Attributes:
        lambda_arn: the rotation function; None where the stack's managed function does it.
        strategy: what the function does, known where it is managed or where the stack says it.
        superuser_secret: whose user sets the password, for alternating users.
        json_key: the key of a JSON value that gets a new random value; None for a plain text, and with a database.
        automatically_after_days: 1 to 1000, or None with `schedule_expression`.
        schedule_expression: `rate(…)` or `cron(…)`.
        duration: hours of the window, for example `3h`.
        rotate_immediately: whether switching it on also rotates at once.
    """

    lambda_arn: Late | None = None
    managed: bool = False
    strategy: RotationStrategy | None = None
    superuser_secret: SecretRef | None = None
    json_key: str | None = None
    automatically_after_days: int | None = None
    schedule_expression: str | None = None
    duration: str | None = None
    rotate_immediately: bool = False

    @model_validator(mode="after")
    def _one_function(self) -> Self:
        if self.managed == (self.lambda_arn is not None):
            raise ValueError("rotation is managed, or names a function")
        return self


class RotationFunctionSpec(Spec):
    """The function that the pipeline deploys for a stack whose secrets ask for managed rotation.

    Attributes:
        name: of the function and of its role.
        subnet_ids: subnets that it runs in; empty for none, so outside of a VPC.
        security_group_ids: its security groups there.
        log_retention_in_days: how long its log is kept.
    """

    name: str
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    log_retention_in_days: int = 30
