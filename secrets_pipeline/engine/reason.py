"""Define the reasons why a change is planned, or blocked: types, which `str` and the views turn to text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is planned, or is not.

    Attributes:
        problem: what is the matter, for a human; never a secret value nor a digest of one.
        remedy: what a human does about it; empty where nothing has to be done, or nobody knows.
    """

    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}" if self.remedy else self.problem


class Because(Reason):
    """A reason that nothing else is decided by."""

    __slots__ = ()


class Noted(Reason):
    """What a human should know or do beside the plan; a plan shows it also where nothing is changed."""

    __slots__ = ()


class NotOurs(Reason):
    """The resource is somebody else's, or nobody can prove whose: it is left as it is."""

    __slots__ = ()


class Missing(Reason):
    """A resource does not exist that others have to make first."""

    __slots__ = ()


class Waits(Reason):
    """The change waits for something else, of this run or of AWS; that is nobody's mistake.

    Args:
        on: what is waited for.
    """

    __slots__ = ()

    def __init__(self, on: str) -> None:
        super().__init__(f"waits: {on}")


class ChangedOutside(Reason):
    """Somebody else changed the resource since a run finished it.

    Args:
        what: what was changed.
    """

    __slots__ = ()

    def __init__(self, what: Reason) -> None:
        super().__init__(f"changed outside: {what.problem}", what.remedy)


class Differs(Reason):
    """AWS holds something else than the stack declares.

    Args:
        what: what differs.
        observed: what AWS holds; nothing is shown of it where it is not given.
        wanted: what the stack declares.
    """

    __slots__ = ()

    def __init__(self, what: str, observed: object = None, wanted: object = None) -> None:
        shown = "" if observed is None and wanted is None else f": {observed} → {wanted}"
        super().__init__(f"{what} differs{shown}")
