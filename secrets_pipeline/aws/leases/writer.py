"""Write the records of one holder over each other, and know which of its writes is in the store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from secrets_pipeline.aws.leases.record import LeaseRecord, Seen, moment
from secrets_pipeline.aws.leases.store import LeaseStore
from secrets_pipeline.aws.leases.watch import Clock
from secrets_pipeline.errors import AwsError

_TRIES: Final = 5
"""Each one but the first needs an earlier write of ours whose answer was lost, or another that is under way."""


@dataclass(frozen=True, slots=True)
class Written:
    """The record is in the store.

    Attributes:
        seen: as it is there.
        sent: when it was sent: nobody else counts from an earlier moment.
    """

    seen: Seen
    sent: float


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody else's record is in the store, or none."""

    there: Seen | None


Answer: TypeAlias = Written | Refused


class Writer:
    """Writes the records of one holder.

    Args:
        store: where to.
        key: of the lease.
        first: the record, whose token nobody else has.
        clock: seconds from any origin, never going back.
    """

    def __init__(self, store: LeaseStore, key: str, first: LeaseRecord, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._record = first
        self._clock = clock

    def say_unsettled(self, run_id: str) -> None:
        """Let the records from now on say whose last writes nobody has looked for; empty for nobody's."""
        self._record = replace(self._record, unsettled=run_id)

    def write(self, over: Seen | None, *, released: bool = False) -> Answer:
        """Write the next record.

        Args:
            over: what has to be in the store, unless a record of ours is there.
            released: whether it gives the lease back.

        Raises:
            AwsError: if the store refuses or does not answer; what is in it is found out by the next write.
        """
        for _ in range(_TRIES):
            # Another number for each try: a record of ours that came late counts from its own sending, not from this.
            self._record = replace(self._record, beat=self._record.beat + 1, released=released, renewed=moment())
            sent = self._clock()
            seen = self._store.write(self._key, self._record, over)
            if seen is not None:
                return Written(seen, sent)
            over = self._store.read(self._key)
            if over is not None and over.record == self._record:
                return Written(over, sent)
            if over is None or over.record.token != self._record.token:
                return Refused(over)
        raise AwsError(
            f"the lease {self._store.root}{self._key} cannot be written: its record changes under every try",
            remedy="Look for somebody else who writes there.",
        )
