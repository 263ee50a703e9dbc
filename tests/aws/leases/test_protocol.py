"""The protocol of leases under an adversary's schedule: never two holders, and nobody waits for the dead for long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secrets_pipeline.aws.leases import shared, watch, writer
from secrets_pipeline.aws.leases.model import Claim, Gone, Held
from secrets_pipeline.aws.leases.record import Seen
from secrets_pipeline.aws.leases.shared import SharedLeases
from secrets_pipeline.aws.leases.watch import Watch
from secrets_pipeline.aws.leases.writer import Writer, Written
from secrets_pipeline.errors import AwsError, GuardError
from tests.aws.leases.ground import KEY, SECONDS, MemoryStore, Schedule

seeds = st.integers(min_value=0, max_value=2**32)
_BREAKING_SEEDS = 2_000


@given(seed=seeds, trouble=st.sampled_from([0.0, 0.2, 0.6]))
@example(seed=10377, trouble=0.0)  # an answer that came later than the lease lasts was believed
def test_no_write_is_performed_while_the_lease_is_another_runs(seed: int, trouble: float) -> None:
    assert Schedule(seed, trouble=trouble).run().trespasses() == []


@given(seed=seeds, trouble=st.sampled_from([0.0, 0.2, 0.6]))
def test_no_write_of_a_run_that_stood_still_is_performed_while_the_lease_is_another_runs(
    seed: int, trouble: float
) -> None:
    """By the age of signatures alone: who stands still here asks nobody as it goes on."""
    assert Schedule(seed, trouble=trouble, standing=True, delay=300).run().trespasses() == []


@pytest.mark.parametrize("delay", [0, 150])
def test_without_the_whole_delay_a_run_that_stood_still_writes_under_another_ones_lease(delay: int) -> None:
    assert any(Schedule(seed, standing=True, delay=delay).run().trespasses() for seed in range(_BREAKING_SEEDS))


def test_the_schedules_take_leases_over_and_write_under_each() -> None:
    ledgers = [Schedule(seed).run() for seed in range(50)]
    assert sum(len({run for _, run in ledger.owners}) == 3 for ledger in ledgers) > 20
    assert sum(len({run for _, run in ledger.writes}) > 1 for ledger in ledgers) > 20


def _counts_itself_out_late(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shared, "MARGIN_SECONDS", 0)


def _takes_over_early(patch: pytest.MonkeyPatch) -> None:
    judged = Watch.stood_still
    patch.setattr(Watch, "stood_still", lambda self, address, seen, asked: judged(self, address, seen, asked) + 30)


def _counts_from_the_answer(patch: pytest.MonkeyPatch) -> None:
    write = Writer.write

    def late(self: Writer, over: Seen | None, *, released: bool = False) -> writer.Answer:
        answer = write(self, over, released=released)
        return Written(answer.seen, self._clock()) if isinstance(answer, Written) else answer

    patch.setattr(Writer, "write", late)


def _takes_an_earlier_write_for_this_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(writer, "replace", lambda record, **more: replace(record, **{**more, "beat": 1, "renewed": ""}))


def _never_asks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shared.SharedLease, "check", lambda _self: None)


def _believes_a_late_answer(patch: pytest.MonkeyPatch) -> None:
    def check(self: shared.SharedLease) -> None:
        if self._clock() >= self._own_until:
            self.renew()

    patch.setattr(shared.SharedLease, "check", check)


@pytest.mark.parametrize(
    "broken",
    [
        _counts_itself_out_late,
        _takes_over_early,
        _counts_from_the_answer,
        _takes_an_earlier_write_for_this_one,
        _never_asks,
        _believes_a_late_answer,
    ],
)
def test_a_broken_rule_is_noticed(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    assert any(Schedule(seed).run().trespasses() for seed in range(_BREAKING_SEEDS))


class Alone:
    """A host of its own, whose clock stands until somebody sleeps."""

    def __init__(self, store: MemoryStore, world: list[float]) -> None:
        self.world = world
        self.leases = SharedLeases(store, SECONDS, watch=Watch(self._clock), sleep=self._sleep, renewing=False)

    def _clock(self) -> float:
        return self.world[0]

    def _sleep(self, seconds: float) -> None:
        self.world[0] += seconds


@given(beats=st.lists(st.floats(0.1, 40), max_size=5), unseen=st.floats(0, 500))
def test_who_waits_for_a_dead_run_has_its_lease_as_soon_as_it_expired(beats: list[float], unseen: float) -> None:
    world = [0.0]
    store = MemoryStore(lambda: world[0])
    dead = Alone(store, world).leases.take(KEY, Claim("dead", "a"), patience=0)
    for pause in beats:
        world[0] += pause
        dead.renew()
    world[0] += unseen
    began = world[0]
    after = Alone(store, world).leases.take(KEY, Claim("next", "b"), patience=10 * SECONDS)
    assert world[0] - began <= SECONDS + shared._POLL_SECONDS
    assert after.predecessor == "dead"
    with pytest.raises(GuardError, match="run next on host b"):
        dead.renew()


class Troubled(MemoryStore):
    """Refuses reads with these errors, one each, before it answers the rest."""

    errors: tuple[AwsError, ...] = ()

    def read(self, key: str) -> Seen | None:
        if self.errors:
            error, *rest = self.errors
            self.errors = tuple(rest)
            raise error
        return super().read(key)


def test_who_waits_goes_on_after_reads_that_are_not_answered() -> None:
    world = [0.0]
    store = Troubled(lambda: world[0])
    Alone(store, world).leases.take(KEY, Claim("dead", "a"), patience=0)
    store.errors = (AwsError("no answer", code="ReadTimeoutError"),) * 5
    assert Alone(store, world).leases.take(KEY, Claim("next", "b"), patience=2 * SECONDS).predecessor == "dead"
    assert list(store.errors) == []


def test_reads_that_are_never_answered_end_the_waiting_when_patience_is_over() -> None:
    world = [0.0]
    store = Troubled(lambda: world[0])
    store.errors = (AwsError("no answer", code="ReadTimeoutError"),) * 1000
    with pytest.raises(AwsError, match="no answer"):
        Alone(store, world).leases.take(KEY, Claim("next", "b"), patience=SECONDS)
    assert world[0] == SECONDS


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "ResourceNotFoundException"])
def test_nobody_waits_for_a_store_that_is_not_there_or_not_allowed(code: str) -> None:
    world = [0.0]
    store = Troubled(lambda: world[0])
    store.errors = (AwsError("refused", code=code),)
    with pytest.raises(AwsError, match="refused"):
        Alone(store, world).leases.take(KEY, Claim("next", "b"), patience=SECONDS)
    assert world[0] == 0


def test_a_released_lease_is_taken_at_once_and_its_holder_may_write_no_more() -> None:
    world = [0.0]
    store = MemoryStore(lambda: world[0])
    first = Alone(store, world).leases.take(KEY, Claim("first", "a"), patience=0)
    first.check()
    first.release()
    assert Alone(store, world).leases.take(KEY, Claim("second", "b"), patience=0).predecessor is None
    with pytest.raises(GuardError, match="given the lease"):
        first.check()
    assert world == [0.0]


def test_a_live_run_keeps_its_lease_however_long_somebody_waits() -> None:
    world = [0.0]
    store = MemoryStore(lambda: world[0])
    held = Alone(store, world).leases.take(KEY, Claim("alive", "a"), patience=0)
    waiting = Alone(store, world)
    slept = waiting._sleep

    def beating(seconds: float) -> None:
        slept(seconds)
        if world[0] % 10 == 0:
            held.renew()

    waiting.leases._sleep = beating
    with pytest.raises(GuardError, match="run alive on host a"):
        waiting.leases.take(KEY, Claim("next", "b"), patience=1000)
    held.check()


def test_a_paused_run_that_nobody_followed_goes_on_and_one_that_was_followed_does_not() -> None:
    world = [0.0]
    store = MemoryStore(lambda: world[0])
    paused = Alone(store, world).leases.take(KEY, Claim("paused", "a"), patience=0)
    world[0] += 10 * SECONDS
    paused.check()
    Alone(store, world).leases.take(KEY, Claim("next", "b"), patience=2 * SECONDS)
    with pytest.raises(GuardError, match="another run took over the lease memory://stack: run next on host b"):
        paused.check()


def test_a_look_ends_a_lease_only_once_it_expired_and_never_one_that_is_renewed() -> None:
    world = [0.0]
    store = MemoryStore(lambda: world[0])
    slow = Alone(store, world).leases.take(KEY, Claim("slow", "a"), patience=0)
    looking = Alone(store, world).leases
    for _ in range(20):
        assert isinstance(looking.look(KEY, "slow"), Held)
        world[0] += SECONDS - 1
        slow.renew()
    assert isinstance(looking.look(KEY, "slow"), Held)
    world[0] += SECONDS
    seen = store.read(KEY)
    assert seen is not None
    assert looking.look(KEY, "slow") == Gone(f"was not renewed for {SECONDS} s by {seen.record}")
    # It wakes up too late, and the next run need not wait.
    with pytest.raises(GuardError):
        slow.check()
    before = world[0]
    Alone(store, world).leases.take(KEY, Claim("next", "b"), patience=0)
    assert world[0] == before
    assert isinstance(looking.look(KEY, "slow"), Gone)


def test_a_run_that_goes_on_in_another_process_waits_for_the_first_one_like_everybody() -> None:
    world = [0.0]
    store = MemoryStore(lambda: world[0])
    first = Alone(store, world).leases.take(KEY, Claim("run", "a"), patience=0)
    resumed = Alone(store, world).leases.take(KEY, Claim("run", "b"), patience=2 * SECONDS)
    assert world[0] >= SECONDS
    with pytest.raises(GuardError):
        first.check()
    resumed.check()


def test_the_clock_of_leases_goes_on_while_the_machine_sleeps() -> None:
    assert watch.elapsed() >= 0
    assert watch.elapsed() <= watch.elapsed()
