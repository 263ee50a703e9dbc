"""Define when a stack is verified, and what is taken for a rotation that goes on."""

from __future__ import annotations

from secrets_pipeline.desired.base import Spec


class VerificationSpec(Spec):
    """When a stack is verified, and what is taken for a rotation that goes on.

    Attributes:
        cron: five fields, as cron has them.
        timezone: IANA name.
        spread_minutes: each stack has a share of so many minutes behind that moment, always the same one, so that a
            thousand stacks do not begin at once; 0 for none.
        rotation_may_take_minutes: an AWSPENDING version that is older is stuck.
    """

    cron: str = "0 6 * * *"
    timezone: str = "UTC"
    spread_minutes: int = 120
    rotation_may_take_minutes: int = 15
