"""The password in the secret is proven by a real login, recorded, and believed while nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import (
    Applied,
    Change,
    ChangeClass,
    Failed,
    Outcome,
    Resource,
    Skipped,
    Unchanged,
)
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.database.checks import logins
from secrets_pipeline.reconcilers.database.endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.database.followed import followed
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
from secrets_pipeline.reconcilers.observed.login import Refused
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.reconcilers.tag_keys import PASSWORD
from tests.bench import during
from tests.databases import logs_in
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

    from tests.bench import Bench, Rotation

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


def proof(bench: Bench) -> str:
    return f"{instance(bench)['DbiResourceId']}:{bench.current('password')}"


def accepts(bench: Bench, password: str) -> bool:
    at = instance(bench)["Endpoint"]
    return logs_in(at["Address"], at["Port"], "owner", password, "orders")


def set_in_database(bench: Bench, password: str) -> None:
    bench.rds.modify_db_instance(DBInstanceIdentifier=bench.stack, MasterUserPassword=password, ApplyImmediately=True)
    available(bench)


def available(bench: Bench) -> None:
    def holds() -> bool:
        found = instance(bench)
        return found["DBInstanceStatus"] == "available" and not found.get("PendingModifiedValues")

    eventually(holds)


def unprove(bench: Bench) -> None:
    bench.rds.remove_tags_from_resource(ResourceName=instance(bench)["DBInstanceArn"], TagKeys=[PASSWORD])


def prove(bench: Bench, spec: StackSpec) -> Outcome:
    return bench.provision(spec, STAGE)[f"{STAGE} {bench.stack}"]


def restore(bench: Bench) -> None:
    """Restore an older state under the same identifier: tags and password come back, the resource id does not."""
    set_in_database(bench, OTHER)
    old = instance(bench)
    bench.rds.create_db_snapshot(DBInstanceIdentifier=bench.stack, DBSnapshotIdentifier=bench.stack)
    bench.rds.delete_db_instance(DBInstanceIdentifier=bench.stack, SkipFinalSnapshot=True)
    bench.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=bench.stack, DBSnapshotIdentifier=bench.stack)
    available(bench)
    restored = instance(bench)
    assert restored["TagList"] == old["TagList"]
    assert restored["DbiResourceId"] != old["DbiResourceId"]


def test_the_password_is_proven_recorded_and_then_believed_without_reading_it(bench: Bench, spec: StackSpec) -> None:
    assert accepts(bench, bench.value("password"))
    assert mark(bench) == proof(bench)
    bench.reset_calls()
    assert isinstance(prove(bench, spec), Unchanged)
    assert bench.calls()["GetSecretValue"] == 0


def test_another_version_that_we_wrote_is_proven_again(bench: Bench, spec: StackSpec) -> None:
    moved = bench.spec(bench.generated(kms_key=bench.late("${output.kms.key_arn}")), **declared(bench))
    bench.provision(moved, "kms_keys", "secrets")
    change = bench.plan(moved, STAGE)[bench.stack]
    assert change.reason == f"its password is not proven for the current version of {bench.name('password')}"
    outcome = prove(bench, moved)
    assert isinstance(outcome, Applied)
    assert outcome.detail.endswith("login proven")
    assert mark(bench) == proof(bench)


def declared(bench: Bench) -> dict[str, object]:
    return {"databases": (bench.database(),), "keys": (bench.key(),)}


def test_a_restored_instance_is_proven_again_and_gets_our_own_password(bench: Bench, spec: StackSpec) -> None:
    restore(bench)
    change = bench.plan(spec, STAGE)[bench.stack]
    assert (change.action, change.reason) == (
        ChangeClass.UPDATE,
        "was restored or made anew since its password was proven",
    )
    bench.reset_calls()
    assert isinstance(prove(bench, spec), Applied)
    assert bench.calls("rds")["ModifyDBInstance"] == 1
    assert accepts(bench, bench.value("password"))
    assert not accepts(bench, OTHER)
    assert mark(bench) == proof(bench)


def test_after_a_rotation_there_is_nothing_to_do_and_nothing_is_read(
    bench: Bench, spec: StackSpec, rotate: Rotation
) -> None:
    rotated = rotate()
    assert accepts(bench, rotated)
    change = bench.plan(spec, STAGE)[bench.stack]
    assert change.action is ChangeClass.NONE
    assert change.reason.endswith(
        f"password not proven: {bench.name('password')} was rotated, which sets the password itself"
    )
    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert logins(bench.context(spec), deep=False)[0].verdict is Verdict.RIGHT
    assert bench.calls()["GetSecretValue"] == 0
    assert logins(bench.context(spec), deep=True)[0].detail.startswith("logged in at")
    set_in_database(bench, OTHER)
    assert logins(bench.context(spec), deep=True)[0].verdict is Verdict.WRONG


def test_a_rotated_password_is_never_set_not_even_in_a_restored_instance(
    bench: Bench, spec: StackSpec, rotate: Rotation
) -> None:
    rotate()
    restore(bench)
    assert bench.plan(spec, STAGE)[bench.stack].action is ChangeClass.UPDATE
    bench.reset_calls()
    outcome = prove(bench, spec)
    assert isinstance(outcome, Failed)
    assert "refuses the password in" in outcome.error.message
    assert "was rotated" in outcome.error.message
    assert "Rotate the secret" in outcome.error.remedy
    assert bench.calls("rds")["ModifyDBInstance"] == 0
    assert accepts(bench, OTHER)


def test_a_rotated_password_is_proven_once_in_an_instance_that_was_restored(
    bench: Bench, spec: StackSpec, rotate: Rotation
) -> None:
    rotated = rotate()
    restore(bench)
    set_in_database(bench, rotated)
    assert isinstance(prove(bench, spec), Applied)
    assert mark(bench) == proof(bench)
    assert isinstance(prove(bench, spec), Unchanged)


def by_hand(bench: Bench) -> None:
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="typed-by-a-human")


def test_a_password_that_somebody_else_wrote_is_neither_set_nor_proven(bench: Bench, spec: StackSpec) -> None:
    before = bench.value("password")
    by_hand(bench)
    change = bench.plan(spec, STAGE)[bench.stack]
    assert change.action is ChangeClass.NONE
    assert f"the value of {bench.name('password')} was changed by somebody else" in change.reason
    bench.reset_calls()
    assert isinstance(prove(bench, spec), Unchanged)
    assert bench.calls()["GetSecretValue"] == 0
    assert accepts(bench, before)
    # The check of a run looks, since a human does not test what she types.
    assert logins(bench.context(spec), deep=False)[0].verdict is Verdict.WRONG


def test_a_refused_password_waits_while_a_rotation_is_in_progress(bench: Bench, spec: StackSpec) -> None:
    set_in_database(bench, OTHER)
    unprove(bench)
    bench.secrets.put_secret_value(
        SecretId=bench.name("password"), SecretString="pending-one", VersionStages=["AWSPENDING"]
    )
    bench.reset_calls()
    outcome = prove(bench, spec)
    assert isinstance(outcome, Skipped)
    assert outcome.reason == (
        f"a rotation of {bench.name('password')} is in progress: the next run goes on when it has finished"
    )
    assert bench.calls("rds")["ModifyDBInstance"] == 0
    assert mark(bench) is None


def test_a_password_changed_by_hand_after_the_list_was_read_is_not_set_either(bench: Bench, spec: StackSpec) -> None:
    unprove(bench)
    set_in_database(bench, OTHER)
    context = bench.context(spec)
    reconciler = DatabaseEndpointReconciler(context)
    changes = reconciler.plan()
    by_hand(bench)
    assert isinstance(bench.run(reconciler, changes)[bench.stack], Failed)
    assert accepts(bench, OTHER)
    assert mark(bench) is None


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


def waiting(context: Stack, clock: Clock, seconds: float) -> DatabaseEndpointReconciler:
    return DatabaseEndpointReconciler(during(context, clock=clock, sleep=clock.sleep), wait=seconds)


def test_a_status_that_does_not_pass_by_itself_is_not_waited_for(bench: Bench, spec: StackSpec) -> None:
    bench.rds.stop_db_instance(DBInstanceIdentifier=bench.stack)
    clock = Clock()
    outcome = bench.run(waiting(bench.context(spec), clock, 60.0))[bench.stack]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "instance is stopped: the next run goes on when it is available"
    assert not outcome.passes
    assert clock.slept == []


def test_an_instance_that_becomes_available_within_the_wait_is_proven(bench: Bench, spec: StackSpec) -> None:
    unprove(bench)
    bench.rds.reboot_db_instance(DBInstanceIdentifier=bench.stack)
    assert isinstance(prove(bench, spec), Applied)


def test_an_instance_that_nobody_is_going_to_create_is_not_waited_for(bench: Bench) -> None:
    spec = bench.spec(bench.generated(), databases=(bench.database(create=False),))
    clock = Clock()
    outcome = bench.run(waiting(bench.context(spec), clock, 60.0))[bench.stack]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == f"RDS instance {bench.stack} is not found: unblock database {bench.stack}"
    assert clock.slept == []


def test_a_secret_without_a_value_is_waited_for_by_the_next_run(bench: Bench, spec: StackSpec) -> None:
    unprove(bench)
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
    assert context.resolve.text(bench.late("${output.rds.password_secret_arn}")) == master


@pytest.mark.parametrize(
    ("logins", "engine", "said"),
    [
        (False, "postgres", "database_logins is off in the operator's settings"),
        (True, "oracle-ee", "logins to engine oracle-ee are not supported yet"),
    ],
)
def test_where_no_login_is_tried_plan_and_apply_say_that_nothing_is_proven(
    bench: Bench, logins: bool, engine: str, said: str
) -> None:
    settings = OperatorSettings(database_logins=logins)
    spec = bench.spec(bench.generated(), databases=(bench.database(engine=engine),))
    planned_early = bench.provision(spec, "secrets", "rds_instances", settings=settings)
    assert isinstance(planned_early[f"rds_instances {bench.stack}"], Applied)
    outcome = bench.provision(spec, STAGE, settings=settings)[f"{STAGE} {bench.stack}"]
    text = outcome.detail if isinstance(outcome, Applied) else outcome.change.reason
    assert text.endswith(f"password not proven: {said}")
    change = bench.plan(spec, STAGE, settings=settings)[bench.stack]
    assert change.action is ChangeClass.NONE
    assert change.reason.endswith(f"password not proven: {said}")
    assert mark(bench) is None


def test_a_refused_login_is_refused_for_the_check_as_well(bench: Bench, spec: StackSpec) -> None:
    set_in_database(bench, OTHER)
    context = bench.context(spec)
    state = context.observed.databases.find(spec.databases[0])
    assert state is not None
    assert DatabaseEndpointReconciler(context).login(spec.databases[0], state) == Refused()


def state(status: str, **more: object) -> DatabaseState:
    given: dict[str, object] = {"address": "db", "port": 5432, "tags": {}, "password_pending": False, **more}
    texts = dict.fromkeys(("identifier", "arn", "resource_id", "engine", "username", "db_name"), "x")
    make: Callable[..., DatabaseState] = DatabaseState
    return make(status=status, master_secret_arn=None, **texts, **given)


@pytest.mark.parametrize(
    ("status", "serves", "stuck"),
    [
        ("available", True, False),
        ("backing-up", True, False),
        ("modifying", True, False),
        ("storage-optimization", True, False),
        ("creating", False, False),
        ("rebooting", False, False),
        ("stopped", False, True),
        ("incompatible-network", False, True),
        ("deleting", False, True),
        ("a status of tomorrow", False, False),
    ],
)
def test_a_status_says_whether_a_login_or_waiting_has_a_point(status: str, serves: bool, stuck: bool) -> None:
    assert (state(status).serves, state(status).stuck) == (serves, stuck)
    assert not state(status, address=None).serves


def test_a_cluster_serves_when_its_writer_does() -> None:
    cluster = {"is_cluster": True, "writer": "x-1"}
    assert state("available", members={"x-1": "available", "x-2": "creating"}, **cluster).serves
    assert not state("available", members={"x-1": "creating", "x-2": "available"}, **cluster).serves
    alone = state("available", is_cluster=True)
    assert (alone.serves, alone.stuck, alone.condition) == (False, False, "cluster has no instance yet")
    writing = state("available", members={"x-1": "rebooting"}, **cluster)
    assert writing.condition == "instance x-1 of the cluster is rebooting"
    assert state("creating", is_cluster=True).condition == "cluster is creating"
    changing = state("available", members={"x-1": "available"}, **{**cluster, "password_pending": True})
    assert changing.condition == "cluster is changing its master password"


def test_a_run_that_could_not_plan_the_stage_has_followed_no_database(bench: Bench, spec: StackSpec) -> None:
    context = bench.context(spec)
    done = Change(Resource("database", bench.stack), ChangeClass.NONE)
    assert list(followed(context, [Unchanged(done)])) == [bench.stack]
    refused = AwsError("DescribeDBInstances failed: AccessDenied", remedy="allow it")
    stage = Change(Resource("stage", STAGE), ChangeClass.BLOCKED, error=refused)
    assert followed(context, [Failed(stage, refused)]) == {}
