"""What AWS takes its time for is waited for, and what it refuses meanwhile fails nothing.

The numbers are of the embedded AWS's table of delays; each test has those things wait that it is about, and no others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.consumer.model import LambdaDelivery
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Skipped, Unchanged
from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from tests.bench import ASSUMED_BY_LAMBDA
from tests.grants import TRUSTED
from tests.moved_time import MovedTime
from tests.waiting import WAITER, eventually

if TYPE_CHECKING:
    from tests.bench import Bench

RANDOM = RotationSpec(managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30)
DONE = {Applied, Unchanged}
Slow = Callable[..., MovedTime]


@pytest.fixture
def slow(bench: Bench, time: MovedTime) -> Slow:
    """Lets named things take some seconds, and gives the time that runs have to go by."""

    def set_pace(**seconds: float) -> MovedTime:
        named = {NAMES[name]: value for name, value in seconds.items()}
        emulator.set_pace(bench.aws, emulator.Pace(seconds=named))
        return time

    return set_pace


NAMES = {
    "permission": "AddPermission to RotateSecret",
    "policy": "AddPermission to GetPolicy",
    "function": "CreateFunction to its name",
    "role": "CreateRole to CreateFunction",
    "interfaces": "PutRolePolicy to network interfaces",
    "picture": "PutRolePolicy to GetAccountAuthorizationDetails",
    "principal": "CreateRole to policies that name the role",
    "secret": "CreateSecret to the secret",
    "key": "CreateKey to the key",
    "alias": "CreateAlias to the alias",
    "resetting": "database resetting-master-credentials",
    "creating": "database creating",
    "pending": "function Pending in a VPC",
    "updating": "function InProgress",
    "trial": "trial version of RotateImmediately: false",
    "list": "ListSecrets",
}


def rotating(bench: Bench, **function: object) -> StackSpec:
    made = RotationFunctionSpec(name=f"{bench.stack}-rotation", **function)
    return bench.spec(bench.generated(rotation=RANDOM), rotation_function=made)


def kinds(outcomes: dict[str, Any]) -> set[type]:
    return {type(one) for one in outcomes.values()}


def test_a_permission_that_secrets_manager_does_not_see_yet_is_waited_for(bench: Bench, slow: Slow) -> None:
    time = slow(permission=40)
    assert kinds(bench.provision(rotating(bench), time=time)) == {Applied}
    assert bench.describe("password")["RotationEnabled"]
    assert time.slept > 30


def test_a_function_and_its_policy_that_are_not_visible_yet_are_waited_for(bench: Bench, slow: Slow) -> None:
    time = slow(function=20, policy=20, role=60)
    assert kinds(bench.provision(rotating(bench), time=time)) == {Applied}
    assert time.slept > 60


def test_a_function_that_its_network_could_not_have_is_made_anew_in_the_same_run(bench: Bench, slow: Slow) -> None:
    wanted = rotating(bench, subnet_ids=("subnet-1",), security_group_ids=("sg-1",))
    settings = OperatorSettings(grants=TRUSTED, rotation_preflight=False)
    time = slow(interfaces=25)
    assert kinds(bench.provision(wanted, time=time, settings=settings)) == {Applied}
    assert time.slept > 20
    made = bench.session.client("lambda").get_function_configuration(FunctionName=f"{bench.stack}-rotation")
    assert made["State"] == "Active"


@pytest.mark.parametrize(("seconds", "left"), [(0, "Failed"), (60, "Pending")])
def test_a_function_that_an_earlier_run_left_failed_is_deleted_and_made_anew(
    bench: Bench, slow: Slow, seconds: int, left: str
) -> None:
    wanted = rotating(bench, subnet_ids=("subnet-1",), security_group_ids=("sg-1",))
    settings = OperatorSettings(grants=TRUSTED, rotation_preflight=False)
    name, stage = f"{bench.stack}-rotation", "rotation_functions"
    bench.provision(wanted, settings=settings)
    functions = bench.session.client("lambda")
    tags = functions.get_function(FunctionName=name)["Tags"]
    role, code = functions.get_function_configuration(FunctionName=name)["Role"], b"PK\x05\x06" + bytes(18)
    functions.delete_function(FunctionName=name)
    slow(interfaces=1e9, pending=seconds)
    functions.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="a.b",
        Code={"ZipFile": code},
        Tags=tags,
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    )
    assert functions.get_function_configuration(FunctionName=name)["State"] == left
    time = slow(pending=seconds)
    assert isinstance(bench.provision(wanted, stage, time=time, settings=settings)[f"{stage} {name}"], Applied)
    assert functions.get_function_configuration(FunctionName=name)["State"] == "Active"


def test_the_preflight_judges_the_policy_that_this_run_wrote_though_lists_do_not_show_it(
    bench: Bench, slow: Slow
) -> None:
    bench.provision(rotating(bench), "secrets", "rotation_functions")
    time = slow(picture=600)
    time.sleep(700)
    second = bench.generated("second", rotation=RANDOM)
    wanted = rotating(bench)
    wanted = wanted.model_copy(update={"secrets": (*wanted.secrets, second)})
    assert kinds(bench.provision(wanted, time=time)) <= DONE
    assert bench.describe("second")["RotationEnabled"]


def test_a_rotation_that_waits_for_its_database_is_neither_an_error_nor_forgotten(bench: Bench, slow: Slow) -> None:
    fields = {"engine": "postgres", "host": "${output.rds.address}", "port": "${output.rds.port}", "username": "owner"}
    rotation = RotationSpec(managed=True, strategy=RotationStrategy.SINGLE_USER, automatically_after_days=30)
    wanted = bench.spec(
        bench.generated(fields=fields, rotation=rotation),
        databases=(bench.database(),),
        rotation_function=RotationFunctionSpec(name=f"{bench.stack}-rotation"),
    )
    settings = OperatorSettings(grants=TRUSTED, rotation_preflight=True)
    time = slow(creating=600)
    outcomes = bench.provision(wanted, time=time, settings=settings)
    waiting = outcomes[f"secret_rotation {bench.name('password')}"]
    assert isinstance(waiting, Skipped)
    assert "is creating" in waiting.reason
    assert not [one for one in outcomes.values() if type(one).__name__ == "Failed"]
    judged = as_declared(bench.context(wanted, writing=False, time=time), "secret_rotation", deep=False)
    assert [one.verdict for one in judged] == [Verdict.WAITING]
    emulator.reset_conditions(bench.aws)
    bench.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=bench.stack, WaiterConfig=WAITER)
    assert kinds(bench.provision(wanted, settings=settings)) <= DONE
    assert bench.describe("password")["RotationEnabled"]


def with_database(bench: Bench) -> StackSpec:
    spec = bench.create(bench.generated(), databases=(bench.database(),))
    bench.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=bench.stack, WaiterConfig=WAITER)
    assert kinds(bench.provision(spec)) <= DONE
    return spec


def test_a_master_password_that_rds_takes_minutes_to_set_is_waited_for(bench: Bench, slow: Slow) -> None:
    spec = with_database(bench)
    before, time = bench.value("password"), slow(resetting=150)
    rotated = bench.run(RotateReconciler(bench.context(spec, time=time), [bench.name("password")]))
    assert kinds(rotated) == {Applied}
    assert time.slept > 100
    assert bench.value("password") != before
    assert kinds(bench.provision(spec)) == {Unchanged}


def test_a_rotation_that_was_given_up_is_finished_by_the_next_apply_as_the_database_has_its_password(
    bench: Bench, slow: Slow
) -> None:
    spec = with_database(bench)
    before, time = bench.value("password"), slow(resetting=150)
    name = bench.name("password")
    outcome = bench.run(RotateReconciler(bench.context(spec, time=time), [name], seconds=20))[name]
    assert isinstance(outcome, Skipped)
    assert bench.value("password") == before
    time.sleep(200)
    emulator.settle(bench.aws)
    finished = bench.provision(spec, "rds_endpoints", time=time)[f"rds_endpoints {bench.stack}"]
    assert isinstance(finished, Applied)
    assert bench.value("password") != before
    assert kinds(bench.provision(spec)) == {Unchanged}


def test_a_database_whose_tags_rds_refuses_to_change_now_is_left_to_the_next_run(bench: Bench, slow: Slow) -> None:
    spec = with_database(bench)
    time = slow(resetting=400)
    bench.rds.modify_db_instance(
        DBInstanceIdentifier=bench.stack, MasterUserPassword="set-by-somebody-else", ApplyImmediately=True
    )
    tagged = spec.model_copy(update={"databases": (spec.databases[0].model_copy(update={"tags": {"Team": "blue"}}),)})
    outcome = bench.provision(tagged, "rds_instances", time=time)[f"rds_instances {bench.stack}"]
    assert isinstance(outcome, Skipped)
    assert outcome.reason.endswith("; the next run goes on")


def test_a_delivery_waits_for_the_update_that_somebody_else_has_begun(bench: Bench, slow: Slow) -> None:
    name = f"{bench.stack}-worker"
    functions, iam = bench.session.client("lambda"), bench.session.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)["Role"]["Arn"]
    functions.create_function(
        FunctionName=name, Role=role, Runtime="python3.13", Handler="a.b", Code={"ZipFile": b"PK\x05\x06" + bytes(18)}
    )
    arn = bench.late("${output.secrets.secret_arns.api}")
    delivery = LambdaDelivery(component="worker", function_name=name, deliver=True, environment={"ONE": arn})
    wanted = bench.spec(bench.declared(), deliveries=(delivery,))
    bench.provision(wanted, "secrets")
    time = slow(updating=30)
    functions.update_function_configuration(FunctionName=name, Description="Terraform, a moment ago")
    assert kinds(bench.provision(wanted, "consumer_arns", time=time)) <= DONE
    assert time.slept > 20
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert variables["ONE"] == bench.describe("api")["ARN"]


def test_a_rotation_that_is_only_being_tested_is_waited_for_by_whoever_writes(bench: Bench, slow: Slow) -> None:
    later = RANDOM.model_copy(update={"rotate_immediately": False})
    wanted = bench.spec(
        bench.generated(rotation=later), rotation_function=RotationFunctionSpec(name=f"{bench.stack}-rotation")
    )
    time = slow(trial=55)
    bench.provision(wanted, time=time)
    # A thread of the server's makes the version that is tested.
    eventually(lambda: any("AWSPENDING" in one for one in bench.describe("password")["VersionIdsToStages"].values()))
    without, slept = bench.spec(bench.generated()), time.slept
    assert kinds(bench.provision(without, "secret_rotation", time=time)) == {Applied}
    assert time.slept > slept


def test_what_was_just_made_is_waited_for_by_whatever_names_it(bench: Bench, slow: Slow) -> None:
    time = slow(secret=20, key=20, alias=20, list=120)
    reading = bench.declared(
        "api", "${output.secrets.generated_passwords.password}", depends_on=(bench.ref("password"),)
    )
    wanted = bench.spec(
        bench.generated(kms_key=bench.late("${output.kms.key_arn}")),
        reading,
        keys=(bench.key(enable_key_rotation=True),),
    )
    assert kinds(bench.provision(wanted, time=time)) == {Applied}
    assert time.slept > 40


def test_a_reader_that_was_just_made_is_waited_for_a_whole_minute(bench: Bench, slow: Slow) -> None:
    time = slow(principal=100)
    role = bench.session.client("iam").create_role(RoleName=bench.stack, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": role["Role"]["Arn"]},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    wanted = bench.spec(bench.declared(policy=(statement,)))
    assert kinds(bench.provision(wanted, time=time)) <= DONE
    assert time.slept > 60
