"""Define what every kind of lease offers: take it, check it before a write, give it back, look whether a run has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from secrets_pipeline.aws.patience import WAITING

Tell: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants a lease.

    Attributes:
        run_id: the run, which the lease fences.
        host: where it runs; for humans, nothing is decided by it.
    """

    run_id: str
    host: str


@dataclass(frozen=True, slots=True)
class Held:
    """The run has its lease, or nobody can tell yet that it has not.

    Attributes:
        how: how that is known, for a human.
    """

    how: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The run has no lease any more, and will not write again.

    Attributes:
        why: what happened to the lease, as a clause about it.
    """

    why: str


Look: TypeAlias = Held | Gone


class Lease(Protocol):
    """A lease that this process holds for one run.

    Attributes:
        predecessor: the run whose expired lease this was; None where it was free.
        took_over: what happened to that one; empty where it was free.
        unsettled: a run whose lease expired, and whose last writes nobody has looked for yet; empty for none.
    """

    predecessor: str | None
    took_over: str
    unsettled: str

    def check(self) -> None:
        """Return if the lease is still the run's, which is to be asked right before each write.

        Raises:
            GuardError: if another run took it over, or it was given back.
            AwsError: if nobody can tell.
        """

    def confirm(self) -> None:
        """Return if the lease was the run's until now, which is to be asked after its writes.

        Raises:
            GuardError: if another run took it over, or it was given back; the text names what `answered` kept.
            AwsError: if nobody can tell.
        """

    def answered(self, call: str) -> None:
        """Remember a write that AWS answered after the run could no longer trust its lease.

        Args:
            call: operation and name, for example `TagResource shop/dev/api`.
        """

    def settle(self) -> None:
        """Record that this run compared the whole stack deeply, so the next run need not."""

    def release(self) -> None:
        """Give the lease back.

        Raises:
            AwsError: if the store cannot be reached; the lease expires then.
        """


class Leases(Protocol):
    """The leases of all stacks, in one store.

    Attributes:
        root: what the address of each of them begins with, for example `s3://bucket/prefix/`.
        expiry: seconds after which others may take a lease that its run does not renew.
    """

    root: str
    expiry: float

    def take(self, key: str, claim: Claim, *, patience: float, tell: Tell = WAITING.info) -> Lease:
        """Wait for a lease and take it.

        Args:
            key: which.
            claim: for whom.
            patience: seconds to wait while another run has it.
            tell: is told what is waited for, and until when, as often as that changes.

        Raises:
            GuardError: if another run has it for longer.
            AwsError: if the store refuses, or answers no read for as long.
        """

    def look(self, key: str, run_id: str) -> Look:
        """Look whether a run that took a lease has it still; one that expired is ended first, so that it stays so.

        Raises:
            AwsError: if the store refuses.
        """
