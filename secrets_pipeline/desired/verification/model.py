"""Define when a stack is verified, and what Security Hub's controls for Secrets Manager ask of its secrets.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from secrets_pipeline.desired.base import Spec
from secrets_pipeline.desired.settings.verification import MINUTES, SPREAD

CONTROL_IDS: Final = tuple(f"SecretsManager.{number}" for number in range(1, 6))


class VerificationSpec(Spec):
    """When a stack is verified, and what is taken for a rotation that goes on."""

    cron: str = Field(default="0 6 * * *", description="When: five fields, as cron has them.")
    timezone: str = Field(
        default="UTC", description="IANA name of the time zone of `cron`.", examples=["Europe/London"]
    )
    spread_minutes: int = Field(
        default=120,
        ge=SPREAD[0],
        le=SPREAD[1],
        description="Each stack has a share of so many minutes behind that moment, always the same one, so that a "
        "thousand stacks do not begin at once; 0 for none.",
    )
    rotation_may_take_minutes: int = Field(
        default=15, ge=MINUTES[0], le=MINUTES[1], description="An `AWSPENDING` version that is older is stuck."
    )


class ControlParameters(Spec):
    """Parameters of Security Hub's controls for the secrets of one component, by default those of Security Hub."""

    maximum_allowed_rotation_frequency: int | None = Field(
        default=None,
        ge=1,
        le=365,
        description="Of SecretsManager.1: longest time between two rotations in days; without it, no limit.",
    )
    unused_for_days: int = Field(
        default=90, ge=1, le=365, description="Of SecretsManager.3: days without a read that a secret may have."
    )
    max_days_since_rotation: int = Field(
        default=90, ge=1, le=180, description="Of SecretsManager.4: days without a rotation that a secret may have."
    )
    required_tag_keys: tuple[str, ...] = Field(
        default=(),
        description="Of SecretsManager.5: up to 6 keys of tags, case-sensitive; without them, any tag will do.",
    )
    disabled_controls: tuple[str, ...] = Field(
        default=(), description="Ids of controls that are not judged.", examples=[["SecretsManager.3"]]
    )
