"""An expired lease: when another run may take it over, what that run is told, and what the first one says then."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from secrets_pipeline.aws.leases.model import Claim, Gone, Held
from secrets_pipeline.aws.leases.record import LeaseRecord, Seen
from secrets_pipeline.aws.leases.shared import MARGIN_SECONDS, SharedLease, SharedLeases
from secrets_pipeline.aws.leases.watch import Watch
from secrets_pipeline.desired.settings.leases import BucketLeases
from secrets_pipeline.errors import AwsError, GuardError
from tests.aws.leases.ground import KEY, MemoryStore

DEFAULT = BucketLeases(bucket="leases", region="eu-west-2")
EXPIRY = DEFAULT.seconds + DEFAULT.takeover_delay


class World:
    """Hosts that share a store, and one time."""

    def __init__(self, *, seconds: int = DEFAULT.seconds, delay: int = DEFAULT.takeover_delay) -> None:
        self.now = 1000.0
        self.meanwhile: Callable[[], None] = lambda: None
        self._seconds = seconds
        self._delay = delay
        self.store = MemoryStore(lambda: self.now)

    def host(self) -> SharedLeases:
        def sleep(seconds: float) -> None:
            self.now += seconds
            self.meanwhile()

        return SharedLeases(
            self.store,
            self._seconds,
            takeover_delay=self._delay,
            watch=Watch(lambda: self.now),
            sleep=sleep,
            renewing=False,
        )

    def take(self, run: str, *, patience: float = 0, tell: Callable[[str], None] = print) -> SharedLease:
        return self.host().take(KEY, Claim(run, f"host-of-{run}"), patience=patience, tell=tell)

    def record(self) -> LeaseRecord:
        seen = self.store.read(KEY)
        assert seen is not None
        return seen.record


def test_by_default_an_expired_lease_is_taken_over_once_aws_refuses_what_its_run_signed() -> None:
    world = World()
    world.take("dead")
    began = world.now
    after = world.take("next", patience=2 * EXPIRY)
    assert EXPIRY == 460
    assert EXPIRY <= world.now - began <= EXPIRY + 2
    assert (after.predecessor, after.unsettled) == ("dead", "dead")


def test_a_lease_that_was_given_back_is_taken_at_once_and_leaves_nothing_unsettled() -> None:
    world = World()
    world.take("first").release()
    began = world.now
    after = world.take("next")
    assert (world.now, after.predecessor, after.unsettled) == (began, None, "")


def test_a_look_ends_an_expired_lease_no_sooner_than_a_run_takes_it_over() -> None:
    world = World()
    world.take("dead")
    looking = world.host()
    assert isinstance(looking.look(KEY, "dead"), Held)
    world.now += EXPIRY - 1
    assert isinstance(looking.look(KEY, "dead"), Held)
    world.now += 1
    assert isinstance(looking.look(KEY, "dead"), Gone)
    assert world.take("next").unsettled == "dead"


def test_what_a_dead_run_left_is_unsettled_until_a_run_has_compared_everything() -> None:
    world = World(delay=0)
    world.take("dead")
    second = world.take("second", patience=2 * EXPIRY)
    second.renew()
    second.release()
    third = world.take("third")
    assert (third.predecessor, third.unsettled) == (None, "dead")
    third.settle()
    third.renew()
    third.release()
    assert world.take("fourth").unsettled == ""


def test_a_run_that_waits_says_whose_lease_it_is_and_why_and_until_when() -> None:
    world, told = World(), list[str]()
    world.take("dead")
    world.take("next", patience=2 * EXPIRY, tell=told.append)
    assert len(told) == 2
    whose = f"waits for the lease memory://{KEY} of run dead on host host-of-dead, which took it at "
    assert all(one.startswith(whose) for one in told)
    assert "That run renews it. This run gives up at " in told[0]
    why = "That run has stopped renewing it. It expires 160 s after it was last renewed, and AWS may perform what that "
    assert f"{why}run has signed for 300 s more. This run takes over at " in told[1]
    takes_over = told[1].partition("takes over at ")[2].split()[0]
    # Told after 40 s, so 420 s before.
    expected = datetime.now(UTC) + timedelta(seconds=EXPIRY - 40)
    there = datetime.strptime(takes_over, "%H:%M:%S").replace(tzinfo=UTC)
    assert (expected - there).total_seconds() % 86_400 < 60


def test_a_run_that_renews_a_long_lease_in_time_is_not_said_to_have_stopped() -> None:
    world, told = World(seconds=900), list[str]()
    holder = world.take("alive")
    began = world.now

    def on_time() -> None:
        if (world.now - began) % 195 < 1:
            holder.renew()

    world.meanwhile = on_time
    with pytest.raises(GuardError, match="another run has held the lease"):
        world.take("next", patience=1000, tell=told.append)
    assert told
    assert not [one for one in told if "stopped" in one]


def lost(world: World) -> SharedLease:
    """The lease of a run that stood still until another one had it."""
    lease = world.take("slow")
    world.take("next", patience=2 * EXPIRY)
    return lease


def test_calls_that_aws_answered_while_another_run_had_the_lease_are_named() -> None:
    lease = lost(World())
    lease.answered("DeleteResourcePolicy shop/dev/api")
    lease.answered("TagResource shop/dev/api")
    with pytest.raises(GuardError) as refused:
        lease.confirm()
    assert "run next on host host-of-next" in refused.value.message
    calls = "DeleteResourcePolicy shop/dev/api, TagResource shop/dev/api"
    assert f"AWS answered these calls after this run could no longer trust its lease: {calls}" in refused.value.message
    assert "apply --deep" in refused.value.remedy


def test_calls_that_were_answered_late_are_forgotten_if_nobody_had_the_lease_meanwhile() -> None:
    world = World()
    lease = world.take("slow")
    world.now += 10 * EXPIRY
    lease.answered("TagResource shop/dev/api")
    lease.confirm()
    world.take("next", patience=2 * EXPIRY)
    with pytest.raises(GuardError) as refused:
        lease.confirm()
    assert "TagResource" not in str(refused.value)


def test_a_run_whose_store_does_not_answer_at_its_end_trusts_its_clock_as_long_as_it_may() -> None:
    world = World()
    lease = world.take("run")

    def silent(*_: object) -> Seen | None:
        raise AwsError("no answer", code="ReadTimeoutError")

    world.store.write = silent  # type: ignore[method-assign,assignment] # whatever is written
    lease.confirm()
    world.now += EXPIRY
    with pytest.raises(AwsError, match="no answer"):
        lease.confirm()


class Dated(MemoryStore):
    """A store that dates its answers, as S3 does.

    Attributes:
        behind: seconds by which its clock is behind the one of this host.
    """

    behind = 0.0

    def write(self, key: str, record: LeaseRecord, over: Seen | None) -> Seen | None:
        written = super().write(key, record, over)
        return written and replace(written, dated=datetime.now(UTC) - timedelta(seconds=self.behind))


@pytest.mark.parametrize(("behind", "allowed"), [(-3600, True), (0, True), (50, True), (70, False), (3600, False)])
def test_a_run_whose_clock_is_ahead_of_aws_writes_nothing(behind: float, *, allowed: bool) -> None:
    world = World()
    world.store = Dated(lambda: world.now)
    world.store.behind = behind
    lease = world.take("run")
    if allowed:
        lease.check()
        return
    with pytest.raises(GuardError, match=f"the clock of this host is {behind:.0f} s ahead of AWS's"):
        lease.check()
    world.store.behind = 0
    lease.check()


def test_an_answer_that_is_read_late_does_not_put_the_clock_ahead() -> None:
    world = World()
    world.store = store = Dated(lambda: world.now)
    lease = world.take("run")
    write = store.write

    def read_late(key: str, record: LeaseRecord, over: Seen | None) -> Seen | None:
        store.behind, store.write = 65, write  # type: ignore[method-assign] # the next one is prompt
        written = write(key, record, over)
        store.behind = 0
        world.now += 65
        return written

    store.write = read_late  # type: ignore[method-assign] # this one time
    world.now += DEFAULT.seconds
    lease.check()
    assert world.record().beat == 3


def test_a_lease_is_renewed_on_after_a_beat_whose_clock_was_ahead() -> None:
    store = Dated(time.monotonic)
    leases = SharedLeases(store, MARGIN_SECONDS + 1, watch=Watch(time.monotonic))
    lease = leases.take(KEY, Claim("run", "host"), patience=0)
    try:
        store.behind = 70
        _wait_for_beat(store, 2)
        store.behind = 0
        _wait_for_beat(store, 4)
    finally:
        lease.release()


def _wait_for_beat(store: MemoryStore, beat: int) -> None:
    until = time.monotonic() + 20
    while (seen := store.read(KEY)) is not None and seen.record.beat < beat:
        assert time.monotonic() < until, f"beat {seen.record.beat}"
        time.sleep(0.05)


def test_a_run_whose_clock_of_leases_stood_still_asks_the_store_as_soon_as_its_dates_are_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a machine that was paused with its clock, and got the right date as it went on."""
    world = World(delay=0)
    world.store = Dated(lambda: world.now)
    lease = world.take("paused")
    lease.check()
    before = world.now
    world.take("next", patience=2 * EXPIRY)
    world.now = before

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override] # noqa: ARG003 - always UTC
            return datetime.now(UTC) + timedelta(seconds=EXPIRY)

    monkeypatch.setattr("secrets_pipeline.aws.leases.shared.datetime", Later)
    with pytest.raises(GuardError, match="another run took over"):
        lease.check()
