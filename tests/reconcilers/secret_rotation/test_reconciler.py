"""Rotation: switched on, edited without rotating, cancelled, and waiting for its function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.consumer.model import LambdaDelivery
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, settle, stand_in
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret.desired import Rotation
from secrets_pipeline.reconcilers.secret_rotation.reconciler import rotation_differences
from tests.bench import ROTATES, said

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption
    from tests.moved_time import MovedTime

STAGE = "secret_rotation"
ROLE = "arn:aws:iam::111122223333:role/rotation-configured"
FUNCTION = "${output.worker.function_arn}"


@pytest.fixture
def function(bench: Bench) -> str:
    """A function that Secrets Manager may invoke; its ARN."""
    stand_in(
        bench.aws,
        [
            StandInRole(ROLE, "lambda.amazonaws.com", policies={"rotate": json.loads(ROTATES)}),
            StandInFunction(bench.stack, ROLE, invoked_by=("secretsmanager.amazonaws.com",)),
        ],
    )
    return f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}"


def rotating(bench: Bench, **rules: object) -> StackSpec:
    given = {"automatically_after_days": 30, **rules} if "schedule_expression" not in rules else rules
    rotation = RotationSpec(lambda_arn=bench.late(FUNCTION), **given)
    worker = LambdaDelivery(component="worker", deliver=False, function_name=bench.stack, environment={})
    return bench.spec(bench.generated(rotation=rotation), deliveries=(worker,))


def stages(bench: Bench) -> dict[str, list[str]]:
    return bench.describe("password")["VersionIdsToStages"]


def turning(bench: Bench) -> dict[str, Any] | None:
    """The rules by which the secret rotates, or None: CancelRotateSecret leaves them there."""
    about = bench.describe("password")
    return dict(about["RotationRules"]) if about.get("RotationEnabled") else None


def test_rotation_is_switched_on_by_its_rules_and_rotates_nothing(bench: Bench, function: str) -> None:
    spec = rotating(bench, duration="3h")
    outcome = bench.provision(spec)[f"{STAGE} {bench.name('password')}"]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "every 30 days, window 3h"
    assert bench.describe("password")["RotationLambdaARN"] == function
    assert turning(bench) == {"AutomaticallyAfterDays": 30, "Duration": "3h"}
    assert list(stages(bench).values()) == [["AWSCURRENT"]]
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_switching_on_rotates_at_once_where_that_is_declared_and_an_edit_never_does(
    bench: Bench, function: str
) -> None:
    bench.provision(rotating(bench, rotate_immediately=True))
    assert any("AWSPENDING" in labels for labels in stages(bench).values())
    bench.secrets.cancel_rotate_secret(SecretId=bench.name("password"))
    pending = next(version for version, labels in stages(bench).items() if "AWSPENDING" in labels)
    bench.secrets.update_secret_version_stage(
        SecretId=bench.name("password"), VersionStage="AWSPENDING", RemoveFromVersionId=pending
    )
    change = bench.plan(rotating(bench, rotate_immediately=True), STAGE)[bench.name("password")]
    assert (change.action, change.drift) == (ChangeClass.ROTATE, True)
    assert change.reason == "changed outside: rotation is off → every 30 days, and rotates at once"
    bench.provision(rotating(bench))
    before = stages(bench)
    edited = rotating(bench, automatically_after_days=60, rotate_immediately=True)
    change = bench.plan(edited, STAGE)[bench.name("password")]
    assert said(change) == ("rotation rules differ: every 30 days → every 60 days",)
    bench.provision(edited)
    settle(bench.aws)
    assert stages(bench) == before
    assert turning(bench) == {"AutomaticallyAfterDays": 60}


def test_rotation_that_left_the_stack_is_cancelled(bench: Bench, function: str) -> None:
    bench.provision(rotating(bench))
    spec = bench.spec(bench.generated())
    assert said(bench.plan(spec, STAGE)[bench.name("password")]) == ("rotation is on and not declared",)
    bench.provision(spec)
    assert turning(bench) is None
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_rotation_in_progress_is_not_cancelled_until_it_has_ended(
    bench: Bench, function: str, time: MovedTime
) -> None:
    bench.provision(rotating(bench))
    pending = bench.secrets.put_secret_value(
        SecretId=bench.name("password"), SecretString="next", VersionStages=["AWSPENDING"]
    )["VersionId"]
    spec = bench.spec(bench.generated())
    skipped = bench.provision(spec, time=time)[f"{STAGE} {bench.name('password')}"]
    assert isinstance(skipped, Skipped)
    assert skipped.reason == f"a rotation of {bench.name('password')} is in progress, or is being tested"
    assert "aws secretsmanager cancel-rotate-secret" in skipped.remedy
    assert turning(bench) == {"AutomaticallyAfterDays": 30}
    # Whatever changes of the secret meanwhile, one that is stuck is not waited for.
    time.sleep(300)
    bench.secrets.tag_resource(SecretId=bench.name("password"), Tags=[{"Key": "Team", "Value": "orders"}])
    before = time.slept
    assert isinstance(bench.provision(spec, time=time)[f"{STAGE} {bench.name('password')}"], Skipped)
    assert time.slept - before < 2
    # As a function ends it.
    bench.secrets.update_secret_version_stage(
        SecretId=bench.name("password"),
        VersionStage="AWSCURRENT",
        MoveToVersionId=pending,
        RemoveFromVersionId=bench.current("password"),
    )
    assert isinstance(bench.provision(spec)[f"{STAGE} {bench.name('password')}"], Applied)
    assert (turning(bench), bench.value("password")) == (None, "next")


def test_a_rotation_that_begins_after_the_plan_is_not_cancelled(bench: Bench, function: str, time: MovedTime) -> None:
    bench.provision(rotating(bench))
    context = bench.context(bench.spec(bench.generated()), time=time)
    reconciler = STAGES[STAGE](context)
    changes = reconciler.plan()
    # An earlier stage of the same run may have looked.
    assert context.observed.secrets.confirm(bench.name("password"))
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="next", VersionStages=["AWSPENDING"])
    assert isinstance(bench.run(reconciler, changes)[bench.name("password")], Skipped)
    assert turning(bench) == {"AutomaticallyAfterDays": 30}


def test_rotation_cancelled_by_hand_is_drift_and_switched_on_again(bench: Bench, function: str) -> None:
    spec = rotating(bench)
    bench.provision(spec)
    bench.secrets.cancel_rotate_secret(SecretId=bench.name("password"))
    change = bench.plan(spec, STAGE)[bench.name("password")]
    assert (change.action, change.drift) == (ChangeClass.CREATE, True)
    assert change.reason == "changed outside: rotation is off → every 30 days"
    bench.provision(spec)
    assert turning(bench) == {"AutomaticallyAfterDays": 30}


def test_rotation_that_somebody_else_switched_on_is_said_and_left_alone(bench: Bench, function: str) -> None:
    spec = bench.create(bench.generated())
    theirs(bench, function)
    change = bench.plan(spec, STAGE)[bench.name("password")]
    assert (change.action, change.drift) == (ChangeClass.NONE, True)
    assert change.reason == "changed outside: rotation is on and not declared; it is left alone"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert turning(bench) == {"AutomaticallyAfterDays": 7}


def test_a_function_that_does_not_exist_yet_is_waited_for(bench: Bench) -> None:
    spec = rotating(bench)
    change = bench.plan(spec, STAGE)[bench.name("password")]
    assert change.reason == f"waits: Lambda function {bench.stack} does not exist yet"
    outcomes = bench.provision(spec)
    skipped = outcomes[f"{STAGE} {bench.name('password')}"]
    assert isinstance(skipped, Skipped)
    assert "does not exist yet" in skipped.reason
    assert isinstance(outcomes[f"commit {bench.name('password')}"], Skipped)


def test_a_function_that_is_gone_fails_with_a_remedy_and_leaves_the_secret_as_it_was(bench: Bench) -> None:
    gone = f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:gone"
    spec = bench.spec(bench.generated(rotation=RotationSpec(lambda_arn=gone, automatically_after_days=30)))
    outcomes = bench.provision(spec)
    failed = outcomes[f"{STAGE} {bench.name('password')}"]
    assert isinstance(failed, Failed)
    assert failed.error.message.endswith(f"would not rotate: function {gone} does not exist")
    assert failed.error.remedy
    assert turning(bench) is None
    assert isinstance(outcomes[f"commit {bench.name('password')}"], Skipped)


def test_rules_of_a_function_that_is_gone_are_not_edited_and_the_function_is_named(bench: Bench, function: str) -> None:
    def every(days: int) -> StackSpec:
        return bench.spec(bench.generated(rotation=RotationSpec(lambda_arn=function, automatically_after_days=days)))

    bench.provision(every(30))
    bench.session.client("lambda").delete_function(FunctionName=function)
    failed = bench.provision(every(60), STAGE)[f"{STAGE} {bench.name('password')}"]
    assert isinstance(failed, Failed)
    assert failed.error.message == f"{bench.name('password')} would not rotate: function {function} does not exist"
    assert turning(bench) == {"AutomaticallyAfterDays": 30}


def test_a_secret_without_a_value_does_not_rotate_yet(bench: Bench, function: str) -> None:
    spec = rotating(bench)
    bench.start_without_value(spec)
    outcome = bench.provision(spec, STAGE)[f"{STAGE} {bench.name('password')}"]
    assert isinstance(outcome, Skipped)
    assert "has no value yet" in outcome.reason


ARN = "arn:aws:lambda:eu-west-2:111122223333:function:rotation"


def state(rules: dict[str, Any]) -> SecretState:
    return SecretState("n", "a", rotation_enabled=True, rotation_lambda_arn=ARN, rotation_rules=rules)


@pytest.mark.parametrize(
    ("observed", "wanted", "differs"),
    [
        ({"AutomaticallyAfterDays": 30}, {"AutomaticallyAfterDays": 30}, False),
        ({"AutomaticallyAfterDays": 30}, {"AutomaticallyAfterDays": 60}, True),
        # AWS calculates the days from the schedule.
        (
            {"AutomaticallyAfterDays": 10, "ScheduleExpression": "rate(10 days)"},
            {"ScheduleExpression": "rate(10 days)"},
            False,
        ),
        ({"ScheduleExpression": "rate(10 days)"}, {"AutomaticallyAfterDays": 10}, True),
        ({"AutomaticallyAfterDays": 30, "Duration": "3h"}, {"AutomaticallyAfterDays": 30}, True),
    ],
)
def test_rules_are_compared_as_aws_shows_them(observed: dict[str, Any], wanted: dict[str, Any], differs: bool) -> None:
    found = rotation_differences(state(observed), Rotation(ARN, wanted, rotate_immediately=False))
    assert bool(found) is differs


def test_another_function_is_a_difference_that_names_both() -> None:
    found = rotation_differences(
        state({"AutomaticallyAfterDays": 30}),
        Rotation(ARN + "2", {"AutomaticallyAfterDays": 30}, rotate_immediately=False),
    )
    assert [str(one) for one in found] == [f"rotation function differs: {ARN} → {ARN}2"]


def theirs(bench: Bench, function: str) -> None:
    bench.secrets.rotate_secret(
        SecretId=bench.name("password"),
        RotationLambdaARN=function,
        RotationRules={"AutomaticallyAfterDays": 7},
        RotateImmediately=False,
    )


@pytest.mark.parametrize("ref", [{"key": "renamed"}, {"component": "secrets/new"}], ids=str)
def test_rotation_that_somebody_else_switched_on_stays_when_key_or_component_get_another_name(
    bench: Bench, function: str, ref: dict[str, str]
) -> None:
    components = {"secrets": "secretsmanager", "secrets/new": "secretsmanager"}
    bench.create(bench.generated(), components=components)
    theirs(bench, function)
    secret = bench.generated()
    renamed = secret.model_copy(update={"ref": secret.ref.model_copy(update=ref)})
    spec = bench.spec(renamed, components=components)
    assert bench.plan(spec, STAGE)[bench.name("password")].action is ChangeClass.NONE
    bench.provision(spec)
    assert turning(bench) == {"AutomaticallyAfterDays": 7}
    assert isinstance(bench.provision(spec)[f"secrets {bench.name('password')}"], Unchanged)


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "killed"])
def test_rotation_kept_at_adoption_is_still_theirs_after_a_declared_one_that_never_came(
    bench: Bench, function: str, interruption: Interruption, killed: type[BaseException], refused: bool
) -> None:
    bench.secrets.create_secret(Name=bench.name("password"), SecretString="theirs")
    theirs(bench, function)
    plain = bench.spec(bench.generated())
    bench.provision(plain, options=ApplyOptions(adopt=("*",)))
    assert turning(bench) == {"AutomaticallyAfterDays": 7}
    arn = f"{function}-typo" if refused else function
    declared = bench.spec(bench.generated(rotation=RotationSpec(lambda_arn=arn, automatically_after_days=30)))
    if refused:
        assert isinstance(bench.provision(declared)[f"{STAGE} {bench.name('password')}"], Failed)
    else:
        interruption.kill_before("RotateSecret")
        with pytest.raises(killed):
            bench.provision(declared, interruption=interruption)
    bench.provision(plain)
    assert turning(bench) == {"AutomaticallyAfterDays": 7}
    assert {type(one) for one in bench.provision(plain).values()} == {Unchanged}


def test_rotation_kept_at_adoption_is_ours_once_a_declared_one_took_its_place(bench: Bench, function: str) -> None:
    bench.secrets.create_secret(Name=bench.name("password"), SecretString="theirs")
    theirs(bench, function)
    plain = bench.spec(bench.generated())
    bench.provision(plain, options=ApplyOptions(adopt=("*",)))
    bench.provision(rotating(bench))
    bench.provision(plain)
    assert turning(bench) is None
