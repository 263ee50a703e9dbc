"""The sensor of events on a real queue: each event is covered by a run of its stack that was made after it."""

from __future__ import annotations

import itertools
import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
from mypy_boto3_secretsmanager.type_defs import TagTypeDef

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.orchestration.rotation import event_sensor
from secrets_pipeline.orchestration.rotation.event_sensor import rotation_event_sensor_for, with_valid_key
from secrets_pipeline.orchestration.shared.names import PLAIN, ROTATION_EVENT_SENSOR
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import (
    ACCOUNT_TAG,
    ATTEMPT_TAG,
    LONGEST_TAG,
    SECRETS_TAG,
    events_of,
    fitting,
    run_request,
)
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY
from secrets_pipeline.rotation.events.queue import EventQueue
from secrets_pipeline.rotation.events.redrive import put_back
from tests.embedded import lead_to
from tests.orchestration.conftest import hint_jobs
from tests.orchestration.rotation.event_ground import Ground
from tests.rotation.event_bodies import (
    ACCOUNT,
    REGION,
    SOMEBODY,
    call,
    database_event,
    label_updated,
    secret_arn,
    service_event,
)
from tests.waiting import SECONDS

ELSEWHERE = "999988887777"
JOBS = hint_jobs()
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def session(aws: emulator.LocalAws) -> Iterator[boto3.Session]:
    """Plain boto3 on the embedded AWS to which the environment leads."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch)
        yield boto3.Session()


@dataclass(frozen=True)
class Watch:
    """The sensor, and the runs that a daemon would make of what it asks for."""

    ground: Ground
    instance: dg.DagsterInstance
    hidden_for: int = 0

    @property
    def one(self) -> str:
        """The name of the first stack's secret."""
        return f"{self.ground.stacks[0].removesuffix('-dev')}/dev/one"

    @property
    def arn(self) -> str:
        """The ARN that AWS gave it."""
        return str(boto3.client("secretsmanager").describe_secret(SecretId=self.one)["ARN"])

    def tick(self, *, sessions: Sessions | None = None) -> tuple[list[dg.RunRequest], str]:
        """Evaluate the sensor once; what it asks for, and why it asks for nothing."""
        sensor = rotation_event_sensor_for(PLAIN, JOBS, hidden_for=self.hidden_for)
        stacks = Stacks(self.ground.repository, sessions or Sessions(), ApplyOptions(), self.ground.repository)
        context = dg.build_sensor_context(instance=self.instance, resources={"secrets_pipeline_stacks": stacks})
        match sensor(context):
            case dg.SensorResult() as result:
                return list(result.run_requests or ()), ""
            case dg.SkipReason() as skipped:
                return [], skipped.skip_message or ""
            case other:
                raise AssertionError(other)

    def make(self, requests: list[dg.RunRequest], status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS) -> None:
        """What the daemon does with requests."""
        for request in requests:
            tags = {
                **request.tags,
                "dagster/run_key": request.run_key or "",
                "dagster/sensor_name": ROTATION_EVENT_SENSOR,
            }
            run = dg.DagsterRun(job_name=request.job_name or "", run_id=str(uuid.uuid4()), status=status, tags=tags)
            self.instance.add_run(run)


@pytest.fixture
def watch(session: boto3.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    number = next(_numbers)
    contexts = [f"a{number}", f"b{number}"]
    ground = Ground.lay(tmp_path / "atmos", contexts, session, queue=f"events-{number}", named=True)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(ground.repository / "operator.yaml"))
    ground.make_queue()
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield Watch(ground, instance)


def test_a_message_is_deleted_only_when_its_run_exists(watch: Watch) -> None:
    watch.ground.send(label_updated(watch.one))
    requests, _ = watch.tick()
    assert watch.ground.waiting() == 1
    again, _ = watch.tick()
    assert [one.run_key for one in again] == [one.run_key for one in requests]
    watch.make(again)
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_the_run_carries_the_event_the_secret_and_the_stack(watch: Watch) -> None:
    event = label_updated(watch.one)
    watch.ground.send(event)
    [request], _ = watch.tick()
    assert request.job_name == "provision"
    assert request.run_key == f"{event['id']}:provision:{watch.ground.stacks[0]}"
    assert [*events_of(request.tags)] == [event["id"]]
    assert request.tags[SECRETS_TAG] == watch.one
    assert request.tags[PARTITION_TAG] == watch.ground.stacks[0]
    assert request.tags[ATTEMPT_TAG] == "1"


def test_stacks_that_are_rendered_from_the_secret_get_a_run_each(watch: Watch) -> None:
    leader = watch.ground.stacks[0]
    behind = watch.ground.follow(leader, leader.removesuffix("-dev") + "x")
    event = label_updated(watch.one)
    watch.ground.send(event)
    requests, _ = watch.tick()
    assert [one.tags[PARTITION_TAG] for one in requests] == sorted([leader, behind])
    watch.make(requests[:1])
    assert [one.tags[PARTITION_TAG] for one in watch.tick()[0]] == [requests[1].tags[PARTITION_TAG]]
    watch.make(requests[1:])
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_a_new_stack_gets_its_partition_in_the_same_tick(watch: Watch) -> None:
    watch.ground.send(label_updated(watch.one))
    sensor = rotation_event_sensor_for(PLAIN, JOBS)
    stacks = Stacks(watch.ground.repository, Sessions(), ApplyOptions(), watch.ground.repository)
    result = sensor(dg.build_sensor_context(instance=watch.instance, resources={"secrets_pipeline_stacks": stacks}))
    assert isinstance(result, dg.SensorResult)
    [added] = result.dynamic_partitions_requests or ()
    assert added.partition_keys == [watch.ground.stacks[0]]


def test_the_events_of_one_stack_in_one_tick_are_one_run_that_carries_them_all(watch: Watch) -> None:
    one, two = watch.one, watch.one.replace("/one", "/two")
    events = [label_updated(one), label_updated(two), service_event(one), label_updated(one)]
    watch.ground.send(*events)
    [request], _ = watch.tick()
    assert sorted(events_of(request.tags)) == sorted(event["id"] for event in events)
    assert request.tags[SECRETS_TAG] == f"{one},{two}"
    watch.make([request])
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_duplicates_start_no_run_whenever_they_come(watch: Watch) -> None:
    event = label_updated(watch.one)
    watch.ground.send(event, event)
    [request], _ = watch.tick()
    watch.make([request], dg.DagsterRunStatus.SUCCESS)
    watch.ground.send(event)
    assert watch.tick()[0] == []
    watch.ground.send(event)
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_event_whose_time_cannot_be_true_is_answered_once_like_any_other(watch: Watch, at: str) -> None:
    watch.ground.send(label_updated(watch.one, time=at))
    watch.make(watch.tick()[0])
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_an_event_of_a_value_that_came_after_a_run_was_made_gets_a_run_of_its_own(watch: Watch) -> None:
    watch.ground.send(label_updated(watch.one, arn=watch.arn))
    watch.make(watch.tick()[0])
    boto3.client("secretsmanager").put_secret_value(SecretId=watch.one, SecretString=str(uuid.uuid4()))
    later = label_updated(watch.one, arn=watch.arn)
    watch.ground.send(later)
    [request], _ = watch.tick()
    assert [*events_of(request.tags)] == [later["id"]]


def test_the_second_event_of_a_rotation_starts_no_second_run_of_any_stack(watch: Watch) -> None:
    leader = watch.ground.stacks[0]
    watch.ground.follow(leader, leader.removesuffix("-dev") + "x")
    watch.ground.send(label_updated(watch.one, arn=watch.arn))
    requests, _ = watch.tick()
    assert len(requests) == 2
    watch.ground.send(service_event(watch.one, arn=watch.arn))
    watch.make(requests[:1])
    # The stack that has no run yet is asked for because of both.
    assert [one.tags[PARTITION_TAG] for one in watch.tick()[0]] == [requests[1].tags[PARTITION_TAG]]
    watch.make(requests[1:], dg.DagsterRunStatus.SUCCESS)
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_a_value_that_is_put_back_after_a_run_was_made_gets_a_run_though_it_followed_that_version(watch: Watch) -> None:
    watch.ground.send(label_updated(watch.one, arn=watch.arn))
    watch.make(watch.tick()[0])
    back = label_updated(watch.one, arn=watch.arn, time=(datetime.now(UTC) + timedelta(seconds=5)).isoformat())
    watch.ground.send(back)
    [request], _ = watch.tick()
    assert [*events_of(request.tags)] == [back["id"]]


def test_a_run_that_was_never_started_does_not_stand_for_the_second_event(watch: Watch) -> None:
    watch.ground.send(label_updated(watch.one, arn=watch.arn))
    watch.make(watch.tick()[0], dg.DagsterRunStatus.FAILURE)
    second = service_event(watch.one, arn=watch.arn)
    watch.ground.send(second)
    [request], _ = watch.tick()
    assert second["id"] in events_of(request.tags)


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.STARTED]
)
def test_a_run_in_any_state_covers_its_event(watch: Watch, status: dg.DagsterRunStatus) -> None:
    watch.ground.send(label_updated(watch.one))
    watch.make(watch.tick()[0], status)
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_a_run_that_a_killed_daemon_made_and_did_not_submit_is_asked_for_again_under_its_key(watch: Watch) -> None:
    watch.ground.send(label_updated(watch.one))
    first, _ = watch.tick()
    watch.make(first, dg.DagsterRunStatus.NOT_STARTED)
    again, _ = watch.tick()
    assert [one.run_key for one in again] == [one.run_key for one in first]
    assert watch.ground.waiting() == 1


def test_a_run_that_could_not_be_started_is_tried_three_times_at_most_and_again_once_it_was_put_back(
    watch: Watch,
) -> None:
    watch.ground.send(label_updated(watch.one))
    keys = set()
    for attempt in ("1", "2", "3"):
        [request], _ = watch.tick()
        assert request.tags[ATTEMPT_TAG] == attempt
        keys.add(request.run_key)
        watch.make([request], dg.DagsterRunStatus.FAILURE)
    assert len(keys) == 3
    # Nobody ever acted on it: a human finds it among the dead letters.
    for _ in range(6):
        assert watch.tick()[0] == []
    dead = f"{watch.ground.queue}-dead-letters"
    assert watch.ground.waiting(dead) == 1
    account = Sessions().for_target(Target(region=REGION))
    queue = EventQueue.find(account, watch.ground.queue)
    assert queue is not None
    put_back(account, account.arn("sqs", dead), queue, seconds=SECONDS, sleep=lambda _: None)
    [request], _ = watch.tick()
    assert request.tags[ATTEMPT_TAG] == "4"


def test_each_kind_of_event_has_its_job(watch: Watch) -> None:
    context = watch.one.partition("/")[0]
    events = {
        "verify": service_event(watch.one, "RotationFailed"),
        "plan": call("PutResourcePolicy", {"secretId": watch.one}),
        "provision": database_event(f"{context}-db"),
    }
    watch.ground.send(*events.values())
    requests, _ = watch.tick()
    assert {one.job_name: ",".join(events_of(one.tags)) for one in requests} == {
        job: event["id"] for job, event in events.items()
    }


def test_a_change_of_a_key_concerns_the_stacks_that_use_it(watch: Watch) -> None:
    kms = watch.ground.session.client("kms")
    own, other = (kms.create_key()["KeyMetadata"] for _ in range(2))
    kms.create_alias(AliasName=f"alias/{watch.one.partition('/')[0]}", TargetKeyId=own["KeyId"])
    watch.ground.secrets.update_secret(SecretId=watch.one.replace("a", "b", 1), KmsKeyId=own["Arn"])
    watch.ground.send(
        *(
            call("DisableKey", {"keyId": key["KeyId"]}, service="kms", resources=[{"ARN": key["Arn"]}])
            for key in (own, other)
        )
    )
    requests, _ = watch.tick()
    assert sorted(one.tags[PARTITION_TAG] for one in requests) == sorted(watch.ground.stacks)
    assert watch.ground.waiting() == 1


def test_a_deleted_alias_concerns_the_stack_that_declares_it_though_the_key_lists_it_no_longer(watch: Watch) -> None:
    key = watch.ground.session.client("kms").create_key()["KeyMetadata"]
    alias = f"alias/{watch.one.partition('/')[0]}"
    arns = [{"ARN": key["Arn"].rpartition("key/")[0] + alias}, {"ARN": key["Arn"]}]
    watch.ground.send(call("DeleteAlias", {"aliasName": alias}, service="kms", resources=arns))
    requests, _ = watch.tick()
    assert [one.tags[PARTITION_TAG] for one in requests] == [watch.ground.stacks[0]]


@pytest.mark.parametrize(
    "event",
    [
        label_updated("nobody/knows"),
        label_updated("ONE", account=ELSEWHERE, resources=[secret_arn("ONE", ELSEWHERE)]),
        label_updated("ONE", region="us-east-1"),
        label_updated("ONE", label="AWSPREVIOUS"),
        database_event("nobody"),
        service_event("ONE", "RotationStarted"),
    ],
)
def test_what_concerns_no_stack_is_deleted_and_starts_nothing(watch: Watch, event: Mapping[str, Any]) -> None:
    watch.ground.send(json.dumps(event).replace("ONE", watch.one))
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_a_tag_that_names_a_stack_of_another_place_is_not_believed(watch: Watch) -> None:
    tag: TagTypeDef = {"Key": "secrets-pipeline:stack", "Value": "somebody-elses"}
    watch.ground.secrets.create_secret(Name=f"foreign/{watch.ground.queue}", SecretString="x", Tags=[tag])
    watch.ground.send(label_updated(f"foreign/{watch.ground.queue}", resources=[]))
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_a_secret_that_is_gone_for_good_concerns_the_stack_that_declares_it(watch: Watch) -> None:
    arn = watch.ground.secrets.describe_secret(SecretId=watch.one)["ARN"]
    watch.ground.secrets.delete_secret(SecretId=watch.one, ForceDeleteWithoutRecovery=True)
    watch.ground.send(call("DeleteSecret", {"secretId": arn}))
    [request], _ = watch.tick()
    assert (request.job_name, request.tags[PARTITION_TAG]) == ("plan", watch.ground.stacks[0])


def test_our_own_calls_and_our_own_writes_start_nothing(watch: Watch) -> None:
    own = watch.ground.session.client("sts").get_caller_identity()["Arn"]
    version = watch.ground.secrets.put_secret_value(SecretId=watch.one, SecretString="rendered")["VersionId"]
    tag: TagTypeDef = {"Key": "secrets-pipeline:value-version", "Value": f"{version}.proof"}
    watch.ground.secrets.tag_resource(SecretId=watch.one, Tags=[tag])
    watch.ground.send(
        call("PutResourcePolicy", {"secretId": watch.one}, actor=own),
        label_updated(watch.one, version=version, resources=[]),
    )
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def label_moved(watch: Watch, version: str, tagged: str) -> list[dg.RunRequest]:
    """What is asked for when a version became AWSCURRENT of a secret whose tag names another one, or the same."""
    tag: TagTypeDef = {"Key": "secrets-pipeline:value-version", "Value": f"{tagged}.proof"}
    watch.ground.secrets.tag_resource(SecretId=watch.one, Tags=[tag])
    watch.ground.send(label_updated(watch.one, version=version, resources=[]))
    return watch.tick()[0]


def test_our_own_write_over_whatever_version_starts_nothing_and_going_back_to_it_later_does(watch: Watch) -> None:
    secrets, stack = watch.ground.secrets, watch.ground.stacks[0]
    own = secrets.put_secret_value(SecretId=watch.one, SecretString="rendered over what a human wrote")["VersionId"]
    assert label_moved(watch, own, tagged=own) == []
    rotated = secrets.put_secret_value(SecretId=watch.one, SecretString="rotated")["VersionId"]
    followed = label_moved(watch, rotated, tagged=own)
    assert [one.tags[PARTITION_TAG] for one in followed] == [stack]
    watch.make(followed)
    assert watch.tick()[0] == []
    secrets.update_secret_version_stage(
        SecretId=watch.one, VersionStage="AWSCURRENT", MoveToVersionId=own, RemoveFromVersionId=rotated
    )
    [request] = label_moved(watch, own, tagged=own)
    assert request.tags[PARTITION_TAG] == stack
    assert own in events_of(request.tags).values()


def access_event(event: str = "PutRolePolicy", *, ago: int = 300, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - see `call`
    """Of IAM, some time ago, in the one region that tells of it."""
    at = (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"region": "us-east-1", "time": at, **more.pop("envelope_says", {})}
    return call(event, {"roleName": "shop"}, envelope_says=said, **{"service": "iam", **more})


def test_a_change_of_iam_starts_one_run_of_the_account_without_a_partition(watch: Watch) -> None:
    watch.ground.send(access_event(), access_event("AttachRolePolicy"))
    [request], _ = watch.tick()
    assert (request.tags[ACCOUNT_TAG], PARTITION_TAG in request.tags) == (ACCOUNT, False)
    watch.make([request])
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_a_change_of_iam_a_moment_ago_waits_hidden_for_those_that_come_with_it(watch: Watch) -> None:
    watch.ground.send(access_event(ago=0))
    assert watch.tick()[0] == []
    assert watch.tick() == ([], "no event came")
    assert watch.ground.waiting() == 1


def test_a_change_of_the_organisation_concerns_every_account_wherever_it_is_made(watch: Watch) -> None:
    elsewhere = {"account": ELSEWHERE}
    watch.ground.send(access_event("AttachPolicy", service="organizations", envelope_says=elsewhere))
    [request], _ = watch.tick()
    assert request.tags[ACCOUNT_TAG] == ACCOUNT


def test_a_change_of_iam_in_an_account_that_nobody_reads_from_or_by_ourselves_starts_nothing(watch: Watch) -> None:
    own = boto3.client("sts").get_caller_identity()["Arn"]
    watch.ground.send(access_event(envelope_says={"account": ELSEWHERE}), access_event(actor=own))
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_an_account_that_cannot_be_reached_hides_no_other_and_what_may_be_its_event_stays(watch: Watch) -> None:
    operator = watch.ground.repository / "operator.yaml"
    gone = f'{{stacks: "{watch.ground.stacks[1]}", region: {REGION}, role_arn: "arn:aws:iam::{ELSEWHERE}:role/gone"}}'
    operator.write_text(operator.read_text().replace("targets: [", f"targets: [{gone}, "))
    watch.ground.send(access_event(), label_updated(watch.one), access_event(envelope_says={"account": ELSEWHERE}))
    requests, _ = watch.tick()
    assert sorted(one.job_name or "" for one in requests) == ["on_outside_change", "provision"]
    watch.make(requests)
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 1


def test_the_same_call_by_somebody_else_starts_a_run(watch: Watch) -> None:
    watch.ground.send(call("PutResourcePolicy", {"secretId": watch.one}, actor=SOMEBODY))
    assert [one.job_name for one in watch.tick()[0]] == ["plan"]


def test_poison_is_logged_once_without_its_text_and_ends_among_the_dead_letters(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    watch.ground.send("canary-71c3 is no event", json.dumps({"id": "canary-71c3"}))
    caplog.set_level(logging.DEBUG, logger="dagster")
    for _ in range(8):
        assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0
    assert watch.ground.waiting(f"{watch.ground.queue}-dead-letters") == 2


def test_poison_beside_events_hinders_none(watch: Watch) -> None:
    watch.ground.send("{", label_updated(watch.one), "[]")
    assert len(watch.tick()[0]) == 1


def test_where_aws_does_not_answer_the_message_stays(watch: Watch) -> None:
    watch.ground.send(label_updated(watch.one))
    refusing = Sessions(boto3.Session(region_name=REGION))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
        assert watch.tick(sessions=refusing)[0] == []
    assert watch.ground.waiting() == 1
    assert len(watch.tick()[0]) == 1


def test_a_place_that_does_not_answer_is_tried_twice_a_tick_however_many_events_it_has_and_hides_no_other(
    watch: Watch, aws: emulator.LocalAws
) -> None:
    silent, other = watch.ground.stacks
    watch.ground.move(other, "us-west-2")
    elsewhere = label_updated(f"{other.removesuffix('-dev')}/dev/one", resources=[], region="us-west-2")
    two = watch.one.replace("/one", "/two")
    watch.ground.send(label_updated(watch.one, resources=[]), label_updated(two, resources=[]), elsewhere)
    emulator.arm(aws, emulator.InjectedFault(emulator.FaultAction.LOST, attempts=20, operation="DescribeSecret"))
    assert [one.tags[PARTITION_TAG] for one in watch.tick()[0]] == [other]
    [report] = emulator.disarm(aws)
    assert len(report.struck) == 2
    assert sorted(one.tags[PARTITION_TAG] for one in watch.tick()[0]) == [silent, other]


def test_a_secret_of_another_team_that_may_not_be_described_is_no_dead_letter(
    watch: Watch, session: boto3.Session
) -> None:
    iam, name = session.client("iam"), f"daemon-{watch.ground.stacks[0]}"
    allow = {"Effect": "Allow", "Action": ["sqs:*", "sts:*"], "Resource": "*"}
    iam.create_user(UserName=name)
    iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    narrow = Sessions(boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION))
    theirs = session.client("secretsmanager").create_secret(Name=f"theirs/{name}", SecretString="x")["ARN"]
    watch.ground.send(label_updated(f"theirs/{name}", resources=[theirs]), label_updated(watch.one))
    assert watch.tick(sessions=narrow)[0] == []
    # What a stack declares stays, until somebody lets the pipeline see it.
    assert watch.ground.waiting() == 1
    assert len(watch.tick()[0]) == 1


def test_where_sqs_neither_deletes_nor_hides_what_was_found_is_asked_for_and_nothing_is_lost(
    watch: Watch, aws: emulator.LocalAws
) -> None:
    watch.ground.send(label_updated("nobody/knows"), access_event(ago=0), label_updated(watch.one))
    refused = ("DeleteMessageBatch", "ChangeMessageVisibilityBatch")
    emulator.arm(aws, *(emulator.InjectedFault(emulator.FaultAction.DENY, operation=one) for one in refused))
    assert [one.tags[PARTITION_TAG] for one in watch.tick()[0]] == [watch.ground.stacks[0]]
    assert [len(report.struck) for report in emulator.disarm(aws)] == [1, 1]
    assert watch.ground.waiting() == 3


def test_without_a_queue_the_tick_says_what_to_do(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.ground.sqs.delete_queue(QueueUrl=watch.ground.url)
    assert "materialize rotation_event_queue" in watch.tick()[1]
    settings = watch.ground.repository / "operator.yaml"
    settings.write_text(settings.read_text().partition("events:")[0])
    assert "aws_polling_sensor looks instead" in watch.tick()[1]


@pytest.mark.parametrize("named", ["", "github.com/acme/payments"])
def test_the_events_of_another_repositorys_queue_are_left_to_it(watch: Watch, named: str) -> None:
    settings = watch.ground.repository / "operator.yaml"
    settings.write_text(settings.read_text() + (f"repository: {named}\n" if named else ""))
    watch.ground.sqs.tag_queue(QueueUrl=watch.ground.url, Tags={REPOSITORY: "github.com/acme/shop"})
    # Of a stack of the other one: here nobody has it, and whom no event concerns would delete it.
    watch.ground.send(label_updated("shop/prod/elsewhere"))
    requests, why = watch.tick()
    assert requests == []
    assert "belongs to repository github.com/acme/shop" in why
    assert watch.ground.waiting() == 1
    watch.ground.sqs.tag_queue(QueueUrl=watch.ground.url, Tags={REPOSITORY: named})
    if named:
        watch.tick()
        assert watch.ground.waiting() == 0


def test_a_read_only_deployment_receives_nothing(watch: Watch) -> None:
    watch.ground.send(label_updated(watch.one))
    assert "read-only" in watch.tick(sessions=Sessions(read_only=True))[1]
    assert watch.ground.waiting() == 1


def test_an_empty_queue_is_no_reason_to_read_the_repository(watch: Watch) -> None:
    broken = replace(watch, ground=replace(watch.ground, repository=Path("/nowhere")))
    assert broken.tick() == ([], "no event came")


def test_events_of_a_stack_with_errors_start_a_run_that_says_so(watch: Watch) -> None:
    manifest = watch.ground.repository / "stacks" / f"{watch.one.partition('/')[0]}.yaml"
    manifest.write_text(manifest.read_text().replace("generate_random_password: true", "no_such_key: 1"))
    watch.ground.send(label_updated(watch.one, resources=[]))
    assert [one.tags[PARTITION_TAG] for one in watch.tick()[0]] == [watch.ground.stacks[0]]


def edit(watch: Watch, stack: str, old: str, new: str) -> None:
    """Write something else into a stack's manifest."""
    manifest = watch.ground.repository / "stacks" / f"{stack.removesuffix('-dev')}.yaml"
    manifest.write_text(manifest.read_text().replace(old, new))


def test_an_event_of_a_place_whose_only_stack_has_errors_waits_and_is_followed_once_it_has_none(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_sensor, "WAITING_SECONDS", 0)
    one, other = watch.ground.stacks
    operator = watch.ground.repository / "operator.yaml"
    elsewhere = f'{{stacks: "{other}", account_id: "{ELSEWHERE}", region: {REGION}}}'
    operator.write_text(operator.read_text().replace("targets: [", f"targets: [{elsewhere}, "))
    edit(watch, one, "generate_random_password: true", "no_such_key: 1")
    watch.ground.send(label_updated(watch.one, arn=watch.arn))
    assert watch.tick()[0] == []
    edit(watch, one, "no_such_key: 1", "generate_random_password: true")
    assert [request.tags[PARTITION_TAG] for request in watch.tick()[0]] == [one]


def test_events_of_a_stack_that_nobody_can_read_wait_and_what_is_nobodys_in_any_case_does_not(watch: Watch) -> None:
    edit(watch, watch.ground.stacks[0], "vars: {context_name", "vars: {{context_name")
    context = watch.one.partition("/")[0]
    kms = watch.ground.session.client("kms")
    ours, foreign = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    watch.ground.secrets.update_secret(SecretId=watch.one, KmsKeyId=ours)
    watch.ground.send(
        label_updated(watch.one, arn=watch.arn),
        call("PutResourcePolicy", {"secretId": watch.one}),
        database_event(f"{context}-db"),
        call("DisableKey", {"keyId": ours}, service="kms"),
        access_event(envelope_says={"account": ELSEWHERE}),
    )
    untagged = watch.ground.secrets.create_secret(Name=f"foreign/{watch.ground.queue}", SecretString="x")
    own = watch.ground.session.client("sts").get_caller_identity()["Arn"]
    watch.ground.send(
        label_updated(watch.one, label="AWSPREVIOUS"),
        service_event(watch.one, "RotationStarted"),
        call("PutResourcePolicy", {"secretId": watch.one}, actor=own),
        label_updated(untagged["Name"], resources=[untagged["ARN"]]),
        call("DisableKey", {"keyId": foreign}, service="kms"),
    )
    assert watch.tick()[0] == []
    assert watch.tick() == ([], "no event came")
    assert watch.ground.waiting() == 5


def test_a_secret_of_another_repository_does_not_wait_for_a_stack_with_errors(watch: Watch) -> None:
    tag: TagTypeDef = {"Key": "secrets-pipeline:stack", "Value": "somebody-elses"}
    name = f"foreign/{watch.ground.queue}"
    arn = watch.ground.secrets.create_secret(Name=name, SecretString="x", Tags=[tag])["ARN"]
    edit(watch, watch.ground.stacks[0], "generate_random_password: true", "no_such_key: 1")
    watch.ground.send(label_updated(name, resources=[arn]))
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_a_stack_that_has_errors_and_is_rendered_from_the_secret_keeps_its_event(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_sensor, "WAITING_SECONDS", 0)
    leader, other = watch.ground.stacks
    behind = watch.ground.follow(leader, leader.removesuffix("-dev") + "x")
    edit(watch, behind, "copy: {", "copy: {no_such_key: 1, ")
    edit(watch, other, "generate_random_password: true", "no_such_key: 1")
    watch.ground.send(label_updated(watch.one, arn=watch.arn))
    requests, _ = watch.tick()
    assert [one.tags[PARTITION_TAG] for one in requests] == [leader]
    watch.make(requests)
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 1
    edit(watch, behind, "no_such_key: 1, ", "")
    [request] = watch.tick()[0]
    assert request.tags[PARTITION_TAG] == behind
    watch.make([request])
    # The other stack with errors does not speak of it.
    assert watch.tick()[0] == []
    assert watch.ground.waiting() == 0


def test_a_list_in_a_tag_is_cut_where_it_does_not_fit() -> None:
    words = [f"secret-{number}" for number in range(500)]
    assert len(fitting(words)) <= LONGEST_TAG + 2
    assert fitting(words).endswith(",…")
    assert fitting(["a", "b"]) == "a,b"


def test_a_stack_whose_name_is_no_partition_key_hides_no_other(watch: Watch) -> None:
    context = dg.build_sensor_context(instance=watch.instance)
    named = [run_request("on_outside_change", stack, key=stack) for stack in ("a/b", "shop-dev", "..")]
    assert [one.tags["dagster/partition"] for one in with_valid_key(context, named)] == ["shop-dev"]
