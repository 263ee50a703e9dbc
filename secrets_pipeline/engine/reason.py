"""Define the reasons why a change is planned, or blocked: types, which `str` and the views turn to text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sign(StrEnum):
    """What an apply does to a piece, as Terraform writes it."""

    ADDED = "+"
    CHANGED = "~"
    REMOVED = "-"


@dataclass(frozen=True, slots=True)
class Detail:
    """One piece that differs: a statement of a policy, an element of one, a tag.

    Attributes:
        what: for example `statement ReadReports: Action`; never a secret value nor a digest of one.
        observed: what AWS holds; empty for what is added.
        wanted: what the stack declares; empty for what is removed.
    """

    sign: Sign
    what: str
    observed: str = ""
    wanted: str = ""

    @property
    def held(self) -> str:
        """Write what AWS holds and what is declared, for example `'a' → 'b'`."""
        return " → ".join(one for one in (self.observed, self.wanted) if one)

    def __str__(self) -> str:
        return f"{self.sign} {self.what}: {self.held}" if self.held else f"{self.sign} {self.what}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is planned, or is not.

    Attributes:
        problem: what is the matter, for a human; never a secret value nor a digest of one.
        remedy: what a human does about it; empty where nothing has to be done, or nobody knows.
        details: what differs piece by piece, where that is known.
    """

    problem: str
    remedy: str = ""
    details: tuple[Detail, ...] = ()

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}" if self.remedy else self.problem

    @property
    def kind(self) -> str:
        """Return the name of its class, which scripts compare instead of its text."""
        return type(self).__name__

    @property
    def lines(self) -> tuple[str, ...]:
        """Write each detail that its text does not tell already in a line, as Terraform does."""
        return tuple(str(one) for one in self.details if not one.held or one.held not in str(self))


class Because(Reason):
    """A reason that nothing else is decided by."""

    __slots__ = ()


class Remark(Reason):
    """What a human should know or do beside the plan; a plan shows it also where nothing is changed."""

    __slots__ = ()


class NotOurs(Reason):
    """The resource is somebody else's, or nobody can prove whose: it is left as it is."""

    __slots__ = ()


class Missing(Reason):
    """A resource does not exist that others have to make first."""

    __slots__ = ()


class Standing(StrEnum):
    """State of a resource that a change needs."""

    PRESENT = "is there"
    MADE = "is made by this run"
    ON_ITS_WAY = "is on its way"
    MISSING = "is missing"
    BLOCKED = "is blocked"
    SKIPPED = "was skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Need:
    """Something that has to be there before a change can be made.

    Attributes:
        on: the resources as kind and name, for example `database orders`, any one of which is enough; empty for
            something that no plan shows.
        problem: why it is not there, for a human; empty if it is.
        standing: how it stands as AWS shows it now: `PRESENT`, `ON_ITS_WAY` or `MISSING`.
    """

    on: tuple[str, ...] = ()
    problem: str = ""
    standing: Standing = Standing.PRESENT


class Waits(Reason):
    """The change waits for something else, of this run or of AWS; that is nobody's mistake.

    Args:
        on: what is waited for.
    """

    __slots__ = ()

    def __init__(self, on: str) -> None:
        super().__init__(f"waits: {on}")


class OnItsWay(Waits):
    """The change waits for something that AWS is making: a later run goes on by itself.

    Args:
        on: what is waited for.
    """

    __slots__ = ()


class Follows(Reason):
    """The change follows another one of the same run, and is known in full when that one is done."""

    __slots__ = ()


class LeftOut(Reason):
    """The change is none of those that this run was asked for."""

    __slots__ = ()


class Kept(Reason):
    """What looks as if nobody declared it is kept; said although nothing is done."""

    __slots__ = ()


class ChangedOutside(Reason):
    """Somebody else changed the resource since a run finished it.

    Args:
        what: what was changed.
    """

    __slots__ = ()

    def __init__(self, what: Reason) -> None:
        super().__init__(f"changed outside: {what.problem}", what.remedy, what.details)


class Differs(Reason):
    """AWS holds something else than the stack declares.

    Args:
        what: what differs.
        observed: what AWS holds; nothing is shown of it where it is not given.
        wanted: what the stack declares.
        details: what differs of it piece by piece; it as a whole where it is shown.
    """

    __slots__ = ()

    def __init__(
        self, what: str, observed: object = None, wanted: object = None, details: tuple[Detail, ...] = ()
    ) -> None:
        shown = "" if observed is None and wanted is None else f": {observed} → {wanted}"
        known = (Detail(Sign.CHANGED, what, str(observed), str(wanted)),) if shown and not details else details
        super().__init__(f"{what} differs{shown}", details=known)
