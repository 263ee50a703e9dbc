"""What a plan has checked: parameters, roles and functions that values, policies and rotations name."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import calls, reset_calls
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.operations.planning.earlier import Earlier
from secrets_pipeline.operations.stages import plan_stack
from tests.bench import ASSUMED_BY_LAMBDA, Bench, Interruption

BLOCKED, CREATE = ChangeClass.BLOCKED, ChangeClass.CREATE


def planned(bench: Bench, spec: StackSpec, **how: Any) -> dict[tuple[str, str], Change]:  # noqa: ANN401 - see `context`
    """The whole plan of a stack, by kind and name."""
    stages = plan_stack(bench.context(spec, writing=False, **how))
    return {(one.resource.kind, one.resource.name): one for changes in stages.values() for one in changes}


def role(bench: Bench, name: str) -> str:
    return f"arn:aws:iam::{bench.aws.account_id}:role/{bench.stack}-{name}"


def letting_in(arn: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": arn},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }


def test_a_secret_whose_parameter_does_not_exist_is_blocked_and_who_needs_it_until_it_does(bench: Bench) -> None:
    parameter = f"/{bench.stack}/vpn/psk"
    source = bench.declared("vpn", f"${{ssm:{parameter}}}", policy=(letting_in("*"),))
    url = bench.declared("url", "${output.secrets.secret_values.vpn}", depends_on=(bench.ref("vpn"),))
    spec = bench.spec(source, url)
    plan = planned(bench, spec)
    missing = plan["secret", bench.name("vpn")]
    assert missing.action is BLOCKED
    assert missing.hindrance == f"SSM parameter {parameter} does not exist"
    assert "eu-west-2" in missing.unblocked_by
    assert plan["secret-policy", bench.name("vpn")].action is BLOCKED
    needs = plan["secret", bench.name("url")]
    assert needs.action is BLOCKED
    assert needs.hindrance == f"needs secret {bench.name('vpn')}, which is blocked"
    bench.ssm.put_parameter(Name=parameter, Value="psk", Type="SecureString")
    plan = planned(bench, spec)
    assert {plan["secret", bench.name(key)].action for key in ("vpn", "url")} == {CREATE}


def test_a_secret_waits_for_what_another_stack_publishes_if_that_is_applied_first(bench: Bench) -> None:
    source = bench.another()
    published = f"${{ssm:/secrets-pipeline/{source.stack}/secrets/secret_arns}}"
    spec, name = bench.spec(bench.declared("arns", published)), bench.name("arns")
    alone = planned(bench, spec)["secret", name]
    assert alone.action is BLOCKED
    assert alone.hindrance == f"SSM parameter /secrets-pipeline/{source.stack}/secrets/secret_arns does not exist"
    earlier, first = Earlier(), source.context(source.spec(source.generated()), writing=False)
    earlier.learn(first, plan_stack(first))
    stages = plan_stack(bench.context(spec, writing=False), earlier=earlier)
    assert {one.resource.name: one.action for one in stages["secrets"]} == {name: CREATE}


def test_parameters_are_looked_for_ten_a_call_and_none_is_decrypted(bench: Bench, interruption: Interruption) -> None:
    names = [f"/{bench.stack}/{number}" for number in range(11)]
    for name in names[:10]:
        bench.ssm.put_parameter(Name=name, Value="plain", Type="SecureString")
    spec = bench.spec(*(bench.declared(f"s{index}", f"${{ssm:{name}}}") for index, name in enumerate(names)))
    called: list[str] = []
    interruption.before = called.append
    plan = planned(bench, spec, interruption=interruption)
    assert [plan["secret", bench.name(f"s{index}")].action for index in range(11)] == [CREATE] * 10 + [BLOCKED]
    assert called.count("GetParameters") == 2
    assert not {"GetParameter", "Decrypt"} & set(called)


def test_a_policy_that_names_a_role_that_does_not_exist_is_blocked(bench: Bench) -> None:
    reader = role(bench, "reader")
    spec = bench.spec(
        bench.declared("api", policy=(letting_in(reader),), kms_key=bench.alias),
        keys=(bench.key(policy=({**letting_in(reader), "Action": "kms:Decrypt"},)),),
    )
    plan = planned(bench, spec)
    key = plan["kms-key", bench.alias]
    assert key.action is BLOCKED
    assert f"role {bench.stack}-reader, whom its policy names, does not exist" in key.hindrance
    assert plan["secret", bench.name("api")].hindrance == f"needs kms-key {bench.alias}, which is blocked"
    bench.session.client("iam").create_role(
        RoleName=f"{bench.stack}-reader", AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA
    )
    plan = planned(bench, spec)
    assert plan["kms-key", bench.alias].action is CREATE
    assert plan["secret-policy", bench.name("api")].action is CREATE


def test_a_consumer_whose_role_does_not_exist_is_said_and_one_of_another_account_is_not_looked_for(
    bench: Bench,
) -> None:
    def consumer(name: str, arn: str) -> ConsumerSpec:
        principals: Any = {"role": arn}
        secrets = (bench.ref("api"),)
        return ConsumerSpec(component="secrets", name=name, type=ReaderType.APP, principals=principals, secrets=secrets)

    here, abroad = consumer("here", role(bench, "app")), consumer("abroad", "arn:aws:iam::444455556666:role/app")
    plan = planned(bench, bench.spec(bench.declared("api"), consumers=(here, abroad)))
    said = plan["consumer", "here"]
    assert said.action is BLOCKED
    assert said.hindrance.startswith(f"role {bench.stack}-app does not exist")
    assert said.lets_read == ((here.principals["role"], bench.name("api")),)
    assert ("consumer", "abroad") not in plan


@pytest.mark.parametrize("exists", [False, True])
def test_a_rotation_by_a_function_that_does_not_exist_is_blocked(bench: Bench, exists: bool) -> None:
    arn = f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}"
    if exists:
        iam = bench.session.client("iam")
        made = iam.create_role(RoleName=bench.stack, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)["Role"]["Arn"]
        bench.session.client("lambda").create_function(
            FunctionName=bench.stack,
            Runtime="python3.12",
            Role=made,
            Handler="index.handler",
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        )
    rotation = RotationSpec(lambda_arn=arn, automatically_after_days=30)
    change = planned(bench, bench.spec(bench.declared("api", rotation=rotation)))["rotation", bench.name("api")]
    assert (change.action is BLOCKED) is not exists
    assert exists or change.hindrance == f"rotation function {arn} does not exist"


def test_what_may_not_be_looked_at_stays_as_it_is_planned(bench: Bench, interruption: Interruption) -> None:
    def refuse(operation: str) -> None:
        if operation == "GetAccountAuthorizationDetails":
            raise bench.session.client("iam").exceptions.ClientError(
                {"Error": {"Code": "AccessDenied", "Message": "no"}}, operation
            )

    interruption.before = refuse
    spec = bench.spec(bench.declared("api", policy=(letting_in(role(bench, "reader")),)))
    assert planned(bench, spec, interruption=interruption)["secret-policy", bench.name("api")].action is CREATE


def test_a_stack_that_names_nothing_costs_no_call_more(bench: Bench) -> None:
    spec = bench.spec(bench.declared("api"))
    reset_calls(bench.aws)
    planned(bench, spec)
    assert not {one.operation for one in calls(bench.aws)} & {"GetAccountAuthorizationDetails", "GetParameters"}
