"""Define whom an event concerns: stacks, whole accounts, nobody, or perhaps a stack that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Concern:
    """A stack that an event concerns.

    Attributes:
        secret: name of the secret; empty for the whole stack.
        version: id of the version that is AWSCURRENT, where the event tells of a new value.
    """

    stack: str
    secret: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Dismissed:
    """An event that nobody has to act on."""

    reason: str


@dataclass(frozen=True, slots=True)
class AccountConcern:
    """An account whose access an event concerns: who can read is asked anew for all of its stacks at once.

    Attributes:
        account_id: 12 digits.
    """

    account_id: str


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that may concern stacks with errors: it waits until they can be read.

    Attributes:
        reason: which stacks those are.
        known: the stacks that it concerns in any case.
    """

    reason: str
    known: tuple[Concern, ...] = ()


Verdict: TypeAlias = tuple[Concern, ...] | tuple[AccountConcern, ...] | Dismissed | Unread
