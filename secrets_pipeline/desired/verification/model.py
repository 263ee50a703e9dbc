"""Define when a stack is verified."""

from __future__ import annotations

from pydantic import Field

from secrets_pipeline.desired.base import Spec


class VerificationSpec(Spec):
    """When a stack is verified."""

    cron: str = Field(
        default="0 6 * * *",
        description="When the stack is verified, as five fields of cron: at a time of its own within the two hours "
        "after it.",
    )
    timezone: str = Field(
        default="UTC", description="IANA name of the time zone of `cron`.", examples=["Europe/London"]
    )
