"""What the operator says of verification, for every stack."""

from __future__ import annotations

import calendar
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from secrets_pipeline.desired.base import Spec

MINUTES: Final = (1, 1440)
_MONTHS: Final = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS: Final = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_NO_NAMES: Final[Mapping[str, int]] = {}
_FIELDS: Final[Sequence[tuple[str, int, int, Mapping[str, int]]]] = (
    ("minute", 0, 59, _NO_NAMES),
    ("hour", 0, 23, _NO_NAMES),
    ("day of month", 1, 31, _NO_NAMES),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _WEEKDAYS),
)
_PART: Final = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9]\d?))?")


def cron_problem(text: str) -> str | None:
    """Why a text is no cron expression of five fields; None if it is one."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"has {len(fields)} fields, not 5"
    for given, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        if not all(_is_part(part, low, high, names) for part in given.lower().split(",")):
            return f"names {name} {given!r}, which cron does not know"
    return None


def _is_part(part: str, low: int, high: int, names: Mapping[str, int]) -> bool:
    read = _PART.fullmatch(part)
    if read is None:
        return False
    bounds = [names.get(text, text) for text in (read["first"], read["last"]) if text is not None]
    numbers = [int(bound) for bound in bounds if str(bound).isdecimal()]
    return (
        len(numbers) == len(bounds) and all(low <= number <= high for number in numbers) and sorted(numbers) == numbers
    )


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
    """What the operator decides about verification, for every stack; None leaves it to the stacks.

    Attributes:
        cron: see `VerificationSpec`.
        timezone: see `VerificationSpec`.
        rotation_may_take_minutes: see `VerificationSpec`.
    """

    cron: Annotated[str, AfterValidator(_cron)] | None = None
    timezone: Annotated[str, AfterValidator(_timezone)] | None = None
    rotation_may_take_minutes: int | None = Field(default=None, ge=MINUTES[0], le=MINUTES[1])
