"""A database that takes its time, as on AWS, is finished by a later run, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.reconcilers.database.endpoint import DatabaseEndpointReconciler
from tests.bench import during
from tests.waiting import WAITER

if TYPE_CHECKING:
    from tests.bench import Bench

STAGE = "rds_endpoints"
LONG = emulator.Pace(seconds={"database creating": 300})
"""Until the test ends it."""
CLUSTER: dict[str, Any] = {"engine": "aurora-postgresql", "instance_class": "db.t4g.medium"}


@pytest.fixture
def slow(bench: Bench) -> Iterator[Bench]:
    """A bench on a server whose databases are `creating` until that is ended."""
    emulator.set_pace(bench.aws, LONG)
    yield bench
    emulator.reset_conditions(bench.aws)


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
    slow.provision(spec, "secrets", "rds_instances")
    change = slow.plan(spec, STAGE)[slow.stack]
    assert (change.action, change.reason) == (ChangeClass.UPDATE, condition)
    clock = Clock()
    context = during(slow.context(spec), clock=clock, sleep=clock.sleep)
    outcome = slow.run(DatabaseEndpointReconciler(context, wait=3.0))[slow.stack]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == f"{condition}: the next run goes on when it is available"
    assert outcome.passes
    assert clock.slept == [0.25, 0.5, 1.0, 1.25]
    emulator.reset_conditions(slow.aws)
    member = spec.databases[0].member_identifiers[0] if kind else slow.stack
    slow.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=member, WaiterConfig=WAITER)
    outcomes = slow.provision(spec)
    assert isinstance(outcomes[f"{STAGE} {slow.stack}"], Applied)
    assert isinstance(outcomes[f"connection_secrets {slow.name('url')}"], Applied)
    assert {type(one) for one in slow.provision(spec).values()} == {Unchanged}
