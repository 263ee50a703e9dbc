"""A store of leases in memory, as S3 documents its conditional writes, and runs that use it in an adversary's schedule.

Actors are threads that hand over a baton (`tests/simulation/scheduling.py`) before and after each call of the store. A
call may be lost on its way, answered by nobody after it was performed, performed long after everybody gave it up, or
repeated by botocore.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from secrets_pipeline.aws.leases.model import Claim
from secrets_pipeline.aws.leases.record import LeaseRecord, Seen
from secrets_pipeline.aws.leases.shared import SharedLease, SharedLeases
from secrets_pipeline.aws.leases.watch import Watch
from secrets_pipeline.errors import AwsError, GuardError
from tests.simulation.scheduling import Actor, Scheduler

SECONDS = 160
KEY = "stack"
LATE_SECONDS = 120.0
"""The longest from a check until its call is sent, by a run that does not stand still."""
SIGNED_SECONDS = 300.0
"""The longest from its time stamp until AWS performs a request."""
AHEAD_SECONDS = 60.0
"""The farthest that the clock of a host is ahead of AWS's."""


class MemoryStore:
    """What S3 holds: content and ETag; a write is atomic."""

    root = "memory://"

    def __init__(self, clock: Callable[[], float]) -> None:
        self._held: Seen | None = None
        self._etag = 0
        self._clock = clock
        self.ledger = Ledger()

    def read(self, key: str) -> Seen | None:  # noqa: ARG002 - there is one
        return self._held

    def write(self, key: str, record: LeaseRecord, over: Seen | None) -> Seen | None:  # noqa: ARG002 - the same
        if (self._held and self._held.version) != (over and over.version):
            return None
        # Equal content has an equal ETag.
        version = self._held.version if self._held and self._held.record == record else str(self._etag)
        self._etag += 1
        if not record.released and (self._held is None or self._held.record.token != record.token):
            self.ledger.owners.append((self._clock(), record.run_id))
        self._held = Seen(record, version)
        return self._held


@dataclass
class Ledger:
    """What really happened.

    Attributes:
        writes: (virtual second at which AWS performed it, run).
        owners: (virtual second, run) of each time that the lease was taken.
    """

    writes: list[tuple[float, str]] = field(default_factory=list)
    owners: list[tuple[float, str]] = field(default_factory=list)

    def trespasses(self) -> list[tuple[float, str]]:
        """Writes that AWS performed while the lease was another run's."""
        return [(second, run) for second, run in self.writes if self._owner(second) != run]

    def _owner(self, second: float) -> str:
        return [run for since, run in self.owners if since <= second][-1]


class Network:
    """One run's way to the store, and to AWS.

    Args:
        store: where calls arrive.
        actor: who calls.
        scheduler: who comes first.
        rng: of the seed.
        trouble: how likely a call goes wrong.
    """

    root = MemoryStore.root

    def __init__(
        self, store: MemoryStore, actor: Actor, scheduler: Scheduler, rng: random.Random, trouble: float
    ) -> None:
        self._store = store
        self._actor = actor
        self._scheduler = scheduler
        self._rng = rng
        self._trouble = trouble
        self.late: list[tuple[LeaseRecord, Seen | None]] = []

    def read(self, key: str) -> Seen | None:
        self._turn()
        if self._rng.random() < self._trouble / 2:
            raise AwsError("no answer")
        found = self._store.read(key)
        self._turn()
        return found

    def write(self, key: str, record: LeaseRecord, over: Seen | None) -> Seen | None:
        self._turn()
        fate = self._rng.random() / self._trouble if self._trouble else 9.0
        if fate < 0.2:
            raise AwsError("lost on its way")
        if fate < 0.4:
            self.late.append((record, over))
            raise AwsError("not there yet")
        done = self._store.write(key, record, over)
        if fate < 0.6:
            raise AwsError("the answer was lost")
        if fate < 0.9:
            # botocore sends it again.
            self._turn()
            done = self._store.write(key, record, over)
        self._turn()
        return done

    def arrive(self) -> None:
        """What was on its way arrives, in any order."""
        while self.late and self._rng.random() < 0.5:
            record, over = self.late.pop(self._rng.randrange(len(self.late)))
            self._store.write(KEY, record, over)

    def _turn(self) -> None:
        self.arrive()
        if self._rng.random() < 0.02:
            self._actor.wakes = self._scheduler.clock + self._rng.choice([1.0, 5.0, 30.0, 70.0, 200.0])
        self._scheduler.turn(self._actor)


class Schedule:
    """One seed: some runs of one stack, each of which takes the lease, writes, and gives it back or dies.

    Args:
        seed: decides everything.
        trouble: how likely a call goes wrong.
        runs: how many.
        standing: whether a run may stand still between signing and sending, for as long as it likes.
        delay: of whoever takes a lease over.
    """

    def __init__(
        self, seed: int, *, trouble: float = 0.2, runs: int = 3, standing: bool = False, delay: int = 0
    ) -> None:
        self._standing, self._delay = standing, delay
        self.rng = random.Random(seed)  # noqa: S311 - a schedule, no secret
        self.scheduler = Scheduler(self.rng, restlessness=self.rng.choice([0.2, 0.6, 1.0]))
        self.store = MemoryStore(lambda: self.scheduler.clock)
        self._trouble = trouble
        self._origins = [self.rng.uniform(-1e6, 1e6) for _ in range(runs + 1)]
        for number in range(runs):
            self.scheduler.add(Actor(f"run-{number}", self._actor(number), wakes=self.rng.uniform(0, 100)))

    def run(self) -> Ledger:
        self.scheduler.run()
        return self.store.ledger

    def _actor(self, number: int) -> Callable[[Actor], None]:
        def act(actor: Actor) -> None:
            network = Network(self.store, actor, self.scheduler, self.rng, self._trouble)
            # Each host has a clock of its own.
            watch = Watch(lambda: self.scheduler.clock + self._origins[number])
            leases = SharedLeases(
                network,
                SECONDS,
                takeover_delay=self._delay,
                watch=watch,
                sleep=lambda s: self.scheduler.sleep(actor, s),
                renewing=False,
            )
            lease = None
            while lease is None:
                with suppress(AwsError):
                    lease = leases.take(KEY, Claim(actor.name, "host"), patience=1e9)
            with suppress(AwsError, GuardError):
                self._work(actor, lease)

        return act

    def _work(self, actor: Actor, lease: SharedLease) -> None:
        for _ in range(self.rng.randrange(1, 25)):
            choice = self.rng.random()
            if choice < 0.4:
                with suppress(AwsError):
                    lease.renew()
            elif choice < 0.9:
                try:
                    lease.check()
                except AwsError:
                    continue
                # No turn between the check and the sending: a call that was checked is on its way.
                seconds = self.rng.uniform(0, 5 * LATE_SECONDS if self._standing else LATE_SECONDS)
                if not self._standing or seconds <= SIGNED_SECONDS + self.rng.uniform(0, AHEAD_SECONDS):
                    self.store.ledger.writes.append((self.scheduler.clock + seconds, actor.name))
                if self.rng.random() < 0.1:
                    return  # dies while it is on its way
                self.scheduler.sleep(actor, seconds)
            elif choice < 0.95:
                return
            if self.rng.random() < 0.3:
                self.scheduler.sleep(actor, self.rng.choice([0.5, 5.0, 15.0, 39.0, 41.0, 55.0, 159.0, 161.0]))
        lease.release()
