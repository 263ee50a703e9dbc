"""The sensor that looks by itself: the same runs as by events where no queue is named, and stuck rotations always."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
from mypy_boto3_secretsmanager.type_defs import TagTypeDef

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.orchestration.alerts.alerting import ALERTS, Alerting
from secrets_pipeline.orchestration.polling import rotations, sensor
from secrets_pipeline.orchestration.polling.rotations import LARGEST_CURSOR
from secrets_pipeline.orchestration.polling.sensor import aws_polling_sensor_for
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import SECRETS_TAG
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.rotation.events.polling import PENDING_SECONDS, Known, Sight, compare
from tests.embedded import lead_to
from tests.orchestration.conftest import hint_jobs, job_named
from tests.orchestration.rotation.event_ground import Ground
from tests.rotation.event_bodies import ACCOUNT, REGION, service_event

_numbers = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def leading(aws: emulator.LocalAws) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch)
        yield


@dataclass
class Look:
    """The sensor with its cursor, as the daemon keeps it."""

    ground: Ground
    instance: dg.DagsterInstance
    cursor: str | None = None
    now: float = 1_800_000_000.0
    by_events: bool = True
    skipped: str | None = ""

    @property
    def known(self) -> dict[str, Any]:
        """Each place as the cursor has it."""
        found: dict[str, Any] = json.loads(self.cursor or "")["rotations"]
        return found

    @property
    def one(self) -> str:
        return f"{self.ground.stacks[0].removesuffix('-dev')}/dev/one"

    def tick(self) -> list[dg.RunRequest]:
        """Evaluate once; the cursor moves only where the tick succeeds."""
        polling = aws_polling_sensor_for(
            PLAIN, hint_jobs(), job_named("verify"), by_events=self.by_events, clock=lambda: self.now
        )
        stacks = Stacks(self.ground.repository, Sessions(), ApplyOptions(), self.ground.repository)
        resources = {
            "secrets_pipeline_stacks": stacks,
            "secrets_pipeline_alerting": Alerting(AlertSettings(), Sessions()),
        }
        context = dg.build_sensor_context(instance=self.instance, resources=resources, cursor=self.cursor)
        found = polling(context)
        assert isinstance(found, dg.SensorResult)
        self.cursor, self.skipped = found.cursor, found.skip_reason.skip_message if found.skip_reason else ""
        return list(found.run_requests or ())


@pytest.fixture
def look(aws: emulator.LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    number = next(_numbers)
    contexts = [f"p{number}", f"q{number}"]
    ground = Ground.lay(tmp_path / "atmos", contexts, boto3.Session(), queue="none", named=False)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(ground.repository / "operator.yaml"))
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield Look(ground, instance)


def test_the_first_tick_learns_and_a_rotation_after_it_starts_one_run_of_its_stack(look: Look) -> None:
    assert look.tick() == []
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    look.ground.secrets.put_secret_value(SecretId=look.one.replace("/one", "/two"), SecretString="rotated")
    requests = look.tick()
    assert isinstance(requests, list)
    [request] = requests
    assert (request.job_name, request.tags[PARTITION_TAG]) == ("provision", look.ground.stacks[0])
    assert request.tags[SECRETS_TAG] == f"{look.one},{look.one.replace('/one', '/two')}"
    assert look.tick() == []


def test_stacks_that_are_rendered_from_the_secret_get_a_run_each(look: Look) -> None:
    leader = look.ground.stacks[0]
    behind = look.ground.follow(leader, leader.removesuffix("-dev") + "x")
    assert look.tick() == []
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    requests = look.tick()
    assert [one.tags["dagster/partition"] for one in requests if isinstance(one, dg.RunRequest)] == sorted(
        [leader, behind]
    )


def test_a_tick_that_is_repeated_asks_under_the_same_key(look: Look) -> None:
    look.tick()
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    before = look.cursor
    first = look.tick()
    look.cursor = before
    again = look.tick()
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert [one.run_key for one in first] == [one.run_key for one in again]
    assert len(first) == 1


def test_another_rotation_of_a_secret_has_another_key(look: Look) -> None:
    look.tick()
    keys = []
    for value in ("rotated", "rotated again"):
        look.ground.secrets.put_secret_value(SecretId=look.one, SecretString=value)
        keys += [one.run_key for one in look.tick() if isinstance(one, dg.RunRequest)]
    # Dagster makes one run a key.
    assert len(set(keys)) == len(keys) == 2


def test_versions_that_stay_pending_have_a_run_each_whose_key_does_not_change_with_the_other(look: Look) -> None:
    two = look.one.replace("/one", "/two")
    for name in (look.one, two):
        look.ground.secrets.put_secret_value(SecretId=name, SecretString="new", VersionStages=["AWSPENDING"])
    look.tick()
    look.now += PENDING_SECONDS
    both = [one for one in look.tick() if isinstance(one, dg.RunRequest)]
    assert [one.tags[SECRETS_TAG] for one in both] == [look.one, two]
    pending = look.ground.secrets.describe_secret(SecretId=two)["VersionIdsToStages"]
    stuck = next(version for version, labels in pending.items() if "AWSPENDING" in labels)
    look.ground.secrets.update_secret_version_stage(SecretId=two, VersionStage="AWSPENDING", RemoveFromVersionId=stuck)
    left = [one for one in look.tick() if isinstance(one, dg.RunRequest)]
    assert [one.run_key for one in left] == [both[0].run_key]


def test_a_version_that_stays_pending_starts_one_run_that_looks_into_it(look: Look) -> None:
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="new", VersionStages=["AWSPENDING"])
    assert look.tick() == []
    look.now += PENDING_SECONDS
    first, again = look.tick(), look.tick()
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert [one.job_name for one in first] == ["verify"]
    assert [one.run_key for one in again] == [one.run_key for one in first]


def test_a_look_costs_one_list_and_reads_no_value(look: Look, aws: emulator.LocalAws) -> None:
    look.tick()
    emulator.reset_calls(aws)
    look.tick()
    called = {call.operation: call.count for call in emulator.calls(aws) if call.service == "secretsmanager"}
    assert called == {"ListSecrets": 1}


def test_what_cannot_be_looked_at_stays_as_it_was_known(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    look.tick()
    known = look.cursor
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        assert look.tick() == []
    assert look.cursor == known
    requests = look.tick()
    assert len(requests) == 1


def test_a_place_that_does_not_answer_is_tried_twice_a_tick_hides_no_other_and_comes_first_no_more(
    look: Look, aws: emulator.LocalAws
) -> None:
    other = look.ground.stacks[1]
    secrets = look.ground.move(other, "us-west-2")
    look.tick()
    secrets.put_secret_value(SecretId=f"{other.removesuffix('-dev')}/dev/one", SecretString="rotated")
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    look.now += 60
    emulator.arm(aws, emulator.InjectedFault(emulator.FaultAction.LOST, attempts=20, operation="ListSecrets"))
    found = look.tick()
    assert [one.tags[PARTITION_TAG] for one in found if isinstance(one, dg.RunRequest)] == [other]
    [report] = emulator.disarm(aws)
    assert len(report.struck) == 2
    assert {known["at"] for known in look.known.values()} == {look.now}
    found = look.tick()
    assert [one.tags[PARTITION_TAG] for one in found if isinstance(one, dg.RunRequest)] == look.ground.stacks[:1]


def test_where_a_queue_is_named_it_leaves_rotations_to_the_other_sensor_and_finds_the_stuck_ones(look: Look) -> None:
    settings = look.ground.repository / "operator.yaml"
    settings.write_text(settings.read_text() + "events: {queue: q, region: eu-west-2}\n")
    assert look.tick() == []
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="new", VersionStages=["AWSPENDING"])
    assert look.tick() == []
    look.now += PENDING_SECONDS
    requests = look.tick()
    assert [one.job_name for one in requests if isinstance(one, dg.RunRequest)] == ["verify"]


def test_beside_a_queue_the_cursor_holds_pending_versions_alone(look: Look) -> None:
    settings = look.ground.repository / "operator.yaml"
    settings.write_text(settings.read_text() + "events: {queue: q, region: eu-west-2}\n")
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="new", VersionStages=["AWSPENDING"])
    look.tick()
    [known] = look.known.values()
    assert (known["seen"], [*known["pending"]]) == ("", [look.one])


def test_a_version_of_ours_that_somebody_went_back_to_starts_a_run(look: Look) -> None:
    secrets = look.ground.secrets
    own = next(iter(secrets.describe_secret(SecretId=look.one)["VersionIdsToStages"]))
    tag: TagTypeDef = {"Key": "secrets-pipeline:value-version", "Value": f"{own}.proof"}
    secrets.tag_resource(SecretId=look.one, Tags=[tag])
    look.tick()
    rotated = secrets.put_secret_value(SecretId=look.one, SecretString="rotated")["VersionId"]
    assert len(look.tick()) == 1
    secrets.update_secret_version_stage(
        SecretId=look.one, VersionStage="AWSCURRENT", MoveToVersionId=own, RemoveFromVersionId=rotated
    )
    assert [one.tags[SECRETS_TAG] for one in look.tick() if isinstance(one, dg.RunRequest)] == [look.one]
    assert look.tick() == []


def test_a_rotation_while_its_stack_has_errors_is_followed_once_it_has_none(look: Look) -> None:
    look.tick()
    manifest = look.ground.repository / "stacks" / f"{look.one.partition('/')[0]}.yaml"
    whole = manifest.read_text()
    manifest.write_text(whole.replace("generate_random_password: true", "no_such_key: 1"))
    look.tick()
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    assert look.tick() == []
    manifest.write_text(whole)
    assert [one.tags[PARTITION_TAG] for one in look.tick() if isinstance(one, dg.RunRequest)] == look.ground.stacks[:1]


def test_a_stack_with_errors_that_is_rendered_from_a_rotated_secret_follows_it_once_it_has_none(look: Look) -> None:
    leader = look.ground.stacks[0]
    behind = look.ground.follow(leader, leader.removesuffix("-dev") + "x")
    manifest = look.ground.repository / "stacks" / f"{behind.removesuffix('-dev')}.yaml"
    whole = manifest.read_text()
    manifest.write_text(whole.replace("copy: {", "copy: {no_such_key: 1, "))
    look.tick()
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    first, again = look.tick(), look.tick()
    keys = [one.run_key for one in (*first, *again) if isinstance(one, dg.RunRequest)]
    # Dagster makes one run a key.
    assert (len(keys), len(set(keys))) == (2, 1)
    manifest.write_text(whole)
    found = {one.tags[PARTITION_TAG]: one.run_key for one in look.tick() if isinstance(one, dg.RunRequest)}
    assert (sorted(found), found[leader]) == (sorted([leader, behind]), keys[0])
    assert look.tick() == []


def test_more_than_a_cursor_holds_is_alerted_and_what_was_found_is_asked_for(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="new", VersionStages=["AWSPENDING"])
    look.tick()
    look.now += PENDING_SECONDS
    monkeypatch.setattr(rotations, "LARGEST_CURSOR", 50)
    assert [one.job_name for one in look.tick() if isinstance(one, dg.RunRequest)] == ["verify"]
    assert len(json.dumps(look.known)) <= 60
    [alert] = alerts(look.instance)
    assert alert.description == f"rotations are not looked for in {ACCOUNT}/{REGION}"
    assert "events" in str(alert.metadata["text"].value)


def test_a_cursor_holds_a_hundred_thousand_secrets() -> None:
    known, _ = compare(Known(), [Sight("shop/dev/db", "shop-dev", "1" * 32, 0, "", frozenset())], 1000)
    assert 100_000 * len(known.seen) < 0.8 * LARGEST_CURSOR


def test_a_cursor_that_nobody_understands_is_forgotten(look: Look) -> None:
    look.cursor = "from another version"
    assert look.tick() == []


def test_events_that_were_not_dealt_with_are_alerted_once_with_how_many_and_why_and_no_word_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground.lay(tmp_path / "atmos", ["dead"], boto3.Session(), queue="dead-events", named=True)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(ground.repository / "operator.yaml"))
    ground.make_queue()
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        look = Look(ground, instance)
        look.tick()
        assert alerts(instance) == []
        dead = ground.sqs.get_queue_url(QueueName="dead-events-dead-letters")["QueueUrl"]
        for body in ("CANARY is no event", json.dumps(service_event("dead/dev/one", "RotationFailed"))):
            ground.sqs.send_message(QueueUrl=dead, MessageBody=body)
        look.tick()
        look.tick()
        [alert] = alerts(instance)
        assert alert.description == f"2 events were not dealt with ({ACCOUNT} in {REGION})"
        text = str(alert.metadata["text"].value)
        assert "1 times: it is not JSON" in text
        assert "1 times: no run could be started for it (failed)" in text
        assert "secrets-pipeline events redrive" in text
        assert "CANARY" not in text
        assert ground.waiting("dead-events-dead-letters") == 2


@pytest.fixture
def late(aws: emulator.LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    """A place with a version that is pending, and an event in the dead-letter queue."""
    name = f"late{next(_numbers)}"
    ground = Ground.lay(tmp_path / "atmos", [name], boto3.Session(), queue=f"{name}-events", named=True)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(ground.repository / "operator.yaml"))
    ground.make_queue()
    dead_letters = ground.sqs.get_queue_url(QueueName=f"{name}-events-dead-letters")["QueueUrl"]
    ground.sqs.send_message(QueueUrl=dead_letters, MessageBody="no event")
    ground.secrets.put_secret_value(SecretId=f"{name}/dev/one", SecretString="new", VersionStages=["AWSPENDING"])
    emulator.reset_calls(aws)
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield Look(ground, instance)


def called(aws: emulator.LocalAws) -> set[str]:
    return {call.service for call in emulator.calls(aws)} & {"secretsmanager", "sqs"}


def test_a_tick_without_time_asks_aws_nothing_and_the_next_one_finds_all_of_it(
    late: Look, aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for limit in ("_LISTING_SECONDS", "_SECONDS"):
            patch.setattr(sensor, limit, -1.0, raising=False)
        assert late.tick() == []
    assert called(aws) == set()
    assert (late.known, alerts(late.instance)) == ({}, [])
    late.tick()
    late.now += PENDING_SECONDS
    assert [one.job_name for one in late.tick()] == ["verify"]
    assert len(alerts(late.instance)) == 1


def test_a_list_which_nothing_interrupts_is_begun_in_the_first_seconds_alone(
    late: Look, aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor, "_LISTING_SECONDS", -1.0, raising=False)
    late.tick()
    assert called(aws) == {"sqs"}


def test_a_part_that_breaks_is_alerted_keeps_what_it_knew_and_hides_no_other(late: Look) -> None:
    broken = {"111122223333/eu-west-2": "no state of a place"}
    late.cursor = json.dumps({"rotations": broken})
    late.tick()
    assert late.known == broken
    assert sorted(one.description or "" for one in alerts(late.instance)) == [
        "1 events were not dealt with (111122223333 in eu-west-2)",
        "aws_polling_sensor does not look for rotations: AttributeError",
    ]


def test_a_cursor_of_another_version_is_read_as_far_as_it_is_known(late: Look) -> None:
    late.tick()
    known = json.loads(late.cursor or "")
    late.cursor = json.dumps({**known, "rollouts": {**known["rollouts"], "of a later version": 1}})
    late.now += PENDING_SECONDS
    assert [one.job_name for one in late.tick()] == ["verify"]
    assert json.loads(late.cursor)["rollouts"] == known["rollouts"]


def test_where_no_sensor_follows_events_a_queue_that_settings_name_later_changes_nothing_but_is_said(
    look: Look,
) -> None:
    look.by_events = False
    look.tick()
    settings = look.ground.repository / "operator.yaml"
    settings.write_text(settings.read_text() + "events: {queue: q, region: eu-west-2}\n")
    look.ground.secrets.put_secret_value(SecretId=look.one, SecretString="rotated")
    assert [one.tags[SECRETS_TAG] for one in look.tick()] == [look.one]
    look.tick()
    assert "reload the code location, and rotation_event_sensor follows its events" in (look.skipped or "")


def alerts(instance: dg.DagsterInstance) -> list[dg.AssetObservation]:
    """What was said."""
    records = instance.fetch_observations(dg.AssetKey(ALERTS), limit=20).records
    return [record.asset_observation for record in records if record.asset_observation]
