"""The alerts and repetitions of runs that could not ask AWS, over several ticks of the sensor."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.orchestration.ended_runs.repeating import REPEATS_TAG
from secrets_pipeline.orchestration.pages.metadata import DATA
from secrets_pipeline.orchestration.shared.backoff import BACKOFF_SECONDS
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from secrets_pipeline.orchestration.verification.history import LOOKED
from tests.orchestration.ended_runs.watched import ELSE, READ, SUCCESS, Watched

DOWN = "AWS account 111122223333 cannot be asked: no answer; 1 stack not looked at"
BACK = "AWS account 111122223333: every stack that could not be asked about was checked"
ROTATION = "Rotate of a-dev failed: GetCallerIdentity failed"
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


class Accounts:
    """Stacks of one account, in a repository that may be unreadable."""

    is_readable = True
    whose = "account 111122223333"

    @property
    def desired(self) -> SimpleNamespace:
        if not self.is_readable:
            raise StackError("the repository cannot be read")
        return SimpleNamespace(specs={})

    def asked_as(self, _stack: str) -> str:
        return self.whose


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        made = Watched(instance)
        made.stacks = Accounts()
        made.tick()
        yield made


def unasked(watched: Watched, job: str = "verify", **more: Any) -> str:  # noqa: ANN401 - see `Watched.begin`
    """A run that failed, as it could not ask AWS."""
    run = watched.begin(job, launched=True, **more)
    watched.end_unasked(run)
    return run.run_id


def outages(watched: Watched) -> Mapping[str, set[str]]:
    """Whom nobody can ask → the stacks that were not looked at."""
    return {one["who"]: set(one["stacks"]) for one in json.loads(watched.cursor or "")["outages"]}


def test_a_rotation_that_could_not_ask_aws_is_told_though_the_outage_is_over_in_the_same_tick(watched: Watched) -> None:
    unasked(watched, "rotate_secrets")
    watched.run({READ: True})
    watched.tick()
    assert watched.alerts() == [ROTATION]


def test_a_rotation_that_fails_in_a_second_outage_within_the_hour_is_told(watched: Watched) -> None:
    unasked(watched)
    watched.tick()
    watched.run({READ: True})
    watched.tick()
    unasked(watched, "rotate_secrets")
    watched.tick()
    watched.run({READ: True})
    watched.tick()
    assert watched.alerts() == [DOWN, BACK, ROTATION]


def test_a_run_that_is_looked_at_again_does_not_open_an_outage_again_that_is_over(watched: Watched) -> None:
    watched.stacks = accounts = Accounts()
    accounts.is_readable = False
    # Who uses the secrets that it rotated is not known until the repository can be read.
    unasked(watched, "rotate_secrets", config={"ops": {"rotate": {"config": {"secrets": ["x"]}}}})
    watched.tick()
    assert watched.alerts() == [ROTATION, DOWN]
    watched.run({READ: True})
    watched.tick()
    assert watched.alerts() == [ROTATION, DOWN, BACK]
    watched.tick()
    assert outages(watched) == {}
    watched.ahead = 7200.0
    watched.tick()
    assert watched.alerts()[2:] == [BACK]


def test_of_the_cursor_of_another_version_only_the_outages_are_lost_that_nobody_can_read(watched: Watched) -> None:
    unasked(watched)
    watched.run({READ: False}, stack="b-dev")
    watched.tick()
    cursor = json.loads(watched.cursor or "")
    (one,) = cursor["outages"]
    cursor["outages"] = [{**one, "cause": "of-tomorrow"}, {**one, "of": "yesterday"}, {"who": one["who"]}, "text", one]
    watched.cursor = json.dumps(cursor)
    watched.tick()
    assert json.loads(watched.cursor)["outages"] == [one]
    assert json.loads(watched.cursor)["red"] == cursor["red"]


THROTTLED = {"who": "account 111122223333", "cause": "throttled", "said": "ListGrants failed: ThrottlingException"}


def evaluate(watched: Watched, run: dg.DagsterRun, of: Mapping[str, dg.AssetCheckSeverity | None]) -> None:
    """Evaluate a check of several stacks: as right, or as what it is where AWS throttled the pipeline."""
    began = time.time()
    for stack, severity in of.items():
        stands = {"stands": None} if severity is WARN else {}
        data = {**stands, **({} if severity is None else {"not asked": [THROTTLED]})}
        looked = {} if stands else {LOOKED: dg.MetadataValue.timestamp(began)}
        watched.say(
            run, ELSE, severity or True, partition=stack, metadata={DATA: dg.MetadataValue.json(data), **looked}
        )


@pytest.mark.parametrize("severity", [WARN, ERROR])
def test_the_stacks_that_a_good_run_of_an_account_could_not_ask_about_are_verified(
    watched: Watched, severity: dg.AssetCheckSeverity
) -> None:
    """A check that is red by what AWS said of one secret could not ask about another."""
    for stack in ("a-dev", "b-dev"):
        watched.run({ELSE: True}, stack=stack)
    run = watched.begin("verify", stack=None, tags={ACCOUNT_TAG: "111122223333"}, launched=True)
    evaluate(watched, run, {"a-dev": severity, "b-dev": None})
    watched.end(run, SUCCESS)
    assert watched.tick() == []
    watched.ahead = BACKOFF_SECONDS[0] + 5
    requested = [(one.job_name, one.tags[PARTITION_TAG], one.tags[REPEATS_TAG]) for one in watched.tick()]
    assert requested == [("verify", "a-dev", run.run_id)]
    assert watched.tick() == []
    watched.run({ELSE: True})
    watched.tick()
    assert outages(watched) == {}


def test_a_stack_that_is_asked_of_another_account_by_now_is_not_waited_for_under_the_old_one(watched: Watched) -> None:
    watched.stacks = accounts = Accounts()
    accounts.whose = "account of the default credentials"
    unasked(watched)
    watched.tick()
    accounts.whose = "account 111122223333"
    watched.run({READ: True})
    watched.tick()
    assert outages(watched) == {}
    assert watched.alerts() == [
        "AWS account of the default credentials cannot be asked: no answer; 1 stack not looked at",
        "AWS account of the default credentials: every stack that could not be asked about was checked",
    ]


def test_a_run_of_which_nobody_knows_whom_it_asked_is_told_as_any_failed_run(watched: Watched) -> None:
    run = unasked(watched, stack=None)
    watched.tick()
    assert watched.alerts() == [f"Verify of {run} failed: GetCallerIdentity failed"]
    assert outages(watched) == {}


def test_a_check_of_all_stacks_says_of_each_whether_aws_could_be_asked(watched: Watched) -> None:
    for stack in ("a-dev", "b-dev"):
        watched.run({ELSE: True}, stack=stack)
    watched.tick()

    def verify(*stacks: str) -> dg.DagsterRun:
        run = watched.begin("verify", stack=None, launched=True)
        data = {"not asked": [{**THROTTLED, "stacks": stacks}], "stands": None} if stacks else {}
        watched.say(run, ELSE, not stacks, partition=None, metadata={DATA: dg.MetadataValue.json(data)})
        return run

    blind = verify("a-dev", "b-dev")
    watched.end_unasked(blind)
    assert watched.tick() == []
    assert outages(watched) == {"account 111122223333": {"a-dev", "b-dev"}}
    watched.ahead = BACKOFF_SECONDS[0] + 5
    assert [(one.job_name, one.tags[REPEATS_TAG]) for one in watched.tick()] == [("verify", blind.run_id)]
    partly = verify("a-dev")
    watched.end(partly, SUCCESS)
    watched.tick()
    assert outages(watched) == {"account 111122223333": {"a-dev"}}
    watched.ahead += BACKOFF_SECONDS[0] + 5
    watched.end(verify(), SUCCESS)
    watched.tick()
    assert outages(watched) == {}
    assert watched.alerts() == [
        "AWS account 111122223333 cannot be asked: throttled; 2 stacks not looked at",
        BACK,
    ]


def test_the_tag_of_a_run_names_its_account_where_nobody_can_read_the_repository(watched: Watched) -> None:
    watched.stacks = accounts = Accounts()
    unasked(watched)
    watched.tick()
    accounts.whose = "account of the default credentials"
    watched.run({READ: True}, tags={ACCOUNT_TAG: "111122223333"})
    watched.tick()
    assert watched.alerts() == [DOWN, BACK]
