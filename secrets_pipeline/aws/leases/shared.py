"""Hold a lease in a store that several hosts share: take it over once it expired, renew it, fence the run that has it.

The holder counts itself out `MARGIN_SECONDS` before the lease expires for others: what it checked before may be sent so
late. Nothing bounds how long the network carries what was sent.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from secrets_pipeline.aws.leases.model import Claim, Gone, Held, Look
from secrets_pipeline.aws.leases.record import LeaseRecord, Seen, moment
from secrets_pipeline.aws.leases.store import LeaseStore
from secrets_pipeline.aws.leases.watch import WATCH, Clock, Watch
from secrets_pipeline.aws.leases.writer import Writer, Written
from secrets_pipeline.errors import AwsError, GuardError

MARGIN_SECONDS = 120
"""From a check until its call is sent: 30 s to resolve a name, 10 s to connect to each of 8 addresses, 10 s for TLS.

Sources: https://man7.org/linux/man-pages/man5/resolv.conf.5.html (three name servers, asked twice, 5 s each); urllib3's
create_connection, which gives each address all of `deadlines.CONNECT_SECONDS`; and
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-multivalue.html (eight addresses)
"""
_BEATS: Final = 4
"""Renewals in the time that its holder trusts a lease: three may fail."""
_POLL_SECONDS = 1.0
_NEVER: Final = float("-inf")


class SharedLease:
    """A lease that this process has for one run.

    Args:
        address: of the lease.
        writer: of its records.
        taken: as it was taken.
        clock: seconds from any origin, never going back.
        over: whose expired lease it was.
    """

    def __init__(
        self, address: str, writer: Writer, taken: Written, *, clock: Clock, over: LeaseRecord | None = None
    ) -> None:
        self.predecessor = over.run_id if over else None
        self.took_over = _not_renewed(over) if over else ""
        self._address = address
        self._writer = writer
        self._clock = clock
        self._turn = threading.Lock()
        self._seen = taken.seen
        self._own_until = _own_until(taken)
        self._lost = ""
        self._ended = threading.Event()

    def renewed_by_thread(self) -> SharedLease:
        """Renew it from now on, in a thread of its own."""
        threading.Thread(target=self._renew_for_ever, name=f"lease {self._address}", daemon=True).start()
        return self

    def check(self) -> None:
        """See `Lease.check`: the own clock answers, and where too much time has passed, the store (a renewal)."""
        if self._clock() < self._own_until:
            return
        with self._turn:
            # An answer may come so late that it says nothing of now.
            while self._clock() >= self._own_until:
                self._renew()

    def renew(self) -> None:
        """Write the next beat.

        Raises:
            GuardError: if the lease is lost.
            AwsError: if the store cannot be asked.
        """
        with self._turn:
            self._renew()

    def release(self) -> None:
        """See `Lease.release`; a lost lease is left to whoever has it."""
        self._ended.set()
        with self._turn:
            if not self._lost:
                # Nothing may be written from here on, whatever becomes of the call.
                self._lose(f"this run has given the lease {self._address} back")
                self._writer.write(self._seen, released=True)

    def _renew(self) -> None:
        if not self._lost:
            answer = self._writer.write(self._seen)
            if isinstance(answer, Written):
                self._seen, self._own_until = answer.seen, _own_until(answer)
                return
            whose = f"{answer.there.record} has it" if answer.there else "it was deleted"
            self._lose(f"another run took over the lease {self._address}: {whose}")
        raise GuardError(self._lost, remedy="This run writes nothing more. What it has done is done; apply again.")

    def _lose(self, why: str) -> None:
        self._lost = why
        self._own_until = _NEVER
        self._ended.set()

    def _renew_for_ever(self) -> None:
        while not self._ended.wait((self._seen.record.seconds - MARGIN_SECONDS) / _BEATS):
            try:
                self.renew()
            except AwsError:
                continue  # the next beat tries again, and so does `check`
            except GuardError:
                return


def _own_until(written: Written) -> float:
    return written.sent + written.seen.record.seconds - MARGIN_SECONDS


def _not_renewed(record: LeaseRecord) -> str:
    return f"was not renewed for {record.seconds} s by {record}"


class SharedLeases:
    """The leases of all stacks in one store; see `Leases`.

    Args:
        store: where they are kept.
        seconds: how long a lease lasts that is not renewed.
        watch: what was seen of them before.
        sleep: waits some seconds.
        renewing: whether a thread renews what was taken.
    """

    def __init__(
        self,
        store: LeaseStore,
        seconds: int,
        *,
        watch: Watch = WATCH,
        sleep: Callable[[float], None] = time.sleep,
        renewing: bool = True,
    ) -> None:
        self.root = store.root
        self._store = store
        self._seconds = seconds
        self._watch = watch
        self._sleep = sleep
        self._renewing = renewing

    def take(self, key: str, claim: Claim, *, patience: float) -> SharedLease:
        """See `Leases.take`."""
        writer = self._writer(key, claim)
        until = self._watch.clock() + patience
        while True:
            asked = self._watch.clock()
            try:
                there = self._store.read(key)
            except AwsError as error:
                if error.denied or error.missing or self._watch.clock() >= until:
                    raise
                self._sleep(_POLL_SECONDS)
                continue
            if self._is_free(key, there, asked):
                answer = writer.write(there)
                if isinstance(answer, Written):
                    return self._taken(key, writer, answer, there)
                there = answer.there
            if there is not None and self._watch.clock() >= until:
                raise GuardError(
                    f"another run has held the lease {self.root}{key} for {patience:.0f} s: {there.record}",
                    remedy="Wait for it, or end it in the Dagster UI.",
                )
            self._sleep(_POLL_SECONDS)

    def look(self, key: str, run_id: str) -> Look:
        """See `Leases.look`."""
        asked = self._watch.clock()
        there = self._store.read(key)
        if there is None:
            return Gone("was deleted")
        record = there.record
        if record.run_id != run_id:
            return Gone(f"is that of {record}")
        if record.released:
            return Gone("is free")
        if not self._watch.has_expired(self.root + key, there, asked):
            return Held(f"host {record.host} renewed it at {record.renewed}")
        # Under another token, so that the run loses it even if it wakes up.
        ended = replace(record, token=uuid.uuid4().hex, released=True)
        if self._store.write(key, ended, there) is None:
            return Held(f"host {record.host} has just renewed it")
        return Gone(_not_renewed(record))

    def _is_free(self, key: str, there: Seen | None, asked: float) -> bool:
        return there is None or there.record.released or self._watch.has_expired(self.root + key, there, asked)

    def _writer(self, key: str, claim: Claim) -> Writer:
        now = moment()
        first = LeaseRecord(
            run_id=claim.run_id,
            token=uuid.uuid4().hex,
            beat=0,
            seconds=self._seconds,
            released=False,
            host=claim.host,
            taken=now,
            renewed=now,
        )
        return Writer(self._store, key, first, self._watch.clock)

    def _taken(self, key: str, writer: Writer, answer: Written, there: Seen | None) -> SharedLease:
        over = there.record if there is not None and not there.record.released else None
        lease = SharedLease(self.root + key, writer, answer, clock=self._watch.clock, over=over)
        return lease.renewed_by_thread() if self._renewing else lease
