"""A database that takes its time, as on AWS, is finished by a later run, and nobody waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from secrets_pipeline import local
from secrets_pipeline.aws import Pacer, Sessions
from secrets_pipeline.engine import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.reconcilers import Surroundings
from secrets_pipeline.reconcilers.database_endpoint import DatabaseEndpointReconciler
from secrets_pipeline.spec import StackSpec

if TYPE_CHECKING:
    from tests.reconcilers.conftest import Bench

STAGE, CREATING_SECONDS = "rds_endpoints", 10.0
CLUSTER: dict[str, Any] = {"engine": "aurora-postgresql", "instance_class": "db.t4g.medium"}


@pytest.fixture(scope="module")
def slow_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.LocalAws]:
    running = local.start(tmp_path_factory.mktemp("slow-aws"), die_with_parent=True, creating_seconds=CREATING_SECONDS)
    yield running
    local.stop(running.state_dir)


@pytest.fixture
def slow(slow_aws: local.LocalAws, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench on a server whose databases are `creating` for a while."""
    variables = slow_aws.environment()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(
        variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name=slow_aws.region
    )
    return type(bench)(slow_aws, session, Sessions(session, pacers=lambda *_: Pacer(sleep=lambda _: None)))


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(
    ("kind", "condition"),
    [({}, "instance is creating"), (CLUSTER, "cluster is creating")],
    ids=["instance", "cluster"],
)
def test_a_database_that_is_still_creating_is_skipped_when_a_short_wait_is_over_and_finished_later(
    slow: Bench, kind: dict[str, Any], condition: str
) -> None:
    url = "postgresql://owner:${output.secrets.generated_passwords.password}@${output.rds.endpoint}/orders"
    connection = slow.declared("url", url, needs_endpoint=True, depends_on=(slow.ref("password"),))
    spec: StackSpec = slow.spec(slow.generated(), connection, databases=(slow.database(**kind),))
    began = time.monotonic()
    slow.provision(spec, "secrets", "rds_instances")
    change = slow.plan(spec, STAGE)[slow.stack]
    assert (change.action, change.reason) == (ChangeClass.UPDATE, condition)
    clock, context = Clock(), slow.context(spec)
    context.world.surroundings = Surroundings(clock=clock, sleep=clock.sleep)
    outcome = slow.run(DatabaseEndpointReconciler(context, wait=3.0))[slow.stack]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == f"{condition}: the next run goes on when it is available"
    assert clock.slept == [0.25, 0.5, 1.0, 1.25]
    assert time.monotonic() - began < CREATING_SECONDS, "this machine was too slow for what the test is about"
    waiting: Any = {"Delay": 1, "MaxAttempts": 60}
    member = spec.databases[0].member_identifiers[0] if kind else slow.stack
    slow.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=member, WaiterConfig=waiting)
    outcomes = slow.provision(spec)
    assert isinstance(outcomes[f"{STAGE} {slow.stack}"], Applied)
    assert isinstance(outcomes[f"connection_secrets {slow.name('url')}"], Applied)
    assert {type(one) for one in slow.provision(spec).values()} == {Unchanged}
