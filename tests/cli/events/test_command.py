"""`events status` and `events redrive`: what was not dealt with is shown without a word of it, and put back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from secrets_pipeline.emulator import LocalAws, settle
from secrets_pipeline.rotation.events import redrive
from tests.cli.conftest import Cli, write
from tests.rotation.event_bodies import label_updated
from tests.runs import assert_exited

QUEUE, AWAY = "queue-of-events", "444455556666"
OPERATOR = f"""
    grants: {{preset: single-team, readers: ["*"]}}
    events: {{queue: {QUEUE}, region: eu-west-2, account_id: "111122223333"}}
"""


@dataclass
class Post:
    """The queue of a deployment, with what leads to it."""

    aws: LocalAws
    cli: Cli
    repository: Path

    def sqs(self, region: str = "eu-west-2") -> Any:  # noqa: ANN401 - a client
        return boto3.client("sqs", region_name=region)

    def url(self, suffix: str = "-dead-letters", region: str = "eu-west-2") -> str:
        return str(self.sqs(region).get_queue_url(QueueName=f"{QUEUE}{suffix}")["QueueUrl"])

    def waiting(self, suffix: str = "", region: str = "eu-west-2") -> int:
        said = self.sqs(region).get_queue_attributes(
            QueueUrl=self.url(suffix, region), AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(said["Attributes"]["ApproximateNumberOfMessages"])

    def run(self, *arguments: str) -> Any:  # noqa: ANN401 - Click's result
        return self.cli("events", *arguments, "--base-path", self.repository)


@pytest.fixture
def post(aws: LocalAws, cli: Cli, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Post:
    write(tmp_path / "operator.yaml", OPERATOR)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(redrive, "_PAUSE_SECONDS", 0.01)
    assert_exited(cli("apply", "-s", "shop-dev", "--base-path", repository))
    settle(aws)
    post = Post(aws, cli, repository)
    post.sqs().purge_queue(QueueUrl=post.url(""))
    return post


def test_the_way_of_events_is_shown_with_what_is_not_watched(post: Post) -> None:
    done = post.run("status")
    assert_exited(done)
    assert f"queue {QUEUE}: 0 waiting, 0 in flight" in done.stdout
    assert "111122223333 in eu-west-2" in done.stdout
    assert "111122223333 in us-east-1" in done.stdout
    assert "note: changes of the organisation's policies" in done.stdout


def test_nobody_looks_where_no_rule_of_access_may_be_made(post: Post, tmp_path: Path) -> None:
    operator = tmp_path / "operator.yaml"
    operator.write_text(operator.read_text().replace("region:", "watch_access: false, region:"))
    done = post.run("status")
    assert "111122223333 in eu-west-2" in done.stdout
    assert "us-east-1" not in done.stdout


def test_dead_letters_are_counted_by_reason_without_a_word_of_them(post: Post) -> None:
    dead = post.url()
    post.sqs().send_message(QueueUrl=dead, MessageBody="CANARY is no event")
    post.sqs().send_message(QueueUrl=dead, MessageBody=json.dumps(label_updated("CANARY")))
    told = {"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}}
    post.sqs().send_message(QueueUrl=dead, MessageBody=json.dumps(label_updated("CANARY")), MessageAttributes=told)
    done = post.run("status", "--format", "json")
    assert_exited(done)
    shown = json.loads(done.stdout)
    [home] = [one for one in shown["dead_letters"] if one["place"] == "111122223333 in eu-west-2"]
    assert home["dead letters"] == "3"
    assert home["since"].endswith(" UTC")
    assert sorted(home["why"].split("; ")) == [
        "1 times: EventBridge could not deliver it (NO_PERMISSIONS)",
        "1 times: it is not JSON",
        "1 times: no run could be started for it (rotated)",
    ]
    assert "CANARY" not in done.output
    # Looking takes nothing away.
    assert post.waiting("-dead-letters") == 3


def test_redrive_puts_back_what_sqs_holds_and_what_lies_in_other_regions(post: Post) -> None:
    post.sqs().send_message(QueueUrl=post.url(), MessageBody="home")
    east = post.url(region="us-east-1")
    for number in range(12):
        post.sqs("us-east-1").send_message(QueueUrl=east, MessageBody=f"east {number}")
    done = post.run("redrive")
    assert_exited(done)
    assert f"arn:aws:sqs:eu-west-2:111122223333:{QUEUE}-dead-letters: 1 put back" in done.stdout
    assert f"arn:aws:sqs:us-east-1:111122223333:{QUEUE}-dead-letters: 12 put back" in done.stdout
    assert (post.waiting("-dead-letters"), post.waiting("-dead-letters", "us-east-1"), post.waiting()) == (0, 0, 13)
    again = post.run("redrive")
    assert_exited(again)
    assert again.stdout == ""


def test_what_leads_to_the_queue_and_is_not_as_declared_is_said_and_exits_with_1(post: Post) -> None:
    events = boto3.client("events", region_name="us-east-1")
    events.disable_rule(Name=f"{QUEUE}-access-changes")
    done = post.run("status")
    assert_exited(done, 1)
    assert f"{QUEUE}-access-changes of 111122223333 in us-east-1" in done.stdout
    assert "it is disabled" in done.stdout


def test_a_place_that_cannot_be_reached_is_said_and_hides_no_other(
    post: Post, tmp_path: Path, stack: Callable[[str], None]
) -> None:
    stack("444455556666")
    (tmp_path / "operator.yaml").write_text(
        (tmp_path / "operator.yaml").read_text()
        + f'targets: [{{stacks: "far-*", account_id: "{AWAY}", role_arn: "arn:aws:iam::{AWAY}:role/gone"}}]\n'
    )
    done = post.run("status")
    assert_exited(done, 1)
    assert f"{AWAY} in eu-west-2" in done.stdout
    assert "AssumeRole" in done.output
    assert "111122223333 in eu-west-2" in done.stdout


@pytest.fixture
def stack(repository: Path) -> Callable[[str], None]:
    """Adds a stack in another account."""

    def add(account: str) -> None:
        text = (repository / "stacks" / "dev.yaml").read_text().replace("111122223333", account)
        (repository / "stacks" / "far.yaml").write_text(text.replace("context_name: shop", "context_name: far"))

    return add


def test_without_a_queue_in_the_settings_one_sentence_says_so(
    cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "operator.yaml", "grants: {preset: single-team}\n")
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    for command in ("status", "redrive"):
        done = cli("events", command, "--base-path", repository)
        assert_exited(done, 1)
        assert "name no queue of events" in done.stderr
