"""Define what the operator says of verification, for every stack."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Final

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from secrets_pipeline.desired.base import Spec

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
    """When stacks are verified. A key that you leave out, each stack may set for itself."""

    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        default=None,
        description="When stacks are verified, as five fields of cron: each stack at a time of its own within the two "
        "hours after it.",
    )
    timezone: Annotated[str, AfterValidator(_timezone)] | None = Field(
        default=None, description="IANA name of the time zone of `cron`, such as `Europe/London`."
    )
