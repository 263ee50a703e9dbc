"""Tell whom a resource-based policy names, and how closely it names a caller.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import IntEnum

from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.evaluator.three_valued import Ternary
from secrets_pipeline.access.evaluator.vocabulary import PrincipalKind
from secrets_pipeline.errors import PolicyError

_ROOT = re.compile(r"arn:[\w-]+:iam::(\d{12}):root")
_KINDS = {"AWS", "Service", "Federated", "CanonicalUser"}
_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):iam::(?P<account>\d{12}):role/(?P<path>.*/)?(?P<name>[^/]+)")


class Closeness(IntEnum):
    """How a policy names a caller."""

    NOBODY = 0
    ACCOUNT = 1
    """By its account, which delegates to the account's own policies."""
    ROLE = 2
    """By the role's ARN: the role's boundary and session policy still limit it."""
    ANYONE = 3
    """By `*`, which grants to the session itself: neither boundary nor session policy limits it."""
    SELF = 4
    """By the ARN of user or session, by the service, by the identity provider."""


class Names:
    """Every way in which a policy can name one caller.

    Attributes:
        closeness: `kind|name` → how close that is.
        session: `kind|name` of the session, empty where nobody said which one calls.
        bounded: whether the caller has a permissions boundary; unknown where nobody could read it.
    """

    __slots__ = ("_sessions", "bounded", "closeness", "session")

    def __init__(
        self, closeness: Mapping[str, Closeness], *, sessions: str = "", session: str = "", bounded: Ternary = False
    ) -> None:
        self.closeness = closeness
        self.session = session
        self.bounded = bounded
        self._sessions = sessions

    @classmethod
    def of(cls, kind: PrincipalKind, arn: str, account_id: str, session: str | None, *, bounded: Ternary) -> Names:
        """The names of a caller; see `request.Caller` for what they are."""
        if kind in (PrincipalKind.SERVICE, PrincipalKind.IDENTITY_PROVIDER):
            own = {f"{kind}|{arn}": Closeness.SELF, "AWS|*": Closeness.ANYONE, f"{kind}|*": Closeness.ANYONE}
            return cls(own)
        own = {"AWS|*": Closeness.ANYONE, f"AWS|{account_id}": Closeness.ACCOUNT}
        if kind is PrincipalKind.ROOT:
            return cls(own, bounded=bounded)
        role = _ROLE.fullmatch(arn) if kind is PrincipalKind.ROLE else None
        if role is None:
            return cls({**own, f"AWS|{arn}": Closeness.SELF}, bounded=bounded)
        own[f"AWS|{arn}"] = Closeness.ROLE
        sessions = f"AWS|arn:{role['partition']}:sts::{role['account']}:assumed-role/{role['name']}/"
        own_session = "" if session is None else f"{sessions}{session}"
        if own_session:
            own[own_session] = Closeness.SELF
        return cls(own, sessions=sessions, session=own_session, bounded=bounded)

    @property
    def of_role(self) -> bool:
        """Whether it is a role, which its sessions stand for."""
        return bool(self._sessions)

    def may_be(self, name: str) -> bool:
        """Whether a name is that of one session of this role, and nobody said which session calls."""
        return bool(self._sessions) and not self.session and name.startswith(self._sessions)


class Principals:
    """The `Principal` or `NotPrincipal` element of one statement."""

    __slots__ = ("_excepted", "_names")

    def __init__(self, element: object, *, excepted: bool, where: str) -> None:
        self._names = tuple(_names(element, where))
        self._excepted = excepted

    def only_services(self, *services: str) -> bool:
        """Whether it names nobody but these services."""
        return not self._excepted and set(self._names) <= {f"Service|{one}" for one in services}

    def match(self, names: Names, *, denies: bool) -> tuple[Closeness, Ternary]:
        """How the element names a caller, and whether it is certain that it does.

        Args:
            names: of the caller.
            denies: whether the statement is a Deny.
        """
        if self._excepted:
            return self._match_excepted(names, denies=denies)
        best, maybe = Closeness.NOBODY, False
        known = names.closeness
        for name in self._names:
            found = known.get(name)
            if found is None:
                maybe = maybe or names.may_be(name)
            elif found > best:
                best = found
        if maybe and best < Closeness.ANYONE:
            # Named for certain, or named closer if it is that very session: a denial is the same either way.
            return (best, True) if denies and best else (Closeness.SELF, None)
        return best, best is not Closeness.NOBODY

    def _match_excepted(self, names: Names, *, denies: bool) -> tuple[Closeness, Ternary]:
        """`NotPrincipal`: whether a caller is none of those it lists.

        An exemption from a Deny needs account and role, or account and user; whether a session has to be listed as well
        differs between services. One that has a permissions boundary is never exempt.
        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        """
        mentioned = set(self._names)
        if "AWS|*" in mentioned:
            return Closeness.NOBODY, False
        own = [name for name in names.closeness if not name.endswith("|*")]
        if not denies:
            unlisted = mentioned.isdisjoint(own)
            return (Closeness.ANYONE, True) if unlisted else (Closeness.NOBODY, False)
        if names.bounded or not mentioned.issuperset(name for name in own if name != names.session):
            return Closeness.ANYONE, True
        exempt = names.bounded is False and (not names.of_role or names.session in mentioned)
        return (Closeness.NOBODY, False) if exempt else (Closeness.ANYONE, None)


def _names(element: object, where: str) -> Iterable[str]:
    if element == "*":
        return ["AWS|*"]
    if not isinstance(element, Mapping) or not element.keys() <= _KINDS:
        raise PolicyError(
            f"{where}: its principal is neither * nor a map of {', '.join(sorted(_KINDS))}",
            remedy="Write {AWS: arn}, {Service: name} or {Federated: provider}.",
        )
    # An account's root ARN and its bare number are the same principal.
    return [f"{kind}|" + _ROOT.sub(r"\1", str(name)) for kind, names in element.items() for name in listed(names)]
