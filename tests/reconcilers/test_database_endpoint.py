"""The password in the secret is proven by a real login, recorded, and set only where it is ours to set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from secrets_pipeline.engine import Applied, ChangeClass, Failed, Outcome, Skipped, Unchanged
from secrets_pipeline.reconcilers import StackContext, Surroundings
from secrets_pipeline.reconcilers.database_endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.login import Address, LoggedIn, Refused, log_in
from secrets_pipeline.reconcilers.marks import PASSWORD
from secrets_pipeline.spec import OperatorSettings, StackSpec

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

    from tests.reconcilers.conftest import Bench

STAGE = "rds_endpoints"
OTHER = "somebody-elses-password"


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    """A password secret and a database that accepts it."""
    return bench.create(bench.generated(), databases=(bench.database(),))


def instance(bench: Bench) -> DBInstanceTypeDef:
    return bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]


def mark(bench: Bench) -> str | None:
    return next((tag["Value"] for tag in instance(bench)["TagList"] if tag["Key"] == PASSWORD), None)


def accepts(bench: Bench, password: str) -> bool:
    at = instance(bench)["Endpoint"]
    address = Address("postgres", at["Address"], at["Port"], "owner", "orders")
    return log_in(address, SecretStr(password)) == LoggedIn()


def set_in_database(bench: Bench, password: str) -> None:
    bench.rds.modify_db_instance(DBInstanceIdentifier=bench.stack, MasterUserPassword=password, ApplyImmediately=True)
    available(bench)


def available(bench: Bench) -> None:
    while instance(bench)["DBInstanceStatus"] != "available" or instance(bench).get("PendingModifiedValues"):
        continue


def prove(bench: Bench, spec: StackSpec) -> Outcome:
    return bench.provision(spec, STAGE)[f"{STAGE} {bench.stack}"]


def test_the_password_is_proven_recorded_and_then_believed_without_reading_it(bench: Bench, spec: StackSpec) -> None:
    assert accepts(bench, bench.value("password"))
    assert mark(bench) == f"{instance(bench)['DbiResourceId']}:{bench.current('password')}"
    bench.reset_calls()
    assert isinstance(prove(bench, spec), Unchanged)
    assert bench.calls()["GetSecretValue"] == 0


def test_a_new_version_of_the_secret_is_proven_again(bench: Bench, spec: StackSpec) -> None:
    set_in_database(bench, OTHER)
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=OTHER)
    change = bench.plan(spec, STAGE)[bench.stack]
    assert change.reason == "password is not proven for this instance and secret version"
    outcome = prove(bench, spec)
    assert isinstance(outcome, Applied)
    assert outcome.detail.endswith("login proven")
    assert mark(bench) == f"{instance(bench)['DbiResourceId']}:{bench.current('password')}"


def test_a_restored_instance_is_proven_again_and_gets_our_own_password(bench: Bench, spec: StackSpec) -> None:
    # Another instance under the same identifier, with the tags and the password of an older time.
    old = instance(bench)
    bench.rds.delete_db_instance(DBInstanceIdentifier=bench.stack, SkipFinalSnapshot=True)
    bench.rds.create_db_instance(
        DBInstanceIdentifier=bench.stack,
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword=OTHER,
        DBName="orders",
        Tags=old["TagList"],
    )
    available(bench)
    assert instance(bench)["DbiResourceId"] != old["DbiResourceId"]
    assert bench.plan(spec, STAGE)[bench.stack].action is ChangeClass.UPDATE
    bench.reset_calls()
    assert isinstance(prove(bench, spec), Applied)
    assert bench.calls("rds")["ModifyDBInstance"] == 1
    assert accepts(bench, bench.value("password"))
    assert not accepts(bench, OTHER)
    assert mark(bench) == f"{instance(bench)['DbiResourceId']}:{bench.current('password')}"


def by_hand(bench: Bench) -> None:
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="typed-by-a-human")


def rotating(bench: Bench) -> None:
    bench.secrets.put_secret_value(
        SecretId=bench.name("password"), SecretString="pending-one", VersionStages=["AWSPENDING"]
    )


@pytest.mark.parametrize("interfere", [by_hand, rotating])
def test_a_refused_password_that_is_not_ours_to_set_fails_with_a_remedy_and_changes_nothing(
    bench: Bench, spec: StackSpec, interfere: Callable[[Bench], None]
) -> None:
    set_in_database(bench, OTHER)
    bench.rds.remove_tags_from_resource(ResourceName=instance(bench)["DBInstanceArn"], TagKeys=[PASSWORD])
    interfere(bench)
    bench.reset_calls()
    outcome = prove(bench, spec)
    assert isinstance(outcome, Failed)
    assert "refuses the password" in outcome.error.message
    assert "rotate the secret" in outcome.error.remedy
    assert bench.calls("rds")["ModifyDBInstance"] == 0
    assert accepts(bench, OTHER)
    assert mark(bench) is None


def test_a_password_changed_by_hand_after_the_list_was_read_is_not_set_either(bench: Bench, spec: StackSpec) -> None:
    bench.rds.remove_tags_from_resource(ResourceName=instance(bench)["DBInstanceArn"], TagKeys=[PASSWORD])
    set_in_database(bench, OTHER)
    context = bench.context(spec)
    reconciler = DatabaseEndpointReconciler(context)
    changes = reconciler.plan()
    by_hand(bench)
    assert isinstance(bench.run(reconciler, changes)[bench.stack], Failed)
    assert accepts(bench, OTHER)


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


def waiting(context: StackContext, clock: Clock, seconds: float) -> DatabaseEndpointReconciler:
    context.world.surroundings = Surroundings(clock=clock, sleep=clock.sleep)
    return DatabaseEndpointReconciler(context, wait=seconds)


def stopped(bench: Bench) -> None:
    bench.rds.stop_db_instance(DBInstanceIdentifier=bench.stack)


def test_an_instance_that_is_not_available_is_skipped_when_the_wait_is_over(bench: Bench, spec: StackSpec) -> None:
    stopped(bench)
    clock = Clock()
    outcome = bench.run(waiting(bench.context(spec), clock, 3.0))[bench.stack]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "instance is stopped: the next run goes on when it is available"
    assert clock.slept == [0.5] * 6


def test_an_instance_that_becomes_available_within_the_wait_is_proven(bench: Bench, spec: StackSpec) -> None:
    stopped(bench)
    clock = Clock()
    reconciler = waiting(bench.context(spec), clock, 60.0)
    sleep = clock.sleep

    def start(seconds: float) -> None:
        if not clock.slept:
            bench.rds.start_db_instance(DBInstanceIdentifier=bench.stack)
            available(bench)
        sleep(seconds)

    reconciler._sleep = start
    assert isinstance(bench.run(reconciler)[bench.stack], Applied)


def test_an_instance_that_nobody_is_going_to_create_is_not_waited_for(bench: Bench) -> None:
    spec = bench.spec(bench.generated(), databases=(bench.database(create=False),))
    clock = Clock()
    outcome = bench.run(waiting(bench.context(spec), clock, 60.0))[bench.stack]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "instance does not exist"
    assert clock.slept == []


def test_a_secret_without_a_value_is_waited_for_by_the_next_run(bench: Bench, spec: StackSpec) -> None:
    bench.rds.remove_tags_from_resource(ResourceName=instance(bench)["DBInstanceArn"], TagKeys=[PASSWORD])
    bench.secrets.delete_secret(SecretId=bench.name("password"), ForceDeleteWithoutRecovery=True)
    outcome = prove(bench, spec)
    assert isinstance(outcome, Skipped)
    assert "has no value yet" in outcome.reason


def test_a_password_that_rds_owns_is_neither_read_nor_proven(bench: Bench) -> None:
    managed = bench.database(password=None, manage_master_user_password=True)
    spec = bench.create(databases=(managed,))
    bench.reset_calls()
    outcome = bench.provision(spec, STAGE)[f"{STAGE} {bench.stack}"]
    assert isinstance(outcome, Unchanged)
    assert outcome.change.reason.startswith("127.0.0.1:")
    assert bench.calls()["GetSecretValue"] == 0
    master = instance(bench)["MasterUserSecret"]["SecretArn"]
    context = bench.context(spec)
    assert context.outputs.text(bench.late("${output.rds.password_secret_arn}")) == master


def test_an_instance_of_another_stack_is_blocked_and_a_found_one_is_left_as_it_is(
    bench: Bench, spec: StackSpec
) -> None:
    other: Any = spec.model_copy(update={"stack": f"{bench.stack}-other", "secrets": ()})
    change = bench.plan(other, "rds_instances")[bench.stack]
    assert (change.action, change.reason) == (ChangeClass.BLOCKED, f"belongs to stack {bench.stack}")
    found = spec.model_copy(update={"databases": (bench.database(create=False),)})
    assert bench.plan(found, "rds_instances")[bench.stack].reason == "found"
    missing = bench.spec(databases=(bench.database(create=False).model_copy(update={"identifier": "nobody"}),))
    blocked = bench.plan(missing, "rds_instances")["nobody"]
    assert blocked.action is ChangeClass.BLOCKED
    assert "settings.secrets_pipeline.create: true" in blocked.reason


def test_tags_of_our_instance_are_repaired(bench: Bench, spec: StackSpec) -> None:
    edited = spec.model_copy(update={"databases": (bench.database(tags={"Team": "orders"}),)})
    assert bench.plan(edited, "rds_instances")[bench.stack].reason == "tag Team differs"
    bench.provision(edited, "rds_instances")
    assert {"Key": "Team", "Value": "orders"} in instance(bench)["TagList"]
    assert mark(bench)


def test_without_logins_the_plan_says_that_nothing_is_proven(bench: Bench, spec: StackSpec) -> None:
    bench.rds.remove_tags_from_resource(ResourceName=instance(bench)["DBInstanceArn"], TagKeys=[PASSWORD])
    change = bench.plan(spec, STAGE, settings=OperatorSettings(database_logins=False))[bench.stack]
    assert change.action is ChangeClass.NONE
    assert change.reason.endswith("password not proven: database_logins is off in the operator's settings")


def test_a_refused_login_is_refused_for_the_check_as_well(bench: Bench, spec: StackSpec) -> None:
    set_in_database(bench, OTHER)
    context = bench.context(spec)
    state = context.inventory.database(bench.stack)
    assert state is not None
    assert DatabaseEndpointReconciler(context).login(spec.databases[0], state) == Refused()
