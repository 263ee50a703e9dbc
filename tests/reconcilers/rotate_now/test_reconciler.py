"""Rotating now: by function, by the pipeline, in the database first; killed at any call."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Unpack

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import settle
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Outcome, Skipped
from secrets_pipeline.errors import AwsError, SpecError
from secrets_pipeline.reconcilers.rotate_now.by_function import FunctionRotation
from secrets_pipeline.reconcilers.rotate_now.choice import roots
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from secrets_pipeline.rotation.steps import RotationStep, unwatched
from tests import sweep
from tests.bench import during, said
from tests.databases import logs_in

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption, Rotation, Running

FIELDS = {"engine": "postgres", "username": "owner", "dbname": "orders"}


def rotate_now(
    bench: Bench,
    spec: StackSpec,
    key: str = "password",
    *,
    seconds: float = 120.0,
    **how: Unpack[Running],
) -> Outcome:
    context = bench.context(spec, **how)
    return bench.run(RotateReconciler(context, [bench.name(key)], seconds=seconds))[bench.name(key)]


def accepts(bench: Bench, password: str) -> bool:
    at = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]["Endpoint"]
    return logs_in(at["Address"], at["Port"], "owner", password, "orders")


@pytest.fixture
def with_database(bench: Bench) -> StackSpec:
    return bench.create(bench.generated(fields=FIELDS), databases=(bench.database(),))


def test_a_generated_secret_without_a_function_gets_a_new_value_and_what_is_rendered_from_it_follows(
    bench: Bench,
) -> None:
    spec = bench.create(
        bench.generated("key"),
        bench.declared("config", {"key": "${output.secrets.generated_passwords.key}"}, depends_on=(bench.ref("key"),)),
    )
    before = bench.value("key")
    assert isinstance(rotate_now(bench, spec, "key"), Applied)
    assert bench.value("key") != before
    bench.provision(spec)
    assert bench.document("config") == {"key": bench.value("key")}
    again = bench.value("key")
    assert isinstance(rotate_now(bench, spec, "key"), Applied)
    assert bench.value("key") != again


def test_a_master_password_is_set_in_the_database_proven_and_made_current(
    bench: Bench, with_database: StackSpec
) -> None:
    old = bench.document("password")["password"]
    seen: list[RotationStep] = []
    reconciler = RotateReconciler(
        bench.context(with_database), [bench.name("password")], watch=lambda _, step: seen.append(step)
    )
    assert {type(one) for one in bench.run(reconciler).values()} == {Applied}
    assert seen == list(RotationStep)
    new = bench.document("password")
    assert new["password"] != old
    assert {key: new[key] for key in FIELDS} == FIELDS
    assert accepts(bench, new["password"])
    assert not accepts(bench, old)
    labels = bench.describe("password")["VersionIdsToStages"][bench.current("password")]
    assert {"AWSCURRENT", "AWSPENDING"} <= set(labels)
    # The next run finds it proven and ours.
    assert {type(one).__name__ for one in bench.provision(with_database).values()} == {"Unchanged"}


def test_killed_at_any_call_the_database_s_password_is_current_or_pending_and_the_next_try_ends_it(
    bench: Bench, interruption: Interruption, killed: type[BaseException], with_database: StackSpec
) -> None:
    name = bench.name("password")
    for boundary in sweep.boundaries():
        context = bench.context(with_database, interruption=interruption)
        reconciler = RotateReconciler(context, [name])
        (change,) = reconciler.plan()
        interruption.kill_at(boundary)
        before = bench.current("password")
        try:
            reconciler.apply(change)
        except killed:
            pass
        else:
            break
        finally:
            interruption.before = interruption.after = lambda _operation: None
        labels = {label: version for version, all_of in stages(bench).items() for label in all_of}
        # RDS may be setting the new password at this moment: whoever sees the old one refused comes after it.
        held = (labels["AWSCURRENT"], labels.get("AWSPENDING", labels["AWSCURRENT"]))
        assert any(accepts(bench, password(bench, version)) for version in held), f"lost at {boundary}"
        assert isinstance(rotate_now(bench, with_database), Applied)
        assert bench.current("password") != before
        assert accepts(bench, bench.document("password")["password"])
    assert boundary > 20
    assert {type(one).__name__ for one in bench.provision(with_database).values()} <= {"Unchanged", "Applied"}
    assert {type(one).__name__ for one in bench.provision(with_database).values()} == {"Unchanged"}


def test_a_try_whose_pending_label_was_taken_away_is_gone_on_with(
    bench: Bench, interruption: Interruption, killed: type[BaseException], with_database: StackSpec
) -> None:
    reconciler = RotateReconciler(bench.context(with_database, interruption=interruption), [bench.name("password")])
    (change,) = reconciler.plan()
    interruption.kill_before("ModifyDBInstance")
    with pytest.raises(killed):
        reconciler.apply(change)
    interruption.before = interruption.after = lambda _operation: None
    pending = next(version for version, labels in stages(bench).items() if "AWSPENDING" in labels)
    bench.secrets.update_secret_version_stage(
        SecretId=bench.name("password"), VersionStage="AWSPENDING", RemoveFromVersionId=pending
    )
    assert isinstance(rotate_now(bench, with_database), Applied)
    assert bench.current("password") == pending
    assert accepts(bench, bench.document("password")["password"])


def test_a_value_that_was_given_up_by_hand_does_not_come_back(bench: Bench, with_database: StackSpec) -> None:
    spec = bench.create(bench.generated("key"), bench.generated(fields=FIELDS), databases=(bench.database(),))
    for key in ("key", "password"):
        first = bench.current(key)
        assert isinstance(rotate_now(bench, spec, key), Applied)
        given_up = bench.value(key)
        bench.secrets.update_secret_version_stage(
            SecretId=bench.name(key),
            VersionStage="AWSCURRENT",
            MoveToVersionId=first,
            RemoveFromVersionId=bench.current(key),
        )
        if key == "password":
            bench.rds.modify_db_instance(
                DBInstanceIdentifier=bench.stack, MasterUserPassword=bench.document(key)["password"]
            )
        assert isinstance(rotate_now(bench, spec, key), Applied)
        assert bench.value(key) != given_up


def stages(bench: Bench) -> dict[str, list[str]]:
    return bench.describe("password")["VersionIdsToStages"]


def password(bench: Bench, version: str) -> str:
    value = bench.secrets.get_secret_value(SecretId=bench.name("password"), VersionId=version)["SecretString"]
    return str(json.loads(value)["password"])


def test_a_database_that_accepts_neither_password_is_left_alone(bench: Bench, with_database: StackSpec) -> None:
    bench.rds.modify_db_instance(DBInstanceIdentifier=bench.stack, MasterUserPassword="somebody-elses")
    before = bench.current("password")
    outcome = rotate_now(bench, with_database)
    assert isinstance(outcome, Failed)
    assert "accepts neither" in outcome.error.message
    assert bench.current("password") == before
    assert accepts(bench, "somebody-elses")


def test_a_password_that_no_login_could_prove_is_not_even_made(bench: Bench, with_database: StackSpec) -> None:
    before = stages(bench)
    outcome = rotate_now(bench, with_database, settings=OperatorSettings(database_logins=False))
    assert isinstance(outcome, Skipped)
    assert "database_logins is off" in outcome.reason
    assert stages(bench) == before


def test_a_function_s_rotation_is_followed_to_its_end(bench: Bench, with_database: StackSpec, rotate: Rotation) -> None:
    rotate()
    function = bench.describe("password")["RotationLambdaARN"]
    turning = RotationSpec(lambda_arn=function, automatically_after_days=30)
    spec = bench.spec(bench.generated(fields=FIELDS, rotation=turning), databases=(bench.database(),))
    old = bench.document("password")["password"]
    outcome = rotate_now(bench, spec)
    assert isinstance(outcome, Applied)
    new = bench.document("password")["password"]
    assert new != old
    assert accepts(bench, new)
    assert not accepts(bench, old)


def test_a_function_that_fails_is_quoted_and_the_rotation_stays_pending(
    bench: Bench, with_database: StackSpec, rotate: Rotation
) -> None:
    rotate()
    function = bench.describe("password")["RotationLambdaARN"]
    bench.session.client("lambda").update_function_configuration(
        FunctionName=function, Environment={"Variables": {"DATABASE": "no-such-database"}}
    )
    turning = RotationSpec(lambda_arn=function, automatically_after_days=30)
    spec = bench.spec(bench.generated(fields=FIELDS, rotation=turning), databases=(bench.database(),))
    before = bench.current("password")
    outcome = rotate_now(bench, spec)
    assert isinstance(outcome, Failed)
    assert "DBInstanceNotFound" in outcome.error.message
    assert "stays pending" in outcome.error.remedy
    assert bench.current("password") == before
    assert accepts(bench, bench.document("password")["password"])


@pytest.mark.parametrize("closed", [False, True], ids=["gone", "closed"])
def test_a_function_that_secrets_manager_cannot_invoke_is_said_before_anything_is_rotated(
    bench: Bench, rotate: Rotation, closed: bool
) -> None:
    spec = bench.create(bench.generated())
    rotate.begin()
    settle(bench.aws)
    function = bench.describe("password")["RotationLambdaARN"]
    functions = bench.session.client("lambda")
    if closed:
        functions.remove_permission(FunctionName=function, StatementId="s")
    else:
        functions.delete_function(FunctionName=function)
    reconciler = RotateReconciler(bench.context(spec), [bench.name("password")])
    (change,) = reconciler.plan()
    reason = "does not let secretsmanager.amazonaws.com invoke it" if closed else "does not exist"
    assert (change.action, said(change)) == (ChangeClass.BLOCKED, (f"function {function} {reason}",))
    assert ("aws lambda add-permission" if closed else "Deploy it") in change.remedy
    bench.reset_calls()
    (outcome,) = bench.run(reconciler).values()
    assert isinstance(outcome, Skipped)
    assert bench.calls()["RotateSecret"] == 0


def followed(
    bench: Bench,
    interruption: Interruption,
    value: str,
    *,
    stops: str = "",
    code: str = "AccessDeniedException",
    dated: bool = False,
    empty: bool = False,
) -> str:
    """Follow a rotation of somebody who makes a version with this value, and moves the label to it.

    Args:
        bench: whose secret `key` is rotated.
        interruption: of the run.
        value: of the new version.
        stops: an operation that AWS refuses us.
        code: with which code.
        dated: whether Secrets Manager dates the rotation.
        empty: whether values are missing from answers, as plain moto has it of what it rotated.
    """
    stack = bench.context(bench.create(bench.generated("key")), interruption=interruption)
    passed = 0.0

    def pause(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    context = during(stack, clock=lambda: passed, sleep=pause)
    name = bench.name("key")
    state = context.observed.secrets.refresh(name)
    assert state is not None
    first, theirs, looks = bench.current("key"), "", 0

    def begin_then_end(operation: str) -> None:
        nonlocal theirs, looks
        if operation == "RotateSecret":
            theirs = bench.secrets.put_secret_value(
                SecretId=name, SecretString=value or bench.value("key"), VersionStages=["AWSPENDING"]
            )["VersionId"]
        looks += operation == "DescribeSecret" and bool(theirs)
        if looks == 2:
            bench.secrets.update_secret_version_stage(
                SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=theirs, RemoveFromVersionId=first
            )
            looks += 1
        if operation == stops:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    def date(parsed: dict[str, Any], **_: object) -> None:
        if dated and theirs:
            parsed["LastRotatedDate"] = datetime(2026, 3, 1, tzinfo=UTC)

    def take_away(parsed: dict[str, Any], **_: object) -> None:
        if empty:
            parsed.pop("SecretString", None)

    interruption.before = begin_then_end
    answers = context.account.client("secretsmanager").meta.events
    answers.register("after-call.secrets-manager.DescribeSecret", date)
    answers.register("after-call.secrets-manager.GetSecretValue", take_away)
    said = FunctionRotation(context, unwatched, seconds=20).rotate(state)
    return said.replace(theirs[:8], "theirs")


def test_a_rotation_that_began_a_moment_before_ours_is_the_one_that_is_followed(
    bench: Bench, interruption: Interruption
) -> None:
    assert followed(bench, interruption, "theirs") == "version theirs… is current"


def test_a_label_that_moved_to_the_same_value_is_no_rotation(bench: Bench, interruption: Interruption) -> None:
    with pytest.raises(AwsError, match="holds the value of the one before") as failure:
        followed(bench, interruption, "")
    assert "may be so still" in failure.value.remedy


@pytest.mark.parametrize("seen", [{"stops": "GetSecretValue", "code": "ResourceNotFoundException"}, {"empty": True}])
def test_a_label_that_moved_to_a_version_without_a_value_is_no_rotation(
    bench: Bench, interruption: Interruption, seen: dict[str, Any]
) -> None:
    with pytest.raises(AwsError, match="holds no value"):
        followed(bench, interruption, "theirs", dated=True, **seen)


def test_where_values_may_not_be_read_the_date_of_the_rotation_proves_it(
    bench: Bench, interruption: Interruption
) -> None:
    said = followed(bench, interruption, "theirs", stops="GetSecretValue", dated=True)
    assert said == "version theirs… is current"


def test_where_neither_value_nor_date_shows_a_rotation_it_is_not_said_to_be_one(
    bench: Bench, interruption: Interruption
) -> None:
    with pytest.raises(AwsError, match="nothing shows that it was rotated"):
        followed(bench, interruption, "theirs", stops="GetSecretValue")


@pytest.mark.needs("logs:FilterLogEvents")
@pytest.mark.parametrize("unread", ["without ids", "unavailable"])
def test_a_log_that_cannot_be_read_as_ours_ends_no_rotation(
    bench: Bench, interruption: Interruption, rotate: Rotation, unread: str
) -> None:
    """Every field of an event is optional: botocore's model of FilteredLogEvent requires none."""

    def without_ids(parsed: dict[str, Any], **_: object) -> None:
        for event in parsed["events"]:
            del event["eventId"]

    def unavailable(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailableException", "Message": "later"}}, "FilterLogEvents")

    bench.create(bench.generated(fields=FIELDS), databases=(bench.database(),))
    rotate()
    function = bench.describe("password")["RotationLambdaARN"]
    logs, group = bench.session.client("logs"), f"/aws/lambda/{function.rpartition(':')[2]}"
    logs.create_log_stream(logGroupName=group, logStreamName="earlier")
    logs.put_log_events(
        logGroupName=group,
        logStreamName="earlier",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "[ERROR] ValueError: of an attempt before"}],
    )
    turning = RotationSpec(lambda_arn=function, automatically_after_days=30)
    spec = bench.spec(bench.generated(fields=FIELDS, rotation=turning), databases=(bench.database(),))
    context = bench.context(spec, interruption=interruption)
    emitter = context.account.botocore_session.get_component("event_emitter")
    emitter.register(
        "after-call.cloudwatch-logs.FilterLogEvents", {"without ids": without_ids}.get(unread, unavailable)
    )
    (outcome,) = bench.run(RotateReconciler(context, [bench.name("password")], seconds=120)).values()
    assert isinstance(outcome, Applied), outcome


def test_what_nobody_can_rotate_says_what_to_do_instead(bench: Bench) -> None:
    spec = bench.create(
        bench.generated("key"),
        bench.generated("orphan", fields={**FIELDS, "host": "db.example"}),
        bench.declared("plain", "typed"),
        bench.external("vendor"),
        bench.external("brought"),
        bench.declared("config", {"key": "${output.secrets.generated_passwords.key}"}, depends_on=(bench.ref("key"),)),
    )
    bench.secrets.put_secret_value(SecretId=bench.name("brought"), SecretString="theirs")
    names = [bench.name(key) for key in ("orphan", "plain", "vendor", "brought", "config")]
    outcomes = bench.run(RotateReconciler(bench.context(spec), names))
    reasons = {name.rpartition("/")[2]: one.reason for name, one in outcomes.items() if isinstance(one, Skipped)}
    assert reasons == {
        "orphan": "nobody could tell its database the new password",
        "plain": "its value stands in the YAML",
        "vendor": "it has no value yet, which somebody else brings",
        "brought": "somebody else brings its value",
        "config": f"it is rendered from {bench.name('key')}",
    }
    assert roots(spec, [bench.name("config"), bench.name("plain")]) == (bench.name("key"), bench.name("plain"))
    # A replica, or what is scheduled for deletion, as this run knows it.
    for more, reason in (
        ({"primary_region": "us-east-1"}, "it is a replica"),
        ({"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, "it is scheduled for deletion"),
    ):
        context = bench.context(spec)
        state = context.observed.secrets.get(bench.name("key"))
        assert state is not None
        context.observed.secrets.note(replace(state, **more))
        (change,) = RotateReconciler(context, [bench.name("key")]).plan()
        assert (change.action, said(change)) == (ChangeClass.BLOCKED, (reason,))
    with pytest.raises(SpecError, match="declares no secret"):
        RotateReconciler(bench.context(spec), ["nobody's"])


def test_a_rotation_of_somebody_else_is_waited_for(bench: Bench, with_database: StackSpec) -> None:
    bench.secrets.put_secret_value(
        SecretId=bench.name("password"), SecretString=bench.value("password"), VersionStages=["AWSPENDING"]
    )
    outcome = rotate_now(bench, with_database)
    assert isinstance(outcome, Skipped)
    assert "in progress" in outcome.reason
