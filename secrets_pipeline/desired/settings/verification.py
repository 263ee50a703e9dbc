"""Define what the operator says of verification, for every stack."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Final

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from secrets_pipeline.desired.base import Spec

MINUTES: Final = (1, 1440)
SPREAD: Final = (0, 1440)
_FIELDS: Final = 5
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


def cron_problem(text: str) -> str | None:
    """Why a text is no cron expression of five fields; None if it is one."""
    fields = len(text.split())
    if fields != _FIELDS:
        return f"has {fields} fields, not {_FIELDS}"
    try:
        first = next(CronSim(text, _START), None)
    except (CronSimError, ValueError) as error:  # ValueError: of a number with thousands of digits
        return f"is no cron expression: {error}"
    return "never comes round" if first is None else None


def timezone_problem(name: str) -> str | None:
    """Why a text names no time zone; None if it does."""
    return None if name in _timezones() else "is no time zone of the IANA database"


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _cron(value: str) -> str:
    if problem := cron_problem(value):
        raise ValueError(f"{value!r} {problem}; write for example 0 6 * * *")
    return value


def _timezone(value: str) -> str:
    if problem := timezone_problem(value):
        raise ValueError(f"{value!r} {problem}; write for example Europe/London")
    return value


class VerificationSettings(Spec):
    """What the operator decides about verification, for every stack; what it does not say, each stack may."""

    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        default=None, description="When stacks are verified: five fields, as cron has them."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] | None = Field(
        default=None, description="IANA name of the time zone that `cron` is in."
    )
    spread_minutes: int | None = Field(
        default=None,
        ge=SPREAD[0],
        le=SPREAD[1],
        description=(
            "Each stack has a share of so many minutes behind that moment, always the same one, so that a thousand "
            "stacks do not begin at once; 0 for none."
        ),
    )
    keep_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="How long the history of verifications is kept; the last one of each stack stays.",
    )
    rotation_may_take_minutes: int | None = Field(
        default=None,
        ge=MINUTES[0],
        le=MINUTES[1],
        description="An `AWSPENDING` version that is older is taken for a rotation that is stuck.",
    )
