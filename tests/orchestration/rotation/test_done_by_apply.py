"""What an apply itself brought about is not followed again; what anybody else did, and what it left open, is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.operations.concerned_stacks import EventStacks
from secrets_pipeline.operations.unread_stacks import UnreadStacks
from secrets_pipeline.operations.verdict import Concern
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.rotation.done_by_apply import DoneByApply
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.rotation.events.hints import Hint
from secrets_pipeline.rotation.events.parsing import parse
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository, sensor_named
from tests.orchestration.database_stack import database_stack
from tests.rotation.event_bodies import database_event, label_updated, service_event
from tests.snapshots import Ready
from tests.waiting import WAITER

_numbers = itertools.count(1)
DATABASE, ROTATION = ["on_database_change"], ["on_rotation"]


class Shop:
    """A stack with a database and its password, applied by real runs, and the sensor on a queue."""

    def __init__(self, aws: emulator.LocalAws, repository: Repository, instance: dg.DagsterInstance) -> None:
        self.instance, self.repository = instance, repository
        self.stack = "shop-dev"
        made = database_stack(self.stack, aws)
        self.vars: dict[str, Any] = made["secretsmanager"]
        repository.tree = {self.stack: made}
        repository.component_settings = {"create": True}
        self.where = {"region": aws.region, "account_id": aws.account_id}
        session = boto3.Session(region_name=aws.region)
        self.rds, self.secrets, self.sqs = (
            session.client("rds"),
            session.client("secretsmanager"),
            session.client("sqs"),
        )
        instance.add_dynamic_partitions(PLAIN.of("stacks"), [self.stack])

    def run(self, job: str = "provision") -> bool:
        """Run a job of the stack, which knows of no queue; whether it succeeded."""
        self.repository.settings = {}
        self.repository.write()
        found = build_definitions().resolve_job_def(job)
        return found.execute_in_process(instance=self.instance, partition_key=self.stack, raise_on_error=False).success

    def asked(self, *events: Mapping[str, Any]) -> list[str]:
        """The jobs that one tick asks for because of some events, and of no others."""
        queue = f"events-{next(_numbers)}"
        self.repository.settings = {"events": {"queue": queue, **self.where}}
        url = self.sqs.create_queue(QueueName=queue)["QueueUrl"]
        for event in events:
            self.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
        resources = {"secrets_pipeline_stacks": self.repository.stacks()}
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            match sensor_named("rotation_event_sensor")(context):
                case dg.SensorResult() as result:
                    return [str(one.job_name) for one in result.run_requests or ()]
                case dg.SkipReason() as skipped:
                    assert f"{len(events)} events received, {len(events)} of them done" in str(skipped.skip_message)
                    return []
                case other:
                    raise AssertionError(other)

    def version(self, stage: str, key: str = "owner") -> str:
        said = self.secrets.describe_secret(SecretId=self.name(key))["VersionIdsToStages"]
        return next(version for version, stages in said.items() if stage in stages)

    def name(self, key: str = "owner") -> str:
        return f"{self.stack}/dev/{key}"

    def current(self, version: str, *, time: str) -> dict[str, Any]:
        """A version became AWSCURRENT."""
        arn = self.secrets.describe_secret(SecretId=self.name())["ARN"]
        return label_updated(self.name(), version=version, arn=arn, time=time)

    def created(self, *, number: int = 5, of: str = "") -> dict[str, Any]:
        """RDS tells of the database, or of another one."""
        event = database_event(of or self.stack, "creation", time=now())
        event["detail"]["EventID"] = f"RDS-EVENT-{number:04}"
        return event


def now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture
def shop(aws: emulator.LocalAws, ready: Ready, monkeypatch: pytest.MonkeyPatch) -> Shop:
    lead_to(aws, monkeypatch)
    ready.clear()
    return Shop(aws, Repository(ready.folder, monkeypatch), ready.instance)


@pytest.fixture
def began(shop: Shop, ready: Ready) -> str:
    """A moment before the first apply, which succeeds."""

    def first_apply() -> str:
        at = now()
        assert shop.run()
        return at

    return ready.after(first_apply)


def test_a_database_that_the_first_apply_made_is_not_followed_again(shop: Shop, began: str) -> None:
    assert shop.asked(shop.created()) == []


def test_a_version_that_the_first_apply_itself_wrote_over_is_not_followed_again(shop: Shop, began: str) -> None:
    first = shop.version("AWSPREVIOUS")
    assert shop.asked(shop.current(first, time=began)) == []


def test_what_waited_for_two_applies_is_done_where_the_first_of_them_did_it(shop: Shop, began: str) -> None:
    first, event = shop.version("AWSPREVIOUS"), shop.created()
    assert shop.run()
    assert shop.asked(event, shop.current(first, time=began)) == []


def test_a_version_that_two_applies_wrote_over_behind_each_other_is_not_followed_again(shop: Shop, began: str) -> None:
    first, second = shop.version("AWSPREVIOUS"), shop.version("AWSCURRENT")
    shop.vars["secrets"]["owner"]["dbname"] = "invoices"
    assert shop.run()
    assert shop.version("AWSCURRENT") not in {first, second}
    assert shop.asked(*(shop.current(one, time=began) for one in (first, second))) == []


def test_a_version_that_only_a_run_that_failed_wrote_over_is_followed_after_the_next_apply(
    shop: Shop, failed: str
) -> None:
    first = shop.version("AWSPREVIOUS")
    del shop.vars["secrets"]["broken"]
    assert shop.run()
    assert shop.asked(shop.current(first, time=failed)) == ROTATION


def test_a_version_of_somebody_else_between_two_applies_is_followed(shop: Shop, began: str) -> None:
    first = shop.version("AWSPREVIOUS")
    document = json.loads(shop.secrets.get_secret_value(SecretId=shop.name())["SecretString"])
    shop.secrets.put_secret_value(SecretId=shop.name(), SecretString=json.dumps(document))
    shop.vars["secrets"]["owner"]["dbname"] = "invoices"
    assert shop.run()
    assert shop.asked(shop.current(first, time=began)) == ROTATION


def test_a_database_that_was_made_anew_since_is_followed(shop: Shop, began: str) -> None:
    found = shop.rds.describe_db_instances(DBInstanceIdentifier=shop.stack)["DBInstances"][0]
    shop.rds.delete_db_instance(DBInstanceIdentifier=shop.stack, SkipFinalSnapshot=True)
    shop.rds.create_db_instance(
        DBInstanceIdentifier=shop.stack,
        Engine="postgres",
        DBInstanceClass=found["DBInstanceClass"],
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="first-password-that-nobody-keeps",
    )
    shop.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=shop.stack, WaiterConfig=WAITER)
    assert shop.asked(shop.created()) == DATABASE


def test_a_database_that_serves_no_more_is_followed(shop: Shop, began: str) -> None:
    shop.rds.stop_db_instance(DBInstanceIdentifier=shop.stack)
    assert shop.asked(shop.created()) == DATABASE


def test_what_happened_to_a_database_beside_its_making_is_followed_though_its_endpoint_stays(
    shop: Shop, began: str
) -> None:
    assert shop.asked(shop.created(number=16)) == DATABASE


def test_the_making_of_what_the_apply_did_not_follow_by_name_as_a_member_of_a_cluster_is_not_done(
    shop: Shop, began: str
) -> None:
    found = EventStacks(shop.repository.desired().specs, UnreadStacks(), Sessions())
    done = DoneByApply(shop.instance, PLAIN, found.databases)
    hints = [parse(json.dumps(shop.created(of=one))) for one in (shop.stack, f"{shop.stack}-reader")]
    assert [done(hint, Concern(shop.stack)) for hint in hints if isinstance(hint, Hint)] == [True, False]


def test_a_version_that_somebody_made_current_again_after_the_apply_is_followed(shop: Shop, began: str) -> None:
    first, second = shop.version("AWSPREVIOUS"), shop.version("AWSCURRENT")
    for to, away_from in ((first, second), (second, first)):
        shop.secrets.update_secret_version_stage(
            SecretId=shop.name(), VersionStage="AWSCURRENT", MoveToVersionId=to, RemoveFromVersionId=away_from
        )
    assert shop.asked(shop.current(first, time=now())) == ROTATION


def test_a_rotation_that_ends_after_the_apply_is_followed_by_either_of_its_events(shop: Shop, began: str) -> None:
    first = shop.version("AWSPREVIOUS")
    made = shop.secrets.put_secret_value(SecretId=shop.name(), SecretString='{"username": "owner"}')["VersionId"]
    arn = shop.secrets.describe_secret(SecretId=shop.name())["ARN"]
    # Of a clock that is behind.
    assert shop.asked(shop.current(made, time=began)) == ROTATION
    assert shop.asked(service_event(shop.name(), arn=arn, time=began)) == ROTATION
    assert shop.asked(shop.current(first, time=began)) == ROTATION


def test_a_version_of_somebody_else_that_an_apply_wrote_over_is_followed(shop: Shop, began: str) -> None:
    document = json.loads(shop.secrets.get_secret_value(SecretId=shop.name())["SecretString"])
    foreign = shop.secrets.put_secret_value(SecretId=shop.name(), SecretString=json.dumps(document))["VersionId"]
    shop.vars["secrets"]["owner"]["dbname"] = "invoices"
    assert shop.run()
    assert shop.version("AWSPREVIOUS") == foreign
    assert shop.asked(shop.current(foreign, time=began)) == ROTATION


def test_a_run_that_left_something_open_did_nothing_that_would_not_be_followed(shop: Shop) -> None:
    at, secrets = now(), shop.vars["secrets"]
    secrets["waiting"] = {"secret_data": {"key": "${ssm:/that/is/nowhere}"}}
    # It is declared, was not made, and nothing is on its way to make it.
    assert not shop.run()
    assert shop.asked(shop.created()) == DATABASE
    assert shop.asked(shop.current(shop.version("AWSPREVIOUS"), time=at)) == ROTATION


@pytest.fixture
def failed(shop: Shop, ready: Ready) -> str:
    """A moment before a first apply of which one secret fails."""
    shop.vars["secrets"]["broken"] = {"secret_data": "abc-def-ghi", "kms_key_id": "alias/that-is-nowhere"}

    def first_apply_that_fails() -> str:
        at = now()
        assert not shop.run()
        return at

    return ready.after(first_apply_that_fails)


def test_a_run_that_failed_did_nothing_that_would_not_be_followed(shop: Shop, failed: str) -> None:
    first = shop.version("AWSPREVIOUS")
    assert shop.asked(shop.created()) == DATABASE
    assert shop.asked(shop.current(first, time=failed)) == ROTATION


def test_a_database_that_a_later_apply_followed_is_not_followed_again(shop: Shop, failed: str) -> None:
    del shop.vars["secrets"]["broken"]
    assert shop.run()
    assert shop.asked(shop.created()) == []


def test_a_run_that_was_killed_after_its_report_did_nothing_that_would_not_be_followed(shop: Shop, began: str) -> None:
    first = shop.version("AWSPREVIOUS")
    (run,) = shop.instance.get_runs()
    shop.instance.report_run_failed(run, "its process is gone")
    assert shop.asked(shop.created()) == DATABASE
    assert shop.asked(shop.current(first, time=began)) == ROTATION
