"""What others own is written to where its owner says so, and refused before the first write where nobody does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.boundary import ALLOW_TAG, Boundary, Crossing
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, StandInService, StandInStage, stand_in
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Outcome, Skipped
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary
from secrets_pipeline.reconcilers.database.ownership import refusal
from tests.applying import apply_stack
from tests.bench import ROTATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench import Bench

ACCOUNT = "111122223333"


def crossing(boundary: Boundary, name: str, **more: str) -> Crossing:
    """Something that a stack reaches, and that no grant names."""
    return Crossing(boundary=boundary, name=name, component="worker", key="settings.secrets_pipeline.deliver", **more)


def refused(bench: Bench, spec: StackSpec) -> str:
    """The text of the refusal of a whole apply, which wrote nothing but the pipeline's own two keys."""
    bench.service_keys(spec)
    bench.reset_calls()
    with pytest.raises(SecretsPipelineError) as caught:
        apply_stack(bench.context(spec))
    assert not bench.writes()
    return caught.value.diagnostics()


def reaching(bench: Bench, boundary: Boundary, name: str, **more: Any) -> StackSpec:  # noqa: ANN401 - any attribute
    """A stack with a secret of its own that reaches something."""
    return bench.spec(bench.declared(), crossings=(crossing(boundary, name),), **more)


def tag_function(bench: Bench, value: str) -> None:
    client = bench.session.client("lambda")
    arn = client.get_function_configuration(FunctionName=bench.stack)["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={ALLOW_TAG: value})


def tag_service(bench: Bench, value: str) -> None:
    client = bench.session.client("ecs")
    arn = client.describe_services(cluster=bench.stack, services=["orders"])["services"][0]["serviceArn"]
    client.tag_resource(resourceArn=arn, tags=[{"key": ALLOW_TAG, "value": value}])


def tag_stage(bench: Bench, value: str) -> None:
    client = bench.session.client("apigateway")
    (api,) = [one["id"] for one in client.get_rest_apis(limit=500)["items"] if one["name"] == bench.stack]
    arn = f"arn:aws:apigateway:{bench.aws.region}::/restapis/{api}/stages/dev"
    client.tag_resource(resourceArn=arn, tags={ALLOW_TAG: value})


def tag_role(bench: Bench, value: str) -> None:
    bench.session.client("iam").tag_role(RoleName=bench.stack, Tags=[{"Key": ALLOW_TAG, "Value": value}])


TARGETS: dict[Boundary, tuple[str, Callable[[Bench, str], None]]] = {
    Boundary.FUNCTION: ("{stack}", tag_function),
    Boundary.SERVICE: ("{stack}/orders", tag_service),
    Boundary.STAGE: ("{stack}/dev", tag_stage),
    Boundary.ROLE: ("ops/{stack}", tag_role),
}


@pytest.fixture
def made(bench: Bench) -> None:
    """What another team made: a function, a service, a stage and a role, named after the bench's stack."""
    role = f"arn:aws:iam::{ACCOUNT}:role/ops/{bench.stack}"
    stand_in(
        bench.aws,
        [
            StandInRole(role, "lambda.amazonaws.com"),
            StandInFunction(bench.stack, role),
            StandInService(bench.stack, "orders", bench.stack, "app", role, role),
            StandInStage(bench.stack, "dev"),
        ],
    )


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("boundary", list(TARGETS))
def test_the_tag_of_its_owner_lets_a_stack_reach_a_target_and_nothing_else_does(
    bench: Bench, boundary: Boundary
) -> None:
    pattern, tag = TARGETS[boundary]
    name = pattern.format(stack=bench.stack)
    spec = reaching(bench, boundary, name)
    said = refused(bench, spec)
    assert f"component worker, key settings.secrets_pipeline.deliver: {boundary} {name} does not let stack" in said
    assert f"Let its owner set its tag {ALLOW_TAG} to {bench.stack}, or the operator write under grants: - {{" in said
    tag(bench, "somebody-else")
    refused(bench, spec)
    tag(bench, f"somebody-else {bench.stack[:3]}+-dev")
    apply_stack(bench.context(spec))
    assert bench.describe("api")


@pytest.mark.parametrize("boundary", list(TARGETS))
def test_what_does_not_exist_stops_nobody(bench: Bench, boundary: Boundary) -> None:
    guard_boundary(
        bench.context(
            reaching(bench, boundary, f"{bench.stack}-gone" + ("" if boundary is Boundary.FUNCTION else "/x"))
        )
    )


@pytest.mark.usefixtures("made")
def test_everything_that_is_not_let_in_is_said_at_once_and_asked_once(bench: Bench) -> None:
    found = tuple(crossing(boundary, name.format(stack=bench.stack)) for boundary, (name, _) in TARGETS.items())
    spec = bench.spec(bench.declared(), crossings=(*found, *found))
    said = refused(bench, spec)
    assert said.startswith("4 errors")
    context = bench.context(spec)
    bench.reset_calls()
    for _ in range(3):
        with pytest.raises(SecretsPipelineError):
            guard_boundary(context)
    assert bench.calls("iam") == {"GetRole": 1}


@pytest.mark.usefixtures("made")
def test_what_a_grant_names_is_not_asked_for_its_tag(bench: Bench) -> None:
    granted = [crossing(one, name.format(stack=bench.stack), allowed_by="grants") for one, (name, _) in TARGETS.items()]
    context = bench.context(bench.spec(bench.declared(), crossings=granted))
    bench.reset_calls()
    guard_boundary(context)
    assert not emulator.calls(bench.aws)


def test_a_reader_is_judged_by_the_account_that_the_credentials_belong_to(bench: Bench) -> None:
    own, other = (f"arn:aws:iam::{account}:role/reports" for account in (ACCOUNT, "444455556666"))
    guard_boundary(bench.context(reaching(bench, Boundary.FOREIGN_READER, own)))
    guard_boundary(bench.context(reaching(bench, Boundary.FOREIGN_READER, ACCOUNT)))
    assert 'readers: ["444455556666"]}' in refused(bench, reaching(bench, Boundary.FOREIGN_READER, "444455556666"))
    said = refused(bench, reaching(bench, Boundary.FOREIGN_READER, other))
    assert 'Let the operator write under grants: - {stacks: "' in said
    assert 'readers: ["444455556666"]}' in said


def test_a_password_is_set_on_a_database_of_others_only_where_they_or_the_operator_let_it(bench: Bench) -> None:
    bench.rds.create_db_instance(
        DBInstanceIdentifier=bench.stack,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="owner",
        MasterUserPassword="theirs-0123456789",
        AllocatedStorage=20,
    )
    found = bench.database(create=False)
    reached = crossing(Boundary.DATABASE, bench.stack)
    spec = bench.spec(bench.generated(), databases=(found,), crossings=(reached,))
    said = refused(bench, spec)
    assert f"Take it over: `apply -s {bench.stack} --adopt {bench.stack}`. Let its owner set its tag" in said
    assert f'databases: ["{bench.stack}"]}}' in said
    guard_boundary(bench.context(spec, options=ApplyOptions(adopt=(bench.stack,))))
    arn = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]["DBInstanceArn"]
    bench.rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": ALLOW_TAG, "Value": bench.stack}])
    guard_boundary(bench.context(spec))
    state = bench.context(spec).observed.databases.find(found)
    assert state is not None
    assert not refusal(bench.context(spec), found, state)
    bench.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=[ALLOW_TAG])
    state = bench.context(spec).observed.databases.find(found)
    assert state is not None
    assert refusal(bench.context(spec), found, state)
    granted = spec.model_copy(update={"crossings": (reached.model_copy(update={"allowed_by": "grants"}),)})
    assert not refusal(bench.context(granted), found, state)


@pytest.fixture
def rotator(bench: Bench) -> str:
    """Another team's function, which Secrets Manager may invoke; its ARN is in a parameter of theirs."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{bench.stack}"
    rotates = {"rotate": json.loads(ROTATES)}
    invoked_by = ("secretsmanager.amazonaws.com",)
    stand_in(
        bench.aws,
        [
            StandInRole(role, "lambda.amazonaws.com", policies=rotates),
            StandInFunction(bench.stack, role, invoked_by=invoked_by),
        ],
    )
    arn = f"arn:aws:lambda:{bench.aws.region}:{ACCOUNT}:function:{bench.stack}"
    bench.session.client("ssm").put_parameter(Name=f"/{bench.stack}/rotator", Value=arn, Type="String")
    return arn


def rotated(bench: Bench, function: str, *grants: GrantRule, preflight: bool = True) -> tuple[Change, Outcome]:
    """Plan and outcome of a secret's rotation by a function, for which only the secret's own crossings are known."""
    rotation = RotationSpec(lambda_arn=bench.late(function), automatically_after_days=30)
    spec, name = bench.spec(bench.generated(rotation=rotation)), bench.name("password")
    settings = OperatorSettings(grants=grants, rotation_preflight=preflight)
    bench.provision(spec, "secrets", settings=settings)
    planned = bench.plan(spec, "secret_rotation", settings=settings)[name]
    return planned, bench.provision(spec, "secret_rotation", settings=settings)[f"secret_rotation {name}"]


@pytest.mark.parametrize("preflight", [True, False])
def test_a_function_that_a_parameter_names_rotates_only_where_it_lets_the_stack_in(
    bench: Bench, rotator: str, *, preflight: bool
) -> None:
    said = f"component secrets, key vars.secrets.password.rotation: Lambda function {bench.stack} does not let stack"
    planned, outcome = rotated(bench, f"${{ssm:/{bench.stack}/rotator}}", preflight=preflight)
    assert planned.action is ChangeClass.BLOCKED
    assert said in planned.reason
    assert isinstance(outcome, Skipped)
    assert said in outcome.reason
    assert f'functions: ["{bench.stack}"]' in outcome.remedy
    assert not bench.describe("password").get("RotationEnabled")
    grant = GrantRule(stacks=bench.stack, functions=(bench.stack,))
    planned, outcome = rotated(bench, f"${{ssm:/{bench.stack}/rotator}}", grant, preflight=preflight)
    assert planned.action is ChangeClass.CREATE
    assert isinstance(outcome, Applied)
    assert bench.describe("password")["RotationLambdaARN"] == rotator


@pytest.mark.usefixtures("rotator")
def test_the_tag_of_its_owner_lets_a_function_rotate_that_a_parameter_names(bench: Bench) -> None:
    tag_function(bench, bench.stack)
    assert isinstance(rotated(bench, f"${{ssm:/{bench.stack}/rotator}}")[1], Applied)


def test_a_parameter_that_names_no_function_rotates_nothing(bench: Bench) -> None:
    bench.session.client("ssm").put_parameter(Name=f"/{bench.stack}/text", Value="hunter2", Type="String")
    planned, outcome = rotated(bench, f"${{ssm:/{bench.stack}/text}}", GrantRule(preset="single-team"))
    assert planned.reason == (
        "component secrets, key vars.secrets.password.rotation: lambda_arn refers to what is no ARN of a function"
    )
    assert isinstance(outcome, Skipped)


@pytest.mark.parametrize("place", ["eu-west-2:444455556666", f"us-east-1:{ACCOUNT}"])
def test_a_function_elsewhere_is_let_in_by_a_grant_of_its_name_alone(bench: Bench, place: str) -> None:
    arn = f"arn:aws:lambda:{place}:function:{bench.stack}"
    said = refused(bench, reaching(bench, Boundary.FUNCTION, arn))
    assert f"Lambda function {arn} does not let stack" in said


def test_a_function_of_another_account_that_a_parameter_names_rotates_nothing_without_a_grant(bench: Bench) -> None:
    arn = f"arn:aws:lambda:{bench.aws.region}:444455556666:function:thief"
    bench.session.client("ssm").put_parameter(Name=f"/{bench.stack}/thief", Value=arn, Type="String")
    grant = GrantRule(stacks=bench.stack, functions=("thief",))
    planned, outcome = rotated(bench, f"${{ssm:/{bench.stack}/thief}}", grant)
    assert planned.action is ChangeClass.BLOCKED
    assert isinstance(outcome, Skipped)
    assert f"reader in another account {arn} is in another account, and no grant" in outcome.reason
    assert 'readers: ["444455556666"]' in outcome.remedy
