"""Define the verdicts on a role's trust, and combine several answers into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class TooWide:
    """More may assume the role than anybody can have meant.

    Attributes:
        who: may, for example `anybody with a token of oidc.eks.…`.
        reason: why, with what to change.
        statement: Sid, or `#1` for the first statement of the trust policy; empty if several say so together.
    """

    who: str
    reason: str
    statement: str = ""


@dataclass(frozen=True, slots=True)
class AudienceNotPinned:
    """Tokens that were issued for somebody else than STS serve as well.

    Attributes:
        who: issues them.
        reason: why, with what to change.
        statement: as for `TooWide`.
    """

    who: str
    reason: str
    statement: str = ""


TrustWarning: TypeAlias = TooWide | AudienceNotPinned


@dataclass(frozen=True, slots=True)
class Trusted:
    """What runs the consumer may assume the role.

    Attributes:
        by: who: services, principal ARNs, identity providers.
        statement: Sid, or `#1`, of the trust policy's statement that lets the first of them in.
        warnings: who else may.
    """

    by: tuple[str, ...]
    statement: str = ""
    warnings: tuple[TrustWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class NotTrusted:
    """What runs the consumer may not assume the role.

    Attributes:
        reason: what is missing, or what denies.
        statement: the statement that denies; empty where none does.
        warnings: who else may.
    """

    reason: str
    statement: str = ""
    warnings: tuple[TrustWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustUnknown:
    """It depends on what could not be read, or on what nobody declared.

    Attributes:
        reason: that.
        statement: the statement that depends on it; empty where none does.
        warnings: who else may.
    """

    reason: str
    statement: str = ""
    warnings: tuple[TrustWarning, ...] = ()


Trust: TypeAlias = Trusted | NotTrusted | TrustUnknown


def every(answers: Sequence[Trust]) -> Trust:
    """Combine the verdicts of several who must all be let in."""
    for kind in (NotTrusted, TrustUnknown):
        found = [one for one in answers if isinstance(one, kind)]
        if found:
            return kind(_joined(found), found[0].statement)
    return _all_trusted(answers)


def some(answers: Sequence[Trust]) -> Trust:
    """Combine the verdicts of several ways in, of which one is enough."""
    if any(isinstance(one, Trusted) for one in answers):
        return _all_trusted(answers)
    unknown = [one for one in answers if isinstance(one, TrustUnknown)]
    if unknown:
        return TrustUnknown(_joined(unknown), unknown[0].statement)
    refused = [one for one in answers if isinstance(one, NotTrusted)]
    return NotTrusted(_joined(refused), next((one.statement for one in refused if one.statement), ""))


def _all_trusted(answers: Iterable[Trust]) -> Trusted:
    found = [one for one in answers if isinstance(one, Trusted)]
    return Trusted(tuple(dict.fromkeys(name for one in found for name in one.by)), found[0].statement)


def _joined(answers: Iterable[NotTrusted | TrustUnknown]) -> str:
    return "; ".join(dict.fromkeys(one.reason for one in answers))
