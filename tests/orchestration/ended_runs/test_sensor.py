"""Each run that ended is looked at once: which checks turned red, what failed, what follows."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.errors import StackError
from secrets_pipeline.orchestration.alerts.alerting import ALERTS
from secrets_pipeline.orchestration.alerts.verdicts import Verdict, after, transitions
from secrets_pipeline.orchestration.ended_runs import cursor as cursors
from secrets_pipeline.orchestration.ended_runs import sensor as ended
from secrets_pipeline.orchestration.ended_runs.cursor import Cursor
from secrets_pipeline.orchestration.rotation.actors import actors_tag
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from secrets_pipeline.orchestration.verification.history import last_evaluation
from secrets_pipeline.rotation.events.hints import Hint
from secrets_pipeline.rotation.events.parsing import parse
from tests.orchestration.conftest import Repository
from tests.orchestration.ended_runs.watched import CANCELED, ELSE, FAILURE, READ, SUCCESS, Watched
from tests.rotation.event_bodies import SOMEBODY, call


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield Watched(instance)


def test_one_alert_a_check_stack_and_transition_red_and_green_again(watched: Watched) -> None:
    watched.run({READ: True, ELSE: True})
    watched.tick()
    assert watched.alerts() == []
    watched.run({READ: False, ELSE: True})
    watched.tick()
    watched.run({READ: False})
    watched.run({READ: False}, stack="b-dev")
    watched.tick()
    assert watched.alerts() == ["a-dev: consumers_can_read is red", "b-dev: consumers_can_read is red"]
    watched.run({READ: True})
    watched.tick()
    # The same again within the hour is another transition.
    watched.run({READ: False})
    watched.tick()
    assert watched.alerts()[2:] == [
        "a-dev: consumers_can_read is not red any longer",
        "a-dev: consumers_can_read is red",
    ]
    watched.tick()
    assert len(watched.alerts()) == 4
    assert watched.skipped == "0 runs ended, 0 checks evaluated; red: 2"


def test_the_alert_of_a_red_check_names_who_called_what_its_run_answers(watched: Watched) -> None:
    hint = parse(json.dumps(call("PutRolePolicy", {"roleName": "shop"}, service="iam", sourceIPAddress="203.0.113.7")))
    assert isinstance(hint, Hint)
    watched.run({READ: False}, job="provision", tags=actors_tag([(hint, "shop")]))
    watched.tick()
    [said] = watched.instance.fetch_observations(dg.AssetKey(ALERTS), limit=2).records
    assert said.asset_observation is not None
    text = str(said.asset_observation.metadata["text"].value)
    assert f"Before it: PutRolePolicy of shop by {SOMEBODY}, from 203.0.113.7" in text


def test_transitions_between_two_ticks_are_told_each(watched: Watched) -> None:
    for passed in (True, False, True, False):
        watched.run({READ: passed})
    watched.tick()
    assert watched.alerts() == [
        "a-dev: consumers_can_read is red",
        "a-dev: consumers_can_read is not red any longer",
        "a-dev: consumers_can_read is red",
    ]


def test_two_accounts_that_fail_with_the_same_words_are_two_alerts(watched: Watched) -> None:
    for account in ("111122223333", "444455556666", "444455556666"):
        watched.run(job="verify", stack=None, status=FAILURE, tags={ACCOUNT_TAG: account})
    watched.tick()
    assert watched.alerts() == [
        f"Verify of {one} failed: PIPELINE_FAILURE happened" for one in ("111122223333", "444455556666")
    ]


def test_what_was_seen_before_it_turned_red_and_told_after_it_does_not_say_that_it_is_green(watched: Watched) -> None:
    slow, quick = watched.begin("provision"), watched.begin("verify")
    watched.evaluate(quick, {READ: False}, looked=time.time() - 10)
    watched.evaluate(slow, {READ: True}, looked=time.time() - 60)
    for run in (quick, slow):
        watched.end(run, SUCCESS)
    watched.tick()
    assert watched.alerts() == ["a-dev: consumers_can_read is red"]


def test_what_only_waits_is_not_red(watched: Watched) -> None:
    watched.run({READ: dg.AssetCheckSeverity.WARN})
    watched.tick()
    assert watched.alerts() == []


def test_a_tick_that_is_repeated_says_nothing_again(watched: Watched) -> None:
    watched.run({READ: False})
    watched.run(job="provision", status=FAILURE)
    watched.tick()
    said = watched.alerts()
    assert len(said) == 2
    # A daemon that dies behind the alert has not kept the cursor.
    watched.cursor = None
    watched.tick()
    assert watched.alerts() == said


def test_a_failed_run_that_dagster_repeats_is_told_by_the_last_of_them(watched: Watched) -> None:
    first = watched.run(job="provision", status=FAILURE, tags={"dagster/will_retry": "true"})
    watched.tick()
    watched.instance.add_run_tags(first, {"dagster/auto_retry_run_id": str(uuid.uuid4())})
    watched.tick()
    watched.tick()
    assert watched.alerts() == []
    watched.run(job="provision", status=FAILURE, tags={"dagster/will_retry": "false"})
    watched.tick()
    assert len(watched.alerts()) == 1


def test_a_failed_run_that_dagster_did_not_repeat_is_told(watched: Watched) -> None:
    given_up = watched.run({READ: False}, job="provision", status=FAILURE, tags={"dagster/will_retry": "true"})
    watched.run(job="provision", stack="b-dev", status=FAILURE, tags={"dagster/will_retry": "true"})
    watched.tick()
    assert watched.alerts() == ["a-dev: consumers_can_read is red"]
    # Dagster's daemon says so where the run's job is no more.
    watched.instance.add_run_tags(given_up, {"dagster/will_retry": "false"})
    watched.tick()
    assert watched.alerts()[1:] == ["Apply of a-dev failed: PIPELINE_FAILURE happened"]
    watched.ahead = 700.0
    watched.tick()
    watched.tick()
    assert watched.alerts()[2:] == ["Apply of b-dev failed: PIPELINE_FAILURE happened"]


def test_a_failed_run_of_which_dagster_has_not_said_yet_whether_it_is_repeated_waits_for_that(tmp_path: Path) -> None:
    repeats = {"run_retries": {"enabled": True, "max_retries": 2}}
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path), settings=repeats) as instance:
        watched = Watched(instance)
        # As it is between the status and the tag, which Dagster writes one after the other.
        instance.add_dynamic_partitions(PLAIN.of("stacks"), ["a-dev"])
        run = str(uuid.uuid4())
        instance.add_run(dg.DagsterRun("provision", run_id=run, status=FAILURE, tags={PARTITION_TAG: "a-dev"}))
        watched.tick()
        assert watched.alerts() == []
        instance.add_run_tags(run, {"dagster/will_retry": "false"})
        watched.tick()
        assert len(watched.alerts()) == 1


def test_what_there_was_no_time_to_tell_is_told_at_the_next_tick(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stack in ("a-dev", "b-dev"):
        watched.run({READ: False}, stack=stack)
    clock = SimpleNamespace(monotonic=lambda: 1e9 if watched.alerts() else 0.0)
    monkeypatch.setattr(ended, "time", clock)
    watched.tick()
    assert watched.alerts() == ["a-dev: consumers_can_read is red"]
    monkeypatch.undo()
    watched.tick()
    watched.run({READ: True}, stack="b-dev")
    watched.tick()
    watched.tick()
    assert watched.alerts()[1:] == [
        "b-dev: consumers_can_read is red",
        "b-dev: consumers_can_read is not red any longer",
    ]


def test_a_stack_that_was_retired_is_not_red_for_ever(watched: Watched) -> None:
    watched.run({READ: False})
    watched.tick()
    watched.instance.delete_dynamic_partition(PLAIN.of("stacks"), "a-dev")
    watched.tick()
    assert watched.skipped == "0 runs ended, 0 checks evaluated; red: 0"
    watched.run({READ: False})
    watched.tick()
    assert watched.alerts() == ["a-dev: consumers_can_read is red"] * 2


def test_an_evaluation_without_a_stack_says_nothing_of_stacks(watched: Watched) -> None:
    watched.run({READ: False}, stack=None)
    watched.tick()
    assert watched.alerts() == []


def test_runs_of_another_code_location_are_not_ours(watched: Watched) -> None:
    watched.run({READ: False}, job="payments_verify")
    watched.run(job="payments_provision", status=FAILURE)
    watched.tick()
    assert watched.alerts() == []


def test_no_run_is_passed_over_where_many_end_at_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursors, "MOST_RUNS", 3)
    for number in range(10):
        watched.run({READ: False}, stack=f"stack-{number}")
    for _ in range(4):
        watched.tick()
    assert len(watched.alerts()) == 10


def test_a_run_that_was_left_and_changed_since_hides_none_that_ended_before_and_was_not_reached() -> None:
    def ended(run_id: str, at: float) -> dg.RunRecord:
        when = datetime.fromtimestamp(at, UTC)
        return dg.RunRecord(0, dg.DagsterRun("verify", run_id=run_id), when, when)

    # Dagster tags a run that it repeats, and Dagster's clock goes on.
    repeated = ended("11111111-0000-4000-8000-000000000000", 5000.0)
    reached = ended("22222222-0000-4000-8000-000000000000", 1100.0)
    later = Cursor(1000.0, left=[repeated.dagster_run.run_id]).after([repeated, reached], [])
    assert later.since == 1100.0
    assert set(later.seen) == {repeated.dagster_run.run_id, reached.dagster_run.run_id}


def test_the_last_verdict_stands_where_a_run_broke_before_its_checks(watched: Watched) -> None:
    watched.run({READ: False, ELSE: True}, planned=(READ, ELSE))
    broken = watched.run({}, job="provision", status=FAILURE, planned=(READ, ELSE))
    storage = watched.instance.event_log_storage

    def newest(key: dg.AssetCheckKey) -> tuple[str, str, str]:
        (record,) = storage.get_asset_check_execution_history(key, limit=1)
        said = record.evaluation.description if isinstance(record.evaluation, dg.AssetCheckEvaluation) else None
        return record.run_id, record.status.value, str(said)

    assert newest(READ)[:2] == (broken, "PLANNED")
    looked = last_evaluation(watched.instance, READ, "a-dev")
    watched.tick()
    assert newest(READ)[:2] == (broken, "FAILED")
    assert newest(READ)[2].endswith("since this run broke before: False")
    assert newest(ELSE)[:2] == (broken, "SUCCEEDED")
    # Nobody has looked since, and nothing has turned.
    again = last_evaluation(watched.instance, READ, "a-dev")
    assert looked is not None
    assert again is not None
    assert again.at == pytest.approx(looked.at)
    assert [one for one in watched.alerts() if "consumers_can_read" in one] == ["a-dev: consumers_can_read is red"]
    said = newest(READ)[2]
    watched.run({}, job="provision", status=FAILURE, planned=(READ, ELSE))
    watched.tick()
    assert newest(READ)[2] == said


def test_a_check_that_was_never_evaluated_has_no_verdict_to_stand(watched: Watched) -> None:
    watched.run({}, job="provision", status=FAILURE, planned=(READ,))
    watched.tick()
    (record,) = watched.instance.event_log_storage.get_asset_check_execution_history(READ, limit=1)
    assert record.status.value == "PLANNED"


def test_a_rotation_without_a_partition_fails_no_tick(watched: Watched, repository: Repository) -> None:
    repository.tree = {}
    config = {"secrets-pipeline/secrets": "a/dev/token"}
    watched.stacks = repository.stacks()
    watched.run(job="rotate_secrets", stack=None, tags=config)
    assert watched.tick() == []


@pytest.mark.parametrize("status", [SUCCESS, FAILURE, CANCELED])
def test_what_a_rotation_came_to_is_followed_however_it_ended(
    watched: Watched, repository: Repository, status: dg.DagsterRunStatus
) -> None:
    repository.tree = {}
    watched.stacks = repository.stacks()
    watched.run(job="rotate_secrets", status=status, tags={"secrets-pipeline/secrets": "a/dev/token"})
    assert [one.tags["secrets-pipeline/secrets"] for one in watched.tick()] == ["a/dev/token"]


def test_a_rotation_whose_secret_only_its_process_knows_by_name_fails_no_tick(
    watched: Watched, repository: Repository
) -> None:
    repository.tree = {}
    watched.stacks = repository.stacks()
    named = {"ops": {"rotate": {"config": {"secrets": [{"env": "TOKEN"}, "a/dev/token"]}}}}
    watched.run(job="rotate_secrets", config=named)
    assert [one.tags["secrets-pipeline/secrets"] for one in watched.tick()] == ["a/dev/token"]


def test_while_the_repository_cannot_be_read_alerts_go_on_and_the_rotation_is_followed_afterwards(
    watched: Watched, repository: Repository
) -> None:
    class Unreadable:
        @property
        def desired(self) -> object:
            raise StackError("there are no stacks", remedy="")

    watched.stacks = Unreadable()
    watched.run(job="rotate_secrets", tags={"secrets-pipeline/secrets": "a/dev/token"})
    watched.run({READ: False})
    assert watched.tick() == []
    assert watched.alerts() == ["a-dev: consumers_can_read is red"]
    repository.tree = {}
    watched.stacks = repository.stacks()
    assert [one.tags[PARTITION_TAG] for one in watched.tick()] == ["a-dev"]
    assert watched.tick() == []
    assert watched.alerts() == ["a-dev: consumers_can_read is red"]


def test_a_verdict_that_a_newer_one_has_overtaken_says_nothing_when_its_run_ends(watched: Watched) -> None:
    long, began = watched.begin("verify", planned=(READ,)), time.time()
    watched.run({READ: True}, planned=(READ,))
    watched.tick()
    watched.evaluate(long, {READ: False}, at=began)
    watched.end(long, SUCCESS)
    watched.tick()
    assert watched.skipped == "1 runs ended, 1 checks evaluated; red: 0"
    assert watched.alerts() == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.floats(0, 1e9)), unique_by=lambda one: one[2]))
def test_transitions_alternate_and_do_not_depend_on_how_evaluations_are_cut_into_ticks(
    said: list[tuple[str, bool, float]],
) -> None:
    verdicts = sorted((Verdict(READ, stack, at, "run", red, "") for stack, red, at in said), key=lambda one: one.at)
    found = transitions({}, verdicts)
    red = after({}, found)
    for stack in "ab":
        turns = [one.since is None for one in found if one.verdict.stack == stack]
        assert turns == [number % 2 == 0 for number in range(len(turns))]
        last = [one.red for one in verdicts if one.stack == stack][-1:]
        assert (READ.name in red.get(stack, {})) is (last == [True])
    cut = len(verdicts) // 2
    early = transitions({}, verdicts[:cut])
    late = transitions(after({}, early), verdicts[cut:])
    assert early + late == found


def test_a_cursor_is_read_as_it_was_written() -> None:
    written = Cursor(5.0, {"run": 4.0}, {"a-dev": {"check": 3.0}}, ["other"])
    assert Cursor.read(written.write(), 9.0) == written
    assert Cursor.read("not JSON", 9.0) == Cursor.read(None, 9.0) == Cursor(9.0)
