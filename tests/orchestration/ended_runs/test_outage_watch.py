"""What the sensor makes of runs that could not ask AWS, tick by tick."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.errors import StackError
from tests.orchestration.ended_runs.watched import READ, Watched

DOWN = "AWS account 111122223333 cannot be asked: no answer; 1 stack not looked at"
BACK = "AWS account 111122223333 answers again, and every stack was checked"
ROTATION = "Rotate of a-dev failed: GetCallerIdentity failed"


class Accounts:
    """Stacks of one account, in a repository that may be unreadable."""

    is_readable = True

    @property
    def desired(self) -> SimpleNamespace:
        if not self.is_readable:
            raise StackError("the repository cannot be read")
        return SimpleNamespace(specs={})

    def asked_as(self, _stack: str) -> str:
        return "account 111122223333"


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
