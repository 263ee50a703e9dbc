"""Compare a read with what is declared: a denial of a declared one, and a read that nobody declared, are surprises."""

from __future__ import annotations

from enum import StrEnum

from secrets_pipeline.access.reach.audit import AuditedRead
from secrets_pipeline.access.reach.reader import Allowed, Unknown


class Surprise(StrEnum):
    """What is not as declared of one read, as a human reads it."""

    DENIED = "denied"
    """Declared, and not possible."""
    UNEXPECTED = "not declared"
    """Possible, and nobody's consumer; no administrator, of whom a check tells together."""
    UNKNOWN = "not known"
    """Declared, and nobody can tell."""
    NONE = "as declared"


def surprise_of(one: AuditedRead) -> Surprise:
    """Compare one read with what is declared."""
    if isinstance(one.verdict, Unknown):
        return Surprise.UNKNOWN if one.expected else Surprise.NONE
    if one.expected:
        return Surprise.NONE if isinstance(one.verdict, Allowed) else Surprise.DENIED
    return Surprise.UNEXPECTED if isinstance(one.verdict, Allowed) and not one.administrator else Surprise.NONE
