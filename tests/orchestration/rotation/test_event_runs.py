"""What a tick decides about the messages that it received: by the runs of an instance, without AWS."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable

from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.verdict import Concern, Unread, Verdict
from secrets_pipeline.orchestration.rotation.event_runs import MOST_ATTEMPTS, Decided, Dispatcher
from secrets_pipeline.orchestration.shared.names import ROTATION_EVENT_SENSOR
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ATTEMPT_TAG, LONGEST_TAG, events_of
from secrets_pipeline.rotation.events.hints import Hint, HintKind
from secrets_pipeline.rotation.events.queue import Message
from tests.rotation.event_bodies import call, label_updated

STACK = "shop-dev"
MAX_RECEIVES = 10


@dataclass
class Desk:
    """Where ticks are decided; every event concerns one stack, and an apply did what some ask for."""

    instance: dg.DagsterInstance
    asked: list[str] = field(default_factory=list)
    refusal: AwsError | None = None
    done: set[str] = field(default_factory=set)
    unread: Unread | None = None

    def decide(self, *messages: Message, is_late: Callable[[], bool] = lambda: False) -> Decided:
        """What one tick decides."""
        jobs = {HintKind.ROTATED: "provision", HintKind.TAMPERED: "on_outside_change"}
        dispatcher = Dispatcher(
            self.instance,
            ROTATION_EVENT_SENSOR,
            jobs,
            self._concerned,
            MAX_RECEIVES,
            is_late,
            is_done=lambda hint, _: hint.event_id in self.done,
        )
        return dispatcher.decide(messages)

    def make(
        self,
        requests: Sequence[dg.RunRequest],
        status: dg.DagsterRunStatus,
        *,
        sensor: str = ROTATION_EVENT_SENSOR,
        age: int = 0,
    ) -> None:
        """What the daemon does with requests, some hours ago."""
        for request in requests:
            tags = {**request.tags, "dagster/run_key": request.run_key or "", "dagster/sensor_name": sensor}
            run = dg.DagsterRun(job_name=request.job_name or "", run_id=str(uuid.uuid4()), status=status, tags=tags)
            self.instance.add_run(run)
            storage = self.instance.run_storage
            assert isinstance(storage, SqlRunStorage)
            # No API of Dagster makes a run of the past.
            made = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=age)
            with storage.connect() as connection:
                of_run = RunsTable.c.run_id == run.run_id
                connection.execute(RunsTable.update().where(of_run).values(create_timestamp=made))

    def _concerned(self, hint: Hint) -> Verdict:
        self.asked.append(hint.event_id)
        if self.refusal is not None:
            raise self.refusal
        if self.unread is not None:
            return self.unread
        return (Concern(STACK, hint.secret or ""),)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield Desk(instance)


def event(*, age: float = 0) -> dict[str, Any]:
    """Of a rotation some hours ago, by AWS's clock."""
    at = datetime.now(UTC) - timedelta(hours=age)
    return label_updated("shop/dev/one", time=at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def message(body: Mapping[str, Any] | str, *, receives: int = 1) -> Message:
    text = body if isinstance(body, str) else json.dumps(body)
    return Message(str(uuid.uuid4()), str(uuid.uuid4()), text, receives)


def test_the_events_of_a_run_give_one_key_in_whatever_order_their_messages_come(desk: Desk) -> None:
    events = [event(age=age) for age in (3, 2, 1)]
    found = [desk.decide(*order).requests for order in itertools.permutations([message(one) for one in events])]
    assert {(one.run_key, tuple(events_of(one.tags))) for requests in found for one in requests} == {
        (f"{events[0]['id']}:provision:{STACK}", tuple(one["id"] for one in events))
    }


def test_a_run_for_an_event_that_was_tried_before_has_another_key_though_a_new_event_shares_it(desk: Desk) -> None:
    old, new = message(event(age=1)), message(event())
    first = desk.decide(old).requests
    desk.make(first, dg.DagsterRunStatus.FAILURE)
    [request] = desk.decide(old, new).requests
    assert request.tags[ATTEMPT_TAG] == "2"
    # Dagster makes no second run under the key of the first.
    assert request.run_key != first[0].run_key


def test_an_event_that_was_put_back_after_its_tries_has_as_many_again_and_each_a_key_of_its_own(desk: Desk) -> None:
    sent = datetime.now(UTC) - timedelta(hours=2)
    one = replace(message(event(age=2)), sent=sent)
    keys = []
    for _ in range(MOST_ATTEMPTS):
        [request] = desk.decide(one).requests
        desk.make([request], dg.DagsterRunStatus.FAILURE, age=1)
        keys.append(request.run_key)
    assert desk.decide(one).requests == []
    redriven = replace(one, message_id=str(uuid.uuid4()), sent=datetime.now(UTC) - timedelta(minutes=1))
    for attempt in ("4", "5", "6"):
        [request] = desk.decide(redriven).requests
        assert request.tags[ATTEMPT_TAG] == attempt
        desk.make([request], dg.DagsterRunStatus.FAILURE)
        keys.append(request.run_key)
    assert desk.decide(redriven).requests == []
    assert len(set(keys)) == 6


def test_a_run_that_was_started_at_a_later_try_covers_its_event(desk: Desk) -> None:
    one = message(event())
    desk.make(desk.decide(one).requests, dg.DagsterRunStatus.FAILURE)
    desk.make(desk.decide(one).requests, dg.DagsterRunStatus.STARTED)
    decided = desk.decide(one)
    assert (decided.done, decided.requests) == ([one], [])


def test_a_run_covers_its_event_though_a_much_newer_one_came_with_it(desk: Desk) -> None:
    old, new = message(event(age=5)), message(event())
    desk.make(desk.decide(old).requests, dg.DagsterRunStatus.SUCCESS, age=5)
    decided = desk.decide(old, new)
    assert decided.done == [old]
    assert [[*events_of(one.tags)] for one in decided.requests] == [[json.loads(new.body)["id"]]]


def test_a_run_covers_its_event_though_the_clock_of_aws_is_ahead(desk: Desk) -> None:
    one = message(event(age=-0.5))
    desk.make(desk.decide(one).requests, dg.DagsterRunStatus.SUCCESS)
    assert desk.decide(one).done == [one]


def test_a_run_covers_its_event_whatever_zone_the_event_tells_its_time_in(desk: Desk) -> None:
    at = datetime.now(UTC).astimezone(timezone(timedelta(hours=14)))
    one = message(label_updated("shop/dev/one", time=at.isoformat()))
    desk.make(desk.decide(one).requests, dg.DagsterRunStatus.SUCCESS)
    assert desk.decide(one).done == [one]


def test_an_event_whose_time_no_clock_shows_leaves_its_neighbours_alone(desk: Desk) -> None:
    odd = message(call("PutResourcePolicy", {"secretId": "shop/dev/one"}, eventTime="0001-01-01T00:00:00+01:00"))
    [first, second] = desk.decide(odd, message(event())).requests
    assert {first.job_name, second.job_name} == {"on_outside_change", "provision"}


def test_a_run_that_the_sensor_did_not_ask_for_covers_nothing(desk: Desk) -> None:
    one = message(event())
    requests = desk.decide(one).requests
    desk.make(requests, dg.DagsterRunStatus.SUCCESS, sensor="another_sensor")
    decided = desk.decide(one)
    assert (decided.done, [again.run_key for again in decided.requests]) == ([], [requests[0].run_key])


def test_a_run_that_a_killed_daemon_left_unstarted_covers_nothing_and_hides_no_other_run(desk: Desk) -> None:
    old, new = message(event(age=1)), message(event())
    desk.make(desk.decide(old).requests, dg.DagsterRunStatus.SUCCESS, age=1)
    asked = desk.decide(old, new).requests
    desk.make(asked, dg.DagsterRunStatus.NOT_STARTED)
    decided = desk.decide(old, new)
    assert (decided.done, [one.run_key for one in decided.requests]) == ([old], [one.run_key for one in asked])


def test_a_run_that_a_killed_daemon_left_is_asked_for_again_whichever_of_its_messages_comes(desk: Desk) -> None:
    old, new, newest = message(event(age=2)), message(event(age=1)), message(event())
    [left] = desk.decide(old, new).requests
    desk.make([left], dg.DagsterRunStatus.NOT_STARTED)
    [again] = desk.decide(new).requests
    assert (again.run_key, again.job_name, again.tags) == (left.run_key, left.job_name, left.tags)
    assert [one.run_key for one in desk.decide(new, newest, old).requests] == [
        left.run_key,
        f"{json.loads(newest.body)['id']}:provision:{STACK}",
    ]


def test_a_run_that_a_killed_daemon_left_of_a_job_that_is_gone_is_not_asked_for_again(desk: Desk) -> None:
    one = message(event())
    (asked,) = desk.decide(one).requests
    desk.make([asked.with_replaced_attrs(job_name="gone", run_key="gone")], dg.DagsterRunStatus.NOT_STARTED)
    assert [again.run_key for again in desk.decide(one).requests] == [asked.run_key]


def test_a_tick_that_has_no_time_left_asks_nothing_more_and_leaves_what_it_did_not_ask_about(desk: Desk) -> None:
    first, second = event(), event()
    decided = desk.decide(message(first), message(second), is_late=lambda: bool(desk.asked))
    assert desk.asked == [first["id"]]
    assert [[*events_of(one.tags)] for one in decided.requests] == [[first["id"]]]
    assert decided.done == []


def test_a_tick_asks_last_about_what_was_looked_at_most(desk: Desk) -> None:
    old, new = event(age=1), event()
    desk.decide(message(old, receives=2), message(new), is_late=lambda: bool(desk.asked))
    assert desk.asked == [new["id"]]


def test_an_event_that_aws_cannot_be_asked_about_is_said_and_comes_again(desk: Desk) -> None:
    one = event()
    desk.refusal = AwsError("AWS is away")
    decided = desk.decide(message(one))
    [(level, text)] = decided.notices
    assert (level, decided.done, decided.requests) == ("warning", [], [])
    assert one["id"] in text
    assert "AWS is away" in text


def test_a_message_that_is_no_event_is_said_when_it_comes_first_without_a_word_of_it(desk: Desk) -> None:
    poison = message("canary-71c3 is no event")
    decided = desk.decide(poison)
    [(level, text)] = decided.notices
    assert (level, decided.done, decided.requests) == ("error", [], [])
    assert poison.message_id in text
    assert "canary" not in text
    assert desk.decide(message(poison.body, receives=2)).notices == []


def test_an_event_that_may_concern_a_stack_with_errors_waits_and_that_is_said_once(desk: Desk) -> None:
    one = message(event())
    desk.unread = Unread("nobody is known to own it, and shop-dev has errors")
    decided = desk.decide(one)
    assert (decided.done, decided.waiting, decided.requests) == ([], [one], [])
    [(level, text)] = decided.notices
    assert level == "warning"
    assert "shop-dev has errors" in text
    assert desk.decide(replace(one, receives=2)).notices == []


def test_an_event_that_may_concern_further_stacks_has_its_run_of_those_that_are_known_and_stays(desk: Desk) -> None:
    one = message(event())
    desk.unread = Unread("other-dev has errors", known=(Concern(STACK),))
    decided = desk.decide(one)
    assert [request.tags[PARTITION_TAG] for request in decided.requests] == [STACK]
    desk.make(decided.requests, dg.DagsterRunStatus.SUCCESS)
    decided = desk.decide(one)
    assert (decided.done, decided.waiting, decided.requests) == ([], [one], [])


UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@pytest.mark.parametrize("status", UNDER_WAY)
def test_an_event_of_a_stack_whose_run_is_under_way_waits_for_its_end_and_is_then_judged(
    desk: Desk, status: dg.DagsterRunStatus
) -> None:
    run_id = str(uuid.uuid4())
    desk.instance.add_run(dg.DagsterRun("apply", run_id=run_id, status=status, tags={PARTITION_TAG: STACK}))
    one = message(event())
    decided = desk.decide(one)
    assert (decided.done, decided.waiting, decided.requests) == ([], [one], [])
    desk.instance.delete_run(run_id)
    decided = desk.decide(one)
    assert (decided.done, decided.waiting) == ([], [])
    assert len(decided.requests) == 1


def test_what_a_run_under_way_does_itself_is_judged_at_its_end(desk: Desk) -> None:
    run = dg.DagsterRun("apply", run_id=str(uuid.uuid4()), status=UNDER_WAY[1], tags={PARTITION_TAG: STACK})
    desk.instance.add_run(run)
    one, other = event(), event()
    desk.done = {one["id"]}
    assert desk.decide(message(one)).done == []
    desk.instance.delete_run(run.run_id)
    own = message(one)
    decided = desk.decide(own, message(other))
    assert decided.done == [own]
    assert [[*events_of(request.tags)] for request in decided.requests] == [[other["id"]]]


def test_a_run_that_a_killed_daemon_left_is_asked_for_again_though_an_apply_did_what_it_is_for(desk: Desk) -> None:
    one = event()
    (asked,) = desk.decide(message(one)).requests
    desk.make([asked], dg.DagsterRunStatus.NOT_STARTED)
    desk.done = {one["id"]}
    assert [again.run_key for again in desk.decide(message(one)).requests] == [asked.run_key]


def test_an_event_of_a_run_that_goes_on_and_on_gets_one_behind_it_and_is_never_a_dead_letter(desk: Desk) -> None:
    run = dg.DagsterRun("apply", run_id=str(uuid.uuid4()), status=UNDER_WAY[1], tags={PARTITION_TAG: STACK})
    desk.instance.add_run(run)
    one = event()
    looks = (desk.decide(message(one, receives=number)) for number in range(1, MAX_RECEIVES))
    asked = next(decided for decided in looks if not decided.waiting)
    desk.make(asked.requests, dg.DagsterRunStatus.STARTING)
    assert len(desk.decide(message(one, receives=MAX_RECEIVES)).done) == 1


def test_an_event_does_not_wait_for_a_run_that_has_not_begun_nor_for_one_of_another_stack(desk: Desk) -> None:
    for stack, status in ((STACK, dg.DagsterRunStatus.NOT_STARTED), ("other-dev", dg.DagsterRunStatus.STARTED)):
        run = dg.DagsterRun("apply", run_id=str(uuid.uuid4()), status=status, tags={PARTITION_TAG: stack})
        desk.instance.add_run(run)
    assert len(desk.decide(message(event())).requests) == 1


def test_tampering_waits_for_no_run(desk: Desk) -> None:
    run = dg.DagsterRun("apply", run_id=str(uuid.uuid4()), status=UNDER_WAY[1], tags={PARTITION_TAG: STACK})
    desk.instance.add_run(run)
    decided = desk.decide(message(call("PutResourcePolicy", {"secretId": "shop/dev/one"})))
    assert (decided.waiting, len(decided.requests)) == ([], 1)


def test_no_tag_is_longer_than_a_database_can_index_and_each_event_is_found_by_them(desk: Desk) -> None:
    messages = [message(event(age=age)) for age in range(1, 101)]
    (request,) = desk.decide(*messages).requests
    assert max(len(tag) + len(value) for tag, value in request.tags.items()) <= LONGEST_TAG + 50
    assert set(events_of(request.tags)) == {json.loads(one.body)["id"] for one in messages}
    desk.make([request], dg.DagsterRunStatus.SUCCESS)
    assert len(desk.decide(*messages).done) == len(messages)
