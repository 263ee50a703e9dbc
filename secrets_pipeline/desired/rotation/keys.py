"""List what a secret may say of its rotation: the nested `rotation` map, and tf-atmos's flat keys.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from secrets_pipeline.desired.base import ManifestMap, unlisted
from secrets_pipeline.desired.limits import ROTATION_DAYS
from secrets_pipeline.desired.rotation.model import RotationStrategy

_LEAST, _MOST = ROTATION_DAYS
_FUNCTION: Final = "ARN of your own rotation function, for example `!terraform.state lambda/rotation function_arn`."
_DAYS: Final = "Days between two rotations; instead of a schedule."
_SCHEDULE: Final = "`rate(10 days)` or `cron(0 8 ? * MON *)`, as Secrets Manager takes it; instead of days."
_DURATION: Final = "Length of the rotation window in hours, `1h` to `24h`."
_SWITCH: Final = "Whether the named function rotates the secret."


class RotationEntry(ManifestMap):
    """How a secret rotates."""

    managed: bool = Field(
        default=False,
        description="`true` for the rotation function that the pipeline deploys; instead of `lambda_arn`.",
    )
    lambda_arn: str | None = Field(default=None, description=f"{_FUNCTION} Instead of `managed: true`.")
    strategy: RotationStrategy | None = Field(
        default=None,
        description=(
            "What the function does: `single-user` changes the user's password, `alternating-users` "
            "lets two users take turns, `random` makes a new value. By default the one that fits the "
            "value."
        ),
    )
    superuser_secret: str | None = Field(
        default=None,
        description="`KEY` or `COMPONENT.KEY` of the secret whose user sets the password, for `alternating-users`.",
    )
    json_key: str | None = Field(default=None, description="Key of a JSON value that `random` replaces.")
    automatically_after_days: int | None = Field(
        default=None, ge=_LEAST, le=_MOST, description=f"{_DAYS} By default `default_rotation_days`."
    )
    schedule_expression: str | None = Field(default=None, description=_SCHEDULE)
    duration: str | None = Field(default=None, description=_DURATION)
    rotate_immediately: bool = Field(
        default=False, description="`true` rotates as soon as rotation is switched on; by default the schedule decides."
    )


class FlatRotation(ManifestMap):
    """How a secret rotates, in the keys of tf-atmos's component; instead of the `rotation` map."""

    rotation_lambda_arn: str | None = Field(default=None, description=_FUNCTION)
    rotation_automatically: bool | None = Field(
        default=None, description=f"{_SWITCH} By default `default_rotation_automatically`, or `true` beside days."
    )
    enable_rotation: bool | None = unlisted("Same as `rotation_automatically`.")
    rotation_enabled: bool | None = unlisted("Same as `rotation_automatically`.")
    rotation_automatically_after_days: int | None = Field(default=None, ge=_LEAST, le=_MOST, description=_DAYS)
    rotation_days: int | None = unlisted("Same as `rotation_automatically_after_days`.", ge=_LEAST, le=_MOST)
    rotation_schedule_expression: str | None = Field(default=None, description=_SCHEDULE)
    rotation_duration: str | None = Field(default=None, description=_DURATION)
    rotation_managed_externally: bool = Field(
        default=False,
        description=("`true` if somebody else rotates the secret. The pipeline then ignores its other rotation keys."),
    )
    rotate_immediately: bool = Field(
        default=False, description="`true` rotates as soon as rotation is switched on; by default the schedule decides."
    )


class RotationFunctionEntry(ManifestMap):
    """The function that the pipeline deploys for a stack whose secrets have `rotation: {managed: true}`."""

    name: str | None = Field(
        default=None,
        description="Name of the function and of its role, up to 64 characters; by default "
        "`secrets-pipeline-rotation-<stack>`.",
    )
    subnet_ids: list[str] | None = Field(
        default=None, description="Subnets that it runs in, up to 16; by default none, so outside of a VPC."
    )
    security_group_ids: list[str] | None = Field(
        default=None, description="Its security groups there, up to 5. Required beside `subnet_ids`."
    )
    log_retention_in_days: int = Field(
        default=30, ge=1, description="How long its log is kept, in one of the periods that CloudWatch Logs takes."
    )


FLAT_KEYS: Final = tuple(FlatRotation.model_fields)
