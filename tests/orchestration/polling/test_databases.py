"""A database that becomes available, is restored or moves is followed once, by whoever comes first."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import AwsError
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.polling.databases import _serving
from secrets_pipeline.orchestration.polling.sensor import aws_polling_sensor_for
from secrets_pipeline.orchestration.sensors import event_jobs
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository, job_named
from tests.orchestration.database_stack import database_stack
from tests.waiting import WAITER

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

_numbers = itertools.count(1)
NOW = 1_800_000_000


class Watched:
    """A stack with a database, and the sensor as the daemon evaluates it."""

    def __init__(self, aws: emulator.LocalAws, repository: Repository, instance: dg.DagsterInstance) -> None:
        self.instance, self.repository = instance, repository
        self.stack = f"watched{next(_numbers)}-dev"
        repository.tree = {self.stack: database_stack(self.stack, aws)}
        session = boto3.Session(region_name=aws.region)
        self.rds: RDSClient = session.client("rds")
        self.secrets = session.client("secretsmanager")
        self.cursor: str | None = None
        self.asked: set[str | None] = set()
        self.now = NOW
        made = event_jobs(PLAIN, jobs(PLAIN))
        self.sensor = aws_polling_sensor_for(PLAIN, made, job_named("verify"), by_events=True, clock=lambda: self.now)
        instance.add_dynamic_partitions(PLAIN.of("stacks"), [self.stack])

    def tick(self) -> list[str]:
        """Names of the jobs that are requested, without what Dagster drops for its key."""
        alerting = Alerting(AlertSettings(), Sessions())
        resources = {"secrets_pipeline_stacks": self.repository.stacks(), "secrets_pipeline_alerting": alerting}
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources=resources) as context:
            result: Any = self.sensor(context)
        self.cursor = result.cursor
        self.known = json.loads(result.cursor)["databases"]
        new = [one for one in result.run_requests or () if one.run_key not in self.asked]
        self.asked |= {one.run_key for one in new}
        assert all(one.tags[PARTITION_TAG] == self.stack for one in new)
        return [str(one.job_name) for one in new]

    def run(self, job: str) -> dg.ExecuteInProcessResult:
        self.repository.write()
        return (
            build_definitions()
            .resolve_job_def(job)
            .execute_in_process(
                instance=self.instance,
                partition_key=self.stack,
                raise_on_error=False,
            )
        )

    def unfinished_run(self) -> str:
        run = dg.DagsterRun("provision", run_id=str(uuid.uuid4()), tags={PARTITION_TAG: self.stack})
        return self.instance.add_run(run).run_id

    def value(self, name: str) -> str:
        return self.secrets.get_secret_value(SecretId=f"{self.stack}/dev/{name}")["SecretString"]

    def make_database(self) -> None:
        self.rds.create_db_instance(
            DBInstanceIdentifier=self.stack,
            Engine="postgres",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            DBName="orders",
            MasterUsername="owner",
            MasterUserPassword="first-password-that-nobody-keeps",
        )
        self.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=self.stack, WaiterConfig=WAITER)


@pytest.fixture
def watched(
    aws: emulator.LocalAws, repository: Repository, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> Watched:
    lead_to(aws, monkeypatch)
    return Watched(aws, repository, instance)


def followed(watched: Watched, **said: str) -> None:
    """What a run leaves in the storage."""
    watched.instance.report_runless_asset_event(
        dg.AssetMaterialization("rds_endpoints", partition=watched.stack, metadata={"followed": said})
    )


def test_a_stack_that_was_never_applied_is_left_alone_and_rds_is_not_asked(watched: Watched) -> None:
    assert watched.tick() == []


def test_a_database_that_becomes_available_after_the_run_is_followed_and_then_let_be(watched: Watched) -> None:
    watched.run("provision")
    watched.make_database()
    assert watched.tick() == ["on_database_change"]
    assert watched.tick() == []


def test_a_difference_is_tried_again_after_growing_pauses_and_not_for_ever(watched: Watched) -> None:
    watched.make_database()
    followed(watched)
    tries = []
    for minute in (0, 0.5, 1, 2, 10, 11, 12, 60, 71, 72, 400, 431, 432, 1_000, 5_000):
        watched.now = NOW + int(60 * minute)
        if watched.tick():
            tries.append(minute)
    assert tries == [0, 1, 11, 71, 431]


def test_a_run_on_its_way_is_waited_for_and_what_it_followed_is_not_followed_again(watched: Watched) -> None:
    watched.make_database()
    followed(watched)
    run = watched.unfinished_run()
    assert watched.tick() == []
    watched.instance.report_run_failed(_run(watched, run), "killed")
    assert watched.tick() == ["on_database_change"]
    database = watched.rds.describe_db_instances(DBInstanceIdentifier=watched.stack)["DBInstances"][0]
    endpoint = f"{database['Endpoint']['Address']}:{database['Endpoint']['Port']}"
    followed(watched, **{watched.stack: f"{database['DbiResourceId']} {endpoint}"})
    assert watched.tick() == []
    watched.now += 600
    followed(watched, **{watched.stack: f"db-BEFORETHERESTORE {endpoint}"})
    assert watched.tick() == ["on_database_change"]


def test_an_account_that_cannot_be_read_keeps_what_was_known_and_hides_no_other_stack(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.make_database()
    followed(watched)
    assert watched.tick() == ["on_database_change"]
    before = watched.known
    other = "elsewhere-dev"
    watched.instance.add_dynamic_partitions(PLAIN.of("stacks"), [other])
    tree = watched.repository.tree
    tree[other] = {
        name: {key: "999988887777" if key == "account_id" else value for key, value in variables.items()}
        for name, variables in tree[watched.stack].items()
    }
    watched.instance.report_runless_asset_event(dg.AssetMaterialization("rds_endpoints", partition=other))
    assert watched.tick() == []
    assert watched.known == before


def _run(watched: Watched, run_id: str) -> dg.DagsterRun:
    found = watched.instance.get_run_by_id(run_id)
    assert found is not None
    return found


def test_an_account_that_does_not_answer_is_asked_once_a_tick_whatever_number_of_stacks_live_there(
    aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(aws, monkeypatch)
    database = DatabaseSpec(component="rds", identifier="db", engine="postgres", username="owner")
    target = Target(region=aws.region, account_id=aws.account_id)
    specs = [StackSpec(stack=name, target=target, databases=(database,)) for name in ("one", "two", "three")]
    sessions, known = Sessions(), dict[Target, DatabaseInventory | AwsError]()
    emulator.arm(aws, emulator.InjectedFault(emulator.FaultAction.DENY, service="rds"))
    emulator.reset_calls(aws)
    for spec in specs:
        with pytest.raises(AwsError):
            _serving(spec, sessions, known)
    assert sum(call.count for call in emulator.calls(aws) if call.service == "rds") == 1
    emulator.reset_conditions(aws)
