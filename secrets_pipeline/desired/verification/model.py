"""Define when a stack is verified."""

from __future__ import annotations

from pydantic import Field

from secrets_pipeline.desired.base import Spec
from secrets_pipeline.desired.settings.verification import MINUTES, SPREAD


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
