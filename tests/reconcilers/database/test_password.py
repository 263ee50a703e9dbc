"""Setting a master password, raced by humans and rotations and killed at any call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Failed, Outcome, Skipped, Unchanged
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.database.endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.observed.login import Address, LoggedIn, Login, Unreachable, log_in
from secrets_pipeline.reconcilers.tag_keys import PASSWORD
from tests import sweep
from tests.bench import during
from tests.databases import logs_in
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

    from tests.bench import Bench, Interruption, Rotation

STAGE = "rds_endpoints"
OTHER = "somebody-elses-password"


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    """A password secret and a database that accepts another password, which nobody proved."""
    spec = bench.create(bench.generated(), databases=(bench.database(),))
    forget(bench)
    return spec


def forget(bench: Bench) -> None:
    bench.rds.remove_tags_from_resource(ResourceName=instance(bench)["DBInstanceArn"], TagKeys=[PASSWORD])
    bench.rds.modify_db_instance(DBInstanceIdentifier=bench.stack, MasterUserPassword=OTHER)
    settle(bench)


def instance(bench: Bench) -> DBInstanceTypeDef:
    return bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]


def settle(bench: Bench) -> None:
    eventually(lambda: not instance(bench).get("PendingModifiedValues"))


def mark(bench: Bench) -> str | None:
    return next((tag["Value"] for tag in instance(bench)["TagList"] if tag["Key"] == PASSWORD), None)


def proof(bench: Bench) -> str:
    return f"{instance(bench)['DbiResourceId']}:{bench.current('password')}"


def accepts(bench: Bench, password: str) -> bool:
    at = instance(bench)["Endpoint"]
    return logs_in(at["Address"], at["Port"], "owner", password, "orders")


def prove(bench: Bench, spec: StackSpec, interruption: Interruption | None = None) -> Outcome:
    return bench.provision(spec, STAGE, interruption=interruption)[f"{STAGE} {bench.stack}"]


def refusing(operation: str) -> Callable[[str], None]:
    """AWS, as it denies one operation."""

    def refuse(called: str) -> None:
        if called == operation:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "denied"}}, operation)

    return refuse


def by_hand(bench: Bench) -> None:
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="typed-by-a-human")


def test_a_refused_password_of_ours_is_set_and_recorded_when_a_login_succeeds(bench: Bench, spec: StackSpec) -> None:
    bench.reset_calls()
    assert isinstance(prove(bench, spec), Applied)
    assert (bench.calls("rds")["ModifyDBInstance"], bench.calls()["GetSecretValue"]) == (1, 1)
    assert accepts(bench, bench.value("password"))
    assert mark(bench) == proof(bench)
    assert isinstance(prove(bench, spec), Unchanged)


def test_a_database_whose_mark_aws_refuses_is_named(bench: Bench, spec: StackSpec, interruption: Interruption) -> None:
    interruption.after = refusing("AddTagsToResource")
    outcome = prove(bench, spec, interruption)
    assert isinstance(outcome, Failed)
    assert f"AddTagsToResource {bench.stack} failed: AccessDenied" in outcome.error.message


def test_a_secret_whose_value_aws_refuses_is_named(bench: Bench, spec: StackSpec, interruption: Interruption) -> None:
    interruption.after = refusing("GetSecretValue")
    outcome = prove(bench, spec, interruption)
    assert isinstance(outcome, Failed)
    assert f"GetSecretValue {bench.name('password')} failed: AccessDenied" in outcome.error.message


@pytest.mark.needs("rds:RemoveTagsFromResource")
def test_a_secret_that_changes_right_before_the_password_is_set_is_not_set(
    bench: Bench, spec: StackSpec, interruption: Interruption
) -> None:
    def change(operation: str) -> None:
        if operation == "AddTagsToResource" and "human" not in bench.value("password"):
            by_hand(bench)

    interruption.after = change
    bench.reset_calls()
    outcome = prove(bench, spec, interruption)
    assert isinstance(outcome, Skipped)
    assert "was changed meanwhile" in outcome.reason
    assert bench.calls("rds")["ModifyDBInstance"] == 0
    assert accepts(bench, OTHER)
    # Whoever changed it goes on from here: that is said once, and then there is nothing to do.
    interruption.after = lambda _operation: None
    assert isinstance(prove(bench, spec), Failed)
    assert mark(bench) is None
    assert isinstance(prove(bench, spec), Unchanged)


def test_a_secret_that_changes_while_its_password_is_tried_is_not_recorded(bench: Bench, spec: StackSpec) -> None:
    bench.rds.modify_db_instance(DBInstanceIdentifier=bench.stack, MasterUserPassword=bench.value("password"))
    settle(bench)
    context = bench.context(spec)

    def tried(address: Address, password: SecretStr, *, ca_file: str | None = None) -> Login:
        found = log_in(address, password, ca_file=ca_file)
        if found == LoggedIn():
            by_hand(bench)
        return found

    outcome = bench.run(DatabaseEndpointReconciler(during(context, log_in=tried)))[bench.stack]
    assert isinstance(outcome, Failed)
    assert "was changed by somebody else" in outcome.error.message
    assert mark(bench) is None


def test_a_rotation_that_a_change_of_ours_overtook_is_mended_in_the_same_run(
    bench: Bench, spec: StackSpec, rotate: Rotation, interruption: Interruption
) -> None:
    ours, rotated = bench.value("password"), ""

    def rotating(operation: str) -> None:
        nonlocal rotated
        if operation == "ModifyDBInstance" and not rotated:
            rotated = rotate()
            assert accepts(bench, rotated)

    interruption.before = rotating
    assert isinstance(prove(bench, spec, interruption), Applied)
    assert bench.value("password") == rotated != ours
    assert accepts(bench, rotated)
    assert not accepts(bench, ours)
    assert mark(bench) == proof(bench)


def test_a_rotation_that_was_overtaken_by_a_run_that_was_killed_is_mended_by_the_next(
    bench: Bench, spec: StackSpec, rotate: Rotation, interruption: Interruption, killed: type[BaseException]
) -> None:
    rotated = overtaken(bench, spec, rotate, interruption, killed)
    assert not accepts(bench, rotated)
    change = bench.plan(spec, STAGE)[bench.stack]
    assert change.reason == "a run began to set its password and did not see the end"
    assert isinstance(prove(bench, spec), Applied)
    assert accepts(bench, rotated)
    assert isinstance(prove(bench, spec), Unchanged)


def test_wherever_a_run_is_killed_while_it_sets_a_password_the_next_one_finishes(
    bench: Bench, spec: StackSpec, interruption: Interruption, killed: type[BaseException]
) -> None:
    finished, boundaries = False, sweep.boundaries()
    while not finished:
        boundary = next(boundaries)
        interruption.kill_at(boundary)
        try:
            prove(bench, spec, interruption)
        except killed:
            settle(bench)
            bench.provision(spec)
        else:
            finished = True
        assert accepts(bench, bench.value("password")), f"killed at boundary {boundary}"
        assert mark(bench) == proof(bench), f"killed at boundary {boundary}"
        assert bench.versions("password") == 1
        assert isinstance(prove(bench, spec), Unchanged), f"killed at boundary {boundary}"
        forget(bench)
    assert boundary > 14


def test_a_busy_instance_gets_its_password_from_the_next_run(
    bench: Bench, spec: StackSpec, interruption: Interruption
) -> None:
    def stop(operation: str) -> None:
        if operation == "AddTagsToResource":
            bench.rds.stop_db_instance(DBInstanceIdentifier=bench.stack)

    interruption.after = stop
    outcome = prove(bench, spec, interruption)
    assert isinstance(outcome, Skipped)
    assert "InvalidDBInstanceState" in outcome.reason
    assert outcome.reason.endswith("; the next run goes on")
    bench.rds.start_db_instance(DBInstanceIdentifier=bench.stack)
    assert isinstance(prove(bench, spec), Applied)
    assert accepts(bench, bench.value("password"))


def test_a_password_in_a_document_is_the_one_that_is_set(bench: Bench) -> None:
    spec = bench.create(
        bench.generated(fields={"engine": "postgres", "host": "${output.rds.address}"}), databases=(bench.database(),)
    )
    forget(bench)
    assert isinstance(prove(bench, spec), Applied)
    assert accepts(bench, bench.document("password")["password"])


class AnotherRun:
    """Right before our change of the password another run sets the same and records it, and a rotation ends.

    Attributes:
        rotated: the value of the rotation, empty before.
    """

    def __init__(self, bench: Bench, spec: StackSpec, rotate: Rotation) -> None:
        self.rotated = ""
        self._bench, self._spec, self._rotate = bench, spec, rotate
        self._begun = False

    def __call__(self, operation: str) -> None:
        """What happens before a call."""
        if operation == "ModifyDBInstance" and not self._begun:
            self._begun = True
            assert isinstance(prove(self._bench, self._spec), Applied)
            self.rotated = self._rotate()


def test_a_change_that_lands_after_another_run_recorded_the_same_and_a_rotation_is_mended_in_the_same_run(
    bench: Bench, spec: StackSpec, rotate: Rotation, interruption: Interruption
) -> None:
    ours, other = bench.value("password"), AnotherRun(bench, spec, rotate)

    interruption.before = other
    assert isinstance(prove(bench, spec, interruption), Applied)
    assert bench.value("password") == other.rotated != ours
    assert accepts(bench, other.rotated)
    assert mark(bench) == proof(bench)


def test_a_change_that_lands_after_all_that_is_mended_by_the_next_run_where_this_one_does_not_see_its_end(
    bench: Bench, spec: StackSpec, rotate: Rotation, interruption: Interruption
) -> None:
    other = AnotherRun(bench, spec, rotate)

    def stop(operation: str) -> None:
        if operation == "AddTagsToResource" and other.rotated:
            settle(bench)
            bench.rds.stop_db_instance(DBInstanceIdentifier=bench.stack)

    interruption.before, interruption.after = other, stop
    assert isinstance(prove(bench, spec, interruption), Skipped)
    bench.rds.start_db_instance(DBInstanceIdentifier=bench.stack)
    available(bench)
    assert not accepts(bench, other.rotated)
    assert isinstance(prove(bench, spec), Applied)
    assert accepts(bench, other.rotated)


def test_an_overtaken_rotation_is_mended_although_the_value_was_written_again_meanwhile(
    bench: Bench, spec: StackSpec, rotate: Rotation, interruption: Interruption, killed: type[BaseException]
) -> None:
    rotated = overtaken(bench, spec, rotate, interruption, killed)
    key = bench.kms.create_key()["KeyMetadata"]["Arn"]
    moved = bench.spec(bench.generated(kms_key=key), databases=spec.databases)
    bench.provision(moved)
    assert bench.describe("password")["KmsKeyId"] == key
    assert bench.value("password") == rotated
    assert accepts(bench, rotated)
    assert {type(one) for one in bench.provision(moved).values()} == {Unchanged}


def test_an_overtaken_rotation_is_mended_although_fields_were_written_while_the_database_was_stopped(
    bench: Bench, rotate: Rotation, interruption: Interruption, killed: type[BaseException]
) -> None:
    fields = {"host": "${output.rds.address}", "port": "${output.rds.port}"}
    spec = bench.spec(bench.generated(fields=fields), databases=(bench.database(create=False),))
    bench.provision(spec)
    terraform_makes_it(bench)
    overtaken(bench, spec, rotate, interruption, killed, stage=None, options=ApplyOptions(adopt=(bench.stack,)))
    bench.rds.stop_db_instance(DBInstanceIdentifier=bench.stack)
    bench.provision(spec)
    assert bench.document("password")["host"]
    bench.rds.start_db_instance(DBInstanceIdentifier=bench.stack)
    available(bench)
    assert not accepts(bench, bench.document("password")["password"])
    bench.provision(spec)
    assert accepts(bench, bench.document("password")["password"])
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_database_gets_the_password_although_a_copy_of_it_was_interrupted_and_then_not_wanted_any_more(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    old, new = (bench.kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    databases = (bench.database(create=False),)
    bench.provision(bench.spec(bench.generated(kms_key=old), databases=databases))

    interruption.kill_after("UpdateSecretVersionStage")
    with pytest.raises(killed):
        bench.provision(bench.spec(bench.generated(kms_key=new), databases=databases), interruption=interruption)
    terraform_makes_it(bench)
    options = ApplyOptions(adopt=(bench.stack,))
    bench.provision(bench.spec(bench.generated(kms_key=old), databases=databases), options=options)
    assert accepts(bench, bench.value("password"))


def overtaken(
    bench: Bench,
    spec: StackSpec,
    rotate: Rotation,
    interruption: Interruption,
    killed: type[BaseException],
    *,
    stage: str | None = STAGE,
    options: ApplyOptions = ApplyOptions(),  # noqa: B008 - it is frozen
) -> str:
    """Let a run set its password right behind a rotation, and kill it; the rotation's value."""
    rotated = ""

    def rotating(operation: str) -> None:
        nonlocal rotated
        if operation == "ModifyDBInstance":
            rotated = rotate()

    interruption.before = rotating
    interruption.kill_after("ModifyDBInstance")
    with pytest.raises(killed):
        bench.provision(spec, *((stage,) if stage else ()), interruption=interruption, options=options)
    settle(bench)
    return rotated


def terraform_makes_it(bench: Bench) -> None:
    bench.rds.create_db_instance(
        DBInstanceIdentifier=bench.stack,
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        DBName="orders",
        MasterUserPassword=OTHER,
    )
    available(bench)


def available(bench: Bench) -> None:
    eventually(lambda: instance(bench)["DBInstanceStatus"] == "available")


def test_wherever_a_run_is_killed_while_it_mends_an_overtaken_rotation_the_next_one_finishes(
    bench: Bench, spec: StackSpec, rotate: Rotation, interruption: Interruption, killed: type[BaseException]
) -> None:
    finished, boundaries = False, sweep.boundaries()
    while not finished:
        boundary = next(boundaries)
        made_anew(bench)
        rotated = overtaken(bench, spec, rotate, interruption, killed)
        interruption.before = interruption.after = lambda _operation: None
        interruption.kill_at(boundary)
        try:
            prove(bench, spec, interruption)
        except killed:
            settle(bench)
            bench.provision(spec)
        else:
            finished = True
        assert bench.value("password") == rotated
        assert accepts(bench, rotated), f"killed at boundary {boundary}"
        assert isinstance(prove(bench, spec), Unchanged), f"killed at boundary {boundary}"
    assert boundary > 14


def test_a_busy_database_is_mended_by_the_next_run(
    bench: Bench, spec: StackSpec, rotate: Rotation, interruption: Interruption
) -> None:
    rotated, times = "", 0

    def other(operation: str) -> None:
        nonlocal rotated, times
        times += operation == "ModifyDBInstance"
        if operation == "ModifyDBInstance" and times == 1:
            rotated = rotate()
        elif operation == "ModifyDBInstance" and times == 2:
            bench.rds.stop_db_instance(DBInstanceIdentifier=bench.stack)

    interruption.before = other
    assert isinstance(prove(bench, spec, interruption), Skipped)
    bench.rds.start_db_instance(DBInstanceIdentifier=bench.stack)
    available(bench)
    assert isinstance(prove(bench, spec), Applied)
    assert accepts(bench, rotated)
    assert mark(bench) == proof(bench)


def test_an_overtaken_rotation_is_not_given_up_because_a_login_could_not_be_tried(
    bench: Bench, spec: StackSpec, rotate: Rotation, interruption: Interruption, killed: type[BaseException]
) -> None:
    ours = bench.value("password")
    rotated = overtaken(bench, spec, rotate, interruption, killed)
    context = bench.context(spec)

    def tried(address: Address, password: SecretStr, *, ca_file: str | None = None) -> Login:
        if password.get_secret_value() == ours:
            return Unreachable("too many connections")
        return log_in(address, password, ca_file=ca_file)

    outcome = bench.run(DatabaseEndpointReconciler(during(context, log_in=tried)))[bench.stack]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "password not proven: too many connections"
    assert isinstance(prove(bench, spec), Applied)
    assert accepts(bench, rotated)


def made_anew(bench: Bench) -> None:
    """A secret that never rotated, and a database that accepts another password."""
    name = bench.name("password")
    bench.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    bench.create(bench.generated(), databases=(bench.database(),))
    forget(bench)
