"""Events of access are coalesced: one run an account, at most one in two minutes, and none is lost."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable

from secrets_pipeline.operations.verdict import AccountConcern
from secrets_pipeline.orchestration.rotation.access_runs import BETWEEN, GATHERED
from secrets_pipeline.orchestration.rotation.actors import ACTORS_TAG, calls_of
from secrets_pipeline.orchestration.rotation.event_runs import Decided, Dispatcher
from secrets_pipeline.orchestration.shared.names import ROTATION_EVENT_SENSOR
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG, LONGEST_TAG, events_of
from secrets_pipeline.rotation.events.hints import Hint, HintKind
from secrets_pipeline.rotation.events.queue import Message
from tests.rotation.event_bodies import ACCOUNT, SOMEBODY, call

JOB = "on_access_change"
OTHER = "444455556666"
START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@dataclass
class Minutes:
    """A queue, and ticks of the sensor on a clock of its own; received messages are hidden as the sensor hides them."""

    instance: dg.DagsterInstance
    now: datetime = START
    accounts: tuple[str, ...] = (ACCOUNT,)
    waiting: dict[str, tuple[Message, datetime]] = field(default_factory=dict)
    receives: dict[str, int] = field(default_factory=dict)
    runs: list[tuple[float, str]] = field(default_factory=list)

    def send(self, *, late: float = 0, claims: timedelta = timedelta(0)) -> str:
        """An event arrives, so many seconds after it happened by what it says."""
        at = self.now - timedelta(seconds=late) + claims
        event = call("PutRolePolicy", {"roleName": "shop"}, service="iam")
        event["time"] = at.isoformat()
        message = Message(str(uuid.uuid4()), "", json.dumps(event), 1, self.now)
        self.waiting[message.message_id] = (message, self.now)
        return str(event["id"])

    def tick(self, *, made: dg.DagsterRunStatus | None = dg.DagsterRunStatus.STARTING) -> Decided:
        """What the sensor does; the daemon makes the runs, unless it is killed."""
        seen = [one for one, visible in self.waiting.values() if visible <= self.now][:200]
        for one in seen:
            self.receives[one.message_id] = self.receives.get(one.message_id, 0) + 1
            self.waiting[one.message_id] = (one, self.now + timedelta(seconds=30))
        decided = Dispatcher(
            self.instance,
            ROTATION_EVENT_SENSOR,
            {HintKind.ACCESS: JOB},
            self._concerned,
            60,
            lambda: False,
            lambda: self.now,
        ).decide(seen)
        for one in decided.done:
            del self.waiting[one.message_id]
        for one, seconds in decided.later:
            self.waiting[one.message_id] = (one, self.now + timedelta(seconds=seconds))
        for request in decided.requests if made else ():
            self.make(request, made or dg.DagsterRunStatus.STARTING)
        return decided

    def make(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
        tags = {**request.tags, "dagster/run_key": request.run_key or "", "dagster/sensor_name": ROTATION_EVENT_SENSOR}
        run = dg.DagsterRun(job_name=request.job_name or "", run_id=str(uuid.uuid4()), status=status, tags=tags)
        self.instance.add_run(run)
        storage = self.instance.run_storage
        assert isinstance(storage, SqlRunStorage)
        values: dict[str, Any] = {"create_timestamp": self.now.replace(tzinfo=None)}
        with storage.connect() as connection:
            connection.execute(RunsTable.update().where(RunsTable.c.run_id == run.run_id).values(**values))
        self.runs.append(((self.now - START).total_seconds(), request.tags[ACCOUNT_TAG]))

    def pass_by(self, seconds: int) -> None:
        """Ticks every fifteen seconds."""
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            self.now += timedelta(seconds=15)
            self.tick()

    def _concerned(self, _hint: Hint) -> tuple[AccountConcern, ...]:
        return tuple(map(AccountConcern, self.accounts))


@pytest.fixture
def minutes(tmp_path: Path) -> Iterator[Minutes]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield Minutes(instance)


def test_a_burst_of_500_events_starts_one_run_within_two_minutes_and_leaves_nothing(minutes: Minutes) -> None:
    for _ in range(500):
        minutes.send()
    minutes.pass_by(600)
    [(seconds, account)] = minutes.runs
    assert seconds <= BETWEEN.total_seconds()
    assert account == ACCOUNT
    assert minutes.waiting == {}
    # A queue that forgives fewest keeps each of them out of the dead-letter queue.
    assert max(minutes.receives.values()) <= 3


def test_a_trickle_starts_one_run_every_two_minutes_at_most_and_each_event_is_followed_by_one(
    minutes: Minutes,
) -> None:
    sent = []
    for _ in range(120):
        sent.append((minutes.now - START).total_seconds())
        minutes.send()
        minutes.now += timedelta(seconds=10)
        minutes.tick()
    minutes.pass_by(300)
    moments = [seconds for seconds, _ in minutes.runs]
    assert all(later - earlier >= BETWEEN.total_seconds() for earlier, later in pairwise(moments))
    assert all(any(0 < moment - one <= 160 for moment in moments) for one in sent)
    assert minutes.waiting == {}
    assert max(minutes.receives.values()) <= 3


def test_an_event_that_comes_late_is_answered_by_the_run_that_was_made_after_it_happened(minutes: Minutes) -> None:
    minutes.send()
    minutes.pass_by(90)
    assert len(minutes.runs) == 1
    minutes.send(late=80)
    minutes.pass_by(300)
    assert len(minutes.runs) == 1
    assert minutes.waiting == {}


def test_an_event_right_before_its_run_was_made_may_not_be_seen_by_it_and_starts_another(minutes: Minutes) -> None:
    minutes.send()
    minutes.now += GATHERED
    minutes.send()
    minutes.tick()
    minutes.pass_by(300)
    assert [seconds for seconds, _ in minutes.runs] == [60, 180]


@pytest.mark.parametrize("claims", [timedelta(days=300), timedelta(days=-3000)])
def test_an_event_that_lies_about_its_time_starts_no_run_without_end(minutes: Minutes, claims: timedelta) -> None:
    minutes.send(claims=claims)
    minutes.pass_by(900)
    assert len(minutes.runs) == 1
    assert minutes.waiting == {}


def test_the_run_of_an_event_that_lies_about_its_time_is_found_by_a_daemon_that_stood_still(minutes: Minutes) -> None:
    minutes.send(claims=timedelta(days=300))
    minutes.now += timedelta(seconds=60)
    minutes.tick()
    assert len(minutes.runs) == 1
    minutes.now += timedelta(hours=5)
    assert minutes.tick().requests == []
    assert minutes.waiting == {}


def test_a_daemon_that_is_killed_before_it_makes_the_run_is_asked_for_it_again(minutes: Minutes) -> None:
    minutes.send()
    minutes.now += timedelta(seconds=75)
    [request] = minutes.tick(made=None).requests
    minutes.pass_by(30)
    assert len(minutes.runs) == 1
    [again] = [run.tags["dagster/run_key"] for run in minutes.instance.get_runs()]
    assert again == request.run_key


def test_a_run_that_a_killed_daemon_made_and_did_not_submit_is_asked_for_under_its_key(minutes: Minutes) -> None:
    minutes.send()
    minutes.now += timedelta(seconds=75)
    [request] = minutes.tick(made=dg.DagsterRunStatus.NOT_STARTED).requests
    minutes.send()
    minutes.now += timedelta(seconds=30)
    [again] = minutes.tick(made=None).requests
    assert (again.run_key, again.tags[ACCOUNT_TAG]) == (request.run_key, ACCOUNT)


def test_a_run_that_failed_before_its_first_step_answers_nothing_and_is_repeated_under_another_key(
    minutes: Minutes,
) -> None:
    minutes.send()
    minutes.now += timedelta(seconds=75)
    [first] = minutes.tick(made=dg.DagsterRunStatus.FAILURE).requests
    minutes.pass_by(180)
    keys = {run.tags["dagster/run_key"] for run in minutes.instance.get_runs()}
    assert keys == {first.run_key, f"{first.run_key}:2"}
    assert minutes.waiting == {}


def test_each_account_that_an_event_concerns_gets_a_run_and_the_message_stays_until_all_have_one(
    minutes: Minutes,
) -> None:
    minutes.send()
    minutes.pass_by(75)
    minutes.accounts = (ACCOUNT, OTHER)
    minutes.send()
    minutes.pass_by(75)
    assert sorted(account for _, account in minutes.runs) == [ACCOUNT, OTHER]
    assert len(minutes.waiting) == 1
    minutes.pass_by(120)
    assert sorted(account for _, account in minutes.runs) == [ACCOUNT, ACCOUNT, OTHER]
    assert minutes.waiting == {}


def test_the_run_says_which_events_it_answers_and_who_called_what_as_far_as_that_fits_a_tag(minutes: Minutes) -> None:
    events = [minutes.send() for _ in range(200)]
    minutes.now += timedelta(seconds=75)
    [request] = minutes.tick(made=None).requests
    assert set(events_of(request.tags)) <= {*events, "…"}
    assert len(request.tags[ACTORS_TAG]) <= LONGEST_TAG
    calls = calls_of(dg.DagsterRun(job_name=JOB, run_id=str(uuid.uuid4()), tags=dict(request.tags)))
    assert 1 < len(calls) < 200
    assert calls[0].about == "shop"
    assert str(calls[0]).startswith(f"PutRolePolicy of shop by {SOMEBODY}")


@pytest.mark.parametrize("tag", ["", "{}", "[1]", '[["a"]]', '[["a", "b", "c", "d"]]', "null", "[" * 5000])
def test_a_tag_that_nobody_of_ours_wrote_names_nobody(tag: str) -> None:
    run = dg.DagsterRun(job_name=JOB, run_id=str(uuid.uuid4()), tags={ACTORS_TAG: tag})
    assert calls_of(run) == ()
