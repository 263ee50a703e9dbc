"""Before a rotation is switched on: what would fail is said, nothing is changed, and the others go on."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any, Unpack

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.desired.consumer.model import LambdaDelivery
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.access import AccessSettings
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Unchanged
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.access_checks import checks as access_checks
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from secrets_pipeline.reconcilers.rotation_function.invocation import let_in
from secrets_pipeline.reconcilers.rotation_function.observe import refuse_problem, wait_until_ready
from secrets_pipeline.reconcilers.secret_rotation.preflight import RotationPreflight, function_problems
from tests.bench import ROTATES, Interruption, during
from tests.grants import TRUSTED
from tests.waiting import eventually

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.bench import Bench, Running

STAGE = "secret_rotation"
DEEP = ApplyOptions(deep=True)


def role(bench: Bench) -> str:
    return f"arn:aws:iam::{bench.aws.account_id}:role/{bench.stack}"


def function(bench: Bench, *, policies: dict[str, Any] | None = None, invoked: bool = True) -> str:
    rotates = {"rotate": json.loads(ROTATES)} if policies is None else policies
    invoked_by = ("secretsmanager.amazonaws.com",) if invoked else ()
    stand_in(
        bench.aws,
        [
            StandInRole(role(bench), "lambda.amazonaws.com", policies=rotates),
            StandInFunction(bench.stack, role(bench), invoked_by=invoked_by),
        ],
    )
    return f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}"


def rotating(arn: str) -> RotationSpec:
    return RotationSpec(lambda_arn=arn, automatically_after_days=30)


def managed(bench: Bench, *secrets: SecretSpec, **more: object) -> StackSpec:
    return bench.spec(*secrets, rotation_function=RotationFunctionSpec(name=f"{bench.stack}-f"), **more)


def failure(bench: Bench, spec: StackSpec, key: str = "password", **how: Unpack[Running]) -> str:
    outcome = bench.provision(spec, **how)[f"{STAGE} {bench.name(key)}"]
    assert isinstance(outcome, Failed)
    assert outcome.error.remedy
    assert not bench.describe(key).get("RotationEnabled")
    return outcome.error.message


def test_a_role_that_may_not_write_is_said_with_the_layer_and_nothing_is_changed(bench: Bench) -> None:
    reading = {"Effect": "Allow", "Action": ["secretsmanager:DescribeSecret"], "Resource": "*"}
    arn = function(bench, policies={"reads": {"Version": "2012-10-17", "Statement": [reading]}})
    spec = bench.spec(bench.generated(rotation=rotating(arn)))
    said = failure(bench, spec)
    assert "secretsmanager:PutSecretValue: role" in said
    assert "no identity policy allows secretsmanager:PutSecretValue" in said
    assert "DescribeSecret" not in said
    planned = bench.plan(spec, STAGE, options=DEEP)[bench.name("password")]
    assert planned.action is ChangeClass.BLOCKED
    assert "PutSecretValue" in planned.reason


def test_a_key_that_is_denied_to_the_role_is_said_and_the_other_secret_goes_on(bench: Bench) -> None:
    arn = function(bench)
    no = {
        "Sid": "NotThisOne",
        "Effect": "Deny",
        "Principal": {"AWS": role(bench)},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
    }
    key = bench.key(policy=(no,))
    secrets = (
        bench.generated(rotation=rotating(arn), kms_key=key.alias),
        bench.generated("free", rotation=rotating(arn)),
    )
    outcomes = bench.provision(bench.spec(*secrets, keys=(key,)))
    failed = outcomes[f"{STAGE} {bench.name('password')}"]
    assert isinstance(failed, Failed)
    assert "the key policy (statement NotThisOne) denies kms:GenerateDataKey" in failed.error.message
    assert isinstance(outcomes[f"{STAGE} {bench.name('free')}"], Applied)


def test_a_function_that_lets_nobody_in_is_said_unless_its_component_is_delivered_to(bench: Bench) -> None:
    arn = function(bench, invoked=False)
    secret = bench.generated(rotation=rotating(arn))
    assert "does not let secretsmanager.amazonaws.com invoke it" in failure(bench, bench.spec(secret))
    delivery = LambdaDelivery(component="worker", deliver=True, function_name=bench.stack, environment={})
    spec = bench.spec(secret, deliveries=(delivery,))
    assert "does not let secretsmanager.amazonaws.com invoke it" in bench.plan(spec, "rotation_functions")[arn].reason
    outcomes = bench.provision(spec)
    let_in = outcomes[f"rotation_functions {arn}"]
    assert isinstance(let_in, Applied)
    assert let_in.detail == "secretsmanager.amazonaws.com may invoke it"
    assert isinstance(outcomes[f"{STAGE} {bench.name('password')}"], Applied)
    (statement,) = json.loads(bench.session.client("lambda").get_policy(FunctionName=arn)["Policy"])["Statement"]
    assert statement["Sid"] == "SecretsPipelineRotation"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_function_that_somebody_lets_it_into_since_the_plan_keeps_their_statement_alone(bench: Bench) -> None:
    arn, client = function(bench, invoked=False), bench.session.client("lambda")
    delivery = LambdaDelivery(component="worker", deliver=True, function_name=bench.stack, environment={})
    spec = bench.spec(bench.generated(rotation=rotating(arn)), deliveries=(delivery,))
    reconciler = STAGES["rotation_functions"](bench.context(spec))
    changes = reconciler.plan()
    client.add_permission(
        FunctionName=arn,
        StatementId="theirs",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount=bench.aws.account_id,
    )
    let_in = bench.run(reconciler, changes)[arn]
    assert isinstance(let_in, Applied)
    assert let_in.detail == "secretsmanager.amazonaws.com may invoke it already"
    (statement,) = json.loads(client.get_policy(FunctionName=arn)["Policy"])["Statement"]
    assert statement["Sid"] == "theirs"


@pytest.mark.parametrize("answers", [2, 10_000])
def test_a_policy_that_lambda_still_shows_as_it_was_is_read_again_for_some_seconds(bench: Bench, answers: int) -> None:
    arn = function(bench, invoked=False)
    theirs = {"StatementId": "theirs", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    client: Any = bench.session.client("lambda")
    client.add_permission(FunctionName=arn, **theirs)
    before, slept = client.get_policy(FunctionName=arn)["Policy"], list[float]()
    stack = showing(bench, [before] * answers, slept)
    assert let_in(stack, arn) == "secretsmanager.amazonaws.com may invoke it"
    assert 1 <= sum(slept) <= 20
    after = json.loads(client.get_policy(FunctionName=arn)["Policy"])["Statement"]
    assert {one["Sid"] for one in after} == {"theirs", "SecretsPipelineRotation"}


def test_a_statement_that_denies_it_is_an_error_at_once(bench: Bench) -> None:
    arn, slept = function(bench, invoked=False), list[float]()
    denies = {"Sid": "no", "Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": "*"}
    shown = json.dumps({"Version": "2012-10-17", "Statement": [denies]})
    with pytest.raises(AwsError, match=r"denies secretsmanager\.amazonaws\.com to invoke it, statement no"):
        let_in(showing(bench, [shown] * 9, slept), arn)
    assert slept == []


def showing(bench: Bench, policies: list[str], slept: list[float]) -> Stack:
    """A run, by a time that only sleeping moves, whose first answers of GetPolicy are these."""
    stack = bench.context(bench.spec(bench.generated()), interruption=Interruption())
    answers = iter(policies)

    def instead(parsed: dict[str, Any], **_: object) -> None:
        if (policy := next(answers, None)) is not None:
            parsed["Policy"] = policy

    events = stack.account.botocore_session.get_component("event_emitter")
    events.register("after-call.lambda.GetPolicy", instead)
    return during(stack, clock=lambda: sum(slept), sleep=slept.append)


def test_a_permission_for_another_account_is_none(bench: Bench) -> None:
    arn = function(bench, invoked=False)
    bench.session.client("lambda").add_permission(
        FunctionName=arn,
        StatementId="theirs",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount="999988887777",
    )
    assert "does not let" in failure(bench, bench.spec(bench.generated(rotation=rotating(arn))))


def test_a_permission_for_one_secret_is_none_for_another(bench: Bench) -> None:
    arn = function(bench, invoked=False)
    spec = bench.create(bench.generated(), bench.generated("other"))
    bench.session.client("lambda").add_permission(
        FunctionName=arn,
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceArn=bench.describe("other")["ARN"],
    )
    turning = [secret.model_copy(update={"rotation": rotating(arn)}) for secret in spec.secrets]
    spec = spec.model_copy(update={"secrets": tuple(turning)})
    assert "does not let" in failure(bench, spec)
    assert bench.describe("other")["RotationEnabled"]


def test_an_operator_whose_role_may_not_look_switches_the_preflight_off(bench: Bench) -> None:
    arn = function(bench, policies={})
    spec = bench.spec(bench.generated(rotation=rotating(arn)))
    bench.provision(spec, settings=OperatorSettings(grants=TRUSTED, rotation_preflight=False))
    assert bench.describe("password")["RotationEnabled"]


def test_a_function_that_may_not_be_looked_at_is_said_and_stops_nothing(
    bench: Bench, interruption: Interruption
) -> None:
    def refuse(operation: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}, operation)

    interruption.before = refuse
    context = bench.context(bench.spec(), interruption=interruption)
    problem = next(function_problems(context, "theirs"))
    assert not problem.known
    assert problem.text.startswith("function theirs: ")
    assert "GetFunction theirs failed: AccessDeniedException" in problem.text


def test_a_function_that_lambda_could_not_deploy_is_an_error_with_lambda_s_reason(
    bench: Bench, interruption: Interruption
) -> None:
    function(bench)
    context = bench.context(bench.spec(), interruption=interruption)

    def fail(parsed: dict[str, Any], **_: object) -> None:
        parsed["Configuration"] |= {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no free address"}

    assert wait_until_ready(context, bench.stack).problem == ""
    context.account.client("lambda").meta.events.register("after-call.lambda.GetFunction", fail)
    with pytest.raises(AwsError, match="was not updated: no free address"):
        refuse_problem(bench.stack, wait_until_ready(context, bench.stack))


@pytest.mark.parametrize("organization_policies", ["unknown", "allow"])
def test_an_organisation_that_cannot_be_reached_keeps_no_rotation_from_being_switched_on(
    bench: Bench, interruption: Interruption, monkeypatch: pytest.MonkeyPatch, organization_policies: str
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_ORGANIZATIONS", closed)
    spec = bench.spec(bench.generated(rotation=rotating(function(bench))))
    access = AccessSettings.model_validate({"organization_policies": organization_policies})
    settings = OperatorSettings(grants=TRUSTED, access=access)
    outcome = bench.provision(spec, settings=settings, interruption=interruption)[f"{STAGE} {bench.name('password')}"]
    assert isinstance(outcome, Applied)
    assert bench.describe("password")["RotationEnabled"]
    context = bench.context(spec, writing=False, settings=settings, interruption=interruption)
    assert {one.verdict for one in access_checks.policies_are_not_public(context)} == {Verdict.RIGHT}


def test_a_no_op_reads_neither_value_nor_function_nor_role(bench: Bench) -> None:
    spec = bench.spec(bench.generated(rotation=rotating(function(bench))))
    bench.provision(spec)
    bench.reset_calls()
    bench.provision(spec)
    assert not bench.calls("awslambda")
    assert not bench.calls("iam")
    assert bench.calls()["GetSecretValue"] == 0


def test_a_value_that_the_managed_function_cannot_rotate_is_said_before_it_is_switched_on(bench: Bench) -> None:
    rotation = RotationSpec(managed=True, strategy=RotationStrategy.SINGLE_USER, automatically_after_days=30)
    fields = {"engine": "oracle", "host": "db", "username": "app"}
    spec = managed(bench, bench.generated(fields=fields, rotation=rotation))
    assert "not one that this function rotates" in failure(bench, spec)


def login(bench: Bench, host: str, **more: object) -> SecretSpec:
    """A secret whose login the managed function rotates, as its author writes it."""
    rotation = RotationSpec(managed=True, strategy=RotationStrategy.SINGLE_USER, automatically_after_days=30)
    value = {"engine": "postgres", "host": host, "port": 6432, "username": "app", "password": "Canary-password-1"}
    return bench.declared("login", {**value, **more}, rotation=rotation)


@pytest.mark.parametrize("preflight", [True, False])
def test_a_host_that_the_yaml_alone_names_is_refused_before_its_rotation_is_switched_on(
    bench: Bench, preflight: bool
) -> None:
    spec = managed(bench, login(bench, "db.example.com"))
    settings = OperatorSettings(grants=TRUSTED, rotation_preflight=preflight)
    outcome = bench.provision(spec, settings=settings)[f"{STAGE} {bench.name('login')}"]
    assert isinstance(outcome, Failed)
    assert "its host db.example.com:6432 is not the endpoint, as RDS reports it, of a database" in outcome.error.message
    line = f'- {{stacks: "{bench.stack}", hosts: ["db.example.com:6432"]}}'
    assert f"Let the operator write under grants: {line}" in outcome.error.remedy
    assert not bench.describe("login").get("RotationEnabled")
    planned = bench.plan(spec, STAGE, options=DEEP, settings=settings)[bench.name("login")]
    assert planned.action is ChangeClass.BLOCKED
    assert "db.example.com:6432" in planned.reason


def test_a_granted_host_is_rotated_over_tls_alone(bench: Bench) -> None:
    granted = OperatorSettings.model_validate({"grants": [{"preset": "single-team", "hosts": ["db.example.com"]}]})
    plain = managed(bench, login(bench, "db.example.com", ssl=False))
    assert 'its value says "ssl": false' in failure(bench, plain, "login", settings=granted)
    outcome = bench.provision(managed(bench, login(bench, "db.example.com", ssl=True)), settings=granted)
    assert isinstance(outcome[f"{STAGE} {bench.name('login')}"], Applied)
    assert bench.describe("login")["RotationEnabled"]


def test_a_host_that_changed_while_rotation_was_on_is_refused_before_a_rotation_that_is_asked_for(bench: Bench) -> None:
    arn = function(bench)
    spec = bench.create(login(bench, "db.example.com").model_copy(update={"rotation": None}))
    rules: Any = {"AutomaticallyAfterDays": 30}
    bench.secrets.rotate_secret(
        SecretId=bench.name("login"), RotationLambdaARN=arn, RotationRules=rules, RotateImmediately=False
    )
    context = bench.context(spec.model_copy(update={"secrets": managed(bench, login(bench, "db.example.com")).secrets}))
    bench.reset_calls()
    outcome = bench.run(RotateReconciler(context, [bench.name("login")], seconds=0.1))[bench.name("login")]
    assert bench.calls()["RotateSecret"] == 0
    assert isinstance(outcome, Failed)
    assert "db.example.com:6432 is not the endpoint" in outcome.error.message


@pytest.fixture
def token(bench: Bench) -> StackSpec:
    rotation = RotationSpec(
        managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30, rotate_immediately=True
    )
    key = bench.key()
    return managed(bench, bench.generated("token", rotation=rotation, kms_key=key.alias), keys=(key,))


def test_the_managed_function_rotates_under_the_policy_that_it_was_given(bench: Bench, token: StackSpec) -> None:
    outcomes = bench.provision(token)
    assert {type(one) for one in outcomes.values()} <= {Applied, Unchanged}
    eventually(lambda: "LastRotatedDate" in bench.describe("token"))
    assert bench.versions("token") == 2
    assert len(bench.value("token")) == 24
    assert set(bench.value("token")) <= set("abcdefghijklmnopqrstuvwxyz")
    assert {type(one) for one in bench.provision(token).values()} <= {Unchanged}


def test_its_role_is_a_reader_that_is_expected(bench: Bench, token: StackSpec) -> None:
    bench.provision(token)
    found = access_checks.nobody_else_can_read(bench.context(token, writing=False))
    ours = [one for one in found if f"{bench.stack}-f" in one.detail]
    assert ours
    assert {one.verdict for one in ours} == {Verdict.RIGHT}
    assert all("its rotation function" in one.detail for one in ours)


def test_the_stacks_of_a_run_read_iam_once_for_their_preflights(bench: Bench) -> None:
    arn = function(bench)
    spec = bench.create(bench.generated())
    other = spec.model_copy(update={"stack": f"{spec.stack}-other"})
    run = bench.context(spec, writing=False)
    assembly = Assembly(bench.repository(spec, other), run.observed.sessions, run.run)
    secret = bench.generated(rotation=rotating(arn))
    bench.reset_calls()
    for one in (spec, other):
        stack = assembly.stack(one.stack)
        state = stack.observed.secrets.get(secret.name)
        assert state is not None
        assert RotationPreflight(stack, [secret.name]).problems(secret, state, arn, reads_value=False) == ()
    assert bench.calls("iam")["GetAccountAuthorizationDetails"] == 1
