"""Hold a lease in a store that several hosts share: take it over once it expired, renew it, fence the run that has it.

A run that stands still may send one more write as it goes on: the one that it had signed. AWS refuses that by its age:
"In most cases, a request must reach AWS within five minutes of the time stamp in the request. Otherwise, AWS denies the
request" (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). A run signs as long as it trusts its
lease, which ends `MARGIN_SECONDS` before the lease expires. So whoever takes over an expired lease waits for another
`takeover_delay` seconds: when it begins, the last signature is `takeover_delay + MARGIN_SECONDS` old. The margin bounds
how far the clock that signs may be ahead of AWS's. A lease that was given back is taken at once.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from secrets_pipeline.aws.leases.model import Claim, Gone, Held, Look, Tell
from secrets_pipeline.aws.leases.record import LeaseRecord, Seen, moment
from secrets_pipeline.aws.leases.store import LeaseStore
from secrets_pipeline.aws.leases.watch import WATCH, Clock, Watch
from secrets_pipeline.aws.leases.writer import Writer, Written
from secrets_pipeline.aws.patience import WAITING
from secrets_pipeline.errors import AwsError, GuardError

MARGIN_SECONDS = 120
"""Seconds before its lease expires from which on a run signs nothing more.

So late a signature may be dated by a clock that is ahead of AWS's. And a call is sent within it after the first of its
two questions: 30 s to resolve a name, 10 s to connect to each of 8 addresses, 10 s for TLS.

Sources: https://man7.org/linux/man-pages/man5/resolv.conf.5.html (three name servers, asked twice, 5 s each); urllib3's
create_connection, which gives each address all of `deadlines.CONNECT_SECONDS`; and
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-multivalue.html (eight addresses)
"""
AHEAD_SECONDS: Final = 60.0
"""Seconds that this host's clock may be ahead of AWS's: half of the margin, as clocks also run at different speeds."""
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
        self.unsettled = taken.seen.record.unsettled
        self._address = address
        self._writer = writer
        self._clock = clock
        self._turn = threading.Lock()
        self._late: list[str] = []
        self._lost = ""
        self._ended = threading.Event()
        self._accept(taken)

    def renewed_by_thread(self) -> SharedLease:
        """Renew it from now on, in a thread of its own."""
        threading.Thread(target=self._renew_for_ever, name=f"lease {self._address}", daemon=True).start()
        return self

    def check(self) -> None:
        """See `Lease.check`: the own clocks answer, and if too much time has passed, the store (a renewal)."""
        if self._is_trusted():
            return
        with self._turn:
            # An answer may come so late that it says nothing of now.
            while not self._is_trusted():
                self._renew()

    def confirm(self) -> None:
        """See `Lease.confirm`: the store answers, and the own clocks if it does not."""
        try:
            self.renew()
        except AwsError:
            self.check()

    def answered(self, call: str) -> None:
        """See `Lease.answered`; a renewal that succeeds shows that nobody had the lease meanwhile."""
        if not self._is_trusted():
            self._late.append(call)

    def settle(self) -> None:
        """See `Lease.settle`."""
        with self._turn:
            self._writer.say_unsettled("")

    def renew(self) -> None:
        """Write the next beat.

        Raises:
            GuardError: if the lease is lost, or this host's clock is ahead of the store's.
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

    def _is_trusted(self) -> bool:
        """Whether the clocks say that nobody can have taken the lease over yet.

        The clock of leases may stand still with the machine, and the clock of dates be set right afterwards: then dates
        ran ahead of it, and the store is to be asked.
        """
        return self._clock() < self._own_until and self._seconds_ahead() <= AHEAD_SECONDS

    def _seconds_ahead(self) -> float:
        """How far dates of this host are ahead of the store's, at most; they are what requests are signed by."""
        if self._seen.dated is None:
            return 0.0
        passed = timedelta(seconds=self._clock() - self._received)
        return (datetime.now(UTC) - self._seen.dated - passed).total_seconds()

    def _renew(self) -> None:
        if not self._lost:
            answer = self._writer.write(self._seen)
            if isinstance(answer, Written):
                self._accept(answer)
                self._late.clear()
                # An answer that was read late says little of the clock; `check` asks again.
                prompt = self._received - answer.sent < AHEAD_SECONDS / 2
                if prompt and (ahead := self._seconds_ahead()) > AHEAD_SECONDS:
                    raise GuardError(
                        f"the clock of this host is {ahead:.0f} s ahead of AWS's, so AWS would accept for too long "
                        "what this run signs",
                        remedy="Set the clock right (NTP), then apply again.",
                    )
                return
            whose = answer.there.record if answer.there else "it was deleted"
            self._lose(f"another run took over the lease {self._address}: {whose}")
        raise self._refusal()

    def _refusal(self) -> GuardError:
        if not self._late:
            return GuardError(self._lost, remedy="This run writes nothing more. Its finished work stays. Apply again.")
        calls = ", ".join(dict.fromkeys(self._late))
        return GuardError(
            f"{self._lost}. AWS answered these calls after this run could no longer trust its lease: {calls}",
            remedy="This run writes nothing more. Look at what these calls changed: plan --deep; then apply --deep.",
        )

    def _accept(self, written: Written) -> None:
        self._seen, self._received = written.seen, self._clock()
        self._own_until = written.sent + _trusted_seconds(written.seen.record)

    def _lose(self, why: str) -> None:
        self._lost = why
        self._own_until = _NEVER
        self._ended.set()

    def _renew_for_ever(self) -> None:
        while not self._ended.wait(_trusted_seconds(self._seen.record) / _BEATS):
            try:
                self.renew()
            except (AwsError, GuardError):
                continue  # the next beat tries again, and so does `check`; of a lost lease there is none


def _not_renewed(record: LeaseRecord) -> str:
    return f"was not renewed for {record.seconds} s by {record}"


class SharedLeases:
    """The leases of all stacks in one store; see `Leases`.

    Args:
        store: where they are kept.
        seconds: how long a lease lasts that is not renewed.
        takeover_delay: seconds after that until another run may take it over.
        watch: what was seen of them before.
        sleep: waits some seconds.
        renewing: whether a thread renews what was taken.
    """

    def __init__(
        self,
        store: LeaseStore,
        seconds: int,
        *,
        takeover_delay: int = 0,
        watch: Watch = WATCH,
        sleep: Callable[[float], None] = time.sleep,
        renewing: bool = True,
    ) -> None:
        self.root = store.root
        self.expiry = float(seconds + takeover_delay)
        self._store = store
        self._seconds = seconds
        self._delay = takeover_delay
        self._watch = watch
        self._sleep = sleep
        self._renewing = renewing

    def take(self, key: str, claim: Claim, *, patience: float, tell: Tell = WAITING.info) -> SharedLease:
        """See `Leases.take`."""
        writer, told = self._writer(key, claim), ("", False)
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
                writer.say_unsettled(_unsettled(there))
                answer = writer.write(there)
                if isinstance(answer, Written):
                    return self._taken(key, writer, answer, there)
                there = answer.there
            if there is not None:
                if self._watch.clock() >= until:
                    raise GuardError(
                        f"another run has held the lease {self.root}{key} for {patience:.0f} s: {there.record}",
                        remedy="Wait for it, or end it in the Dagster UI.",
                    )
                still = self._watch.stood_still(self.root + key, there, asked)
                if (about := (there.record.token, still >= _trusted_seconds(there.record))) != told:
                    tell(self._waits_for(key, there, still, until))
                    told = about
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
        if not self._has_expired(key, there, asked):
            return Held(f"host {record.host} renewed it at {record.renewed}")
        # Under another token, so that the run loses it even if it wakes up.
        ended = replace(record, token=uuid.uuid4().hex, released=True, unsettled=record.run_id)
        if self._store.write(key, ended, there) is None:
            return Held(f"host {record.host} has just renewed it")
        return Gone(_not_renewed(record))

    def _is_free(self, key: str, there: Seen | None, asked: float) -> bool:
        return there is None or there.record.released or self._has_expired(key, there, asked)

    def _has_expired(self, key: str, there: Seen, asked: float) -> bool:
        return self._left(there, self._watch.stood_still(self.root + key, there, asked)) <= 0

    def _left(self, there: Seen, stood_still: float) -> float:
        return there.record.seconds + self._delay - stood_still

    def _waits_for(self, key: str, there: Seen, still: float, until: float) -> str:
        whose = f"waits for the lease {self.root}{key} of {there.record}"
        if still < _trusted_seconds(there.record):
            return f"{whose}. That run renews it. This run gives up at {_time_in(until - self._watch.clock())}"
        signed = f", and AWS may perform what that run has signed for {self._delay} s more" if self._delay else ""
        return (
            f"{whose}. That run has stopped renewing it. It expires {there.record.seconds} s after it was last "
            f"renewed{signed}. This run takes over at {_time_in(self._left(there, still))}, unless that run renews it"
        )

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


def _trusted_seconds(record: LeaseRecord) -> int:
    """For how long its run trusts a lease that is not renewed: all beats are missing then."""
    return record.seconds - MARGIN_SECONDS


def _time_in(seconds: float) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%H:%M:%S} UTC"


def _unsettled(there: Seen | None) -> str:
    """Return the run whose last writes the next holder has to check; empty if there is none."""
    if there is None:
        return ""
    return there.record.unsettled if there.record.released else there.record.run_id
