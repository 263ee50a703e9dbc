from __future__ import annotations

import json

import pytest

from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.desired.base import Late, SecretRef, Target
from secrets_pipeline.desired.consumer.model import ConsumerSpec, LambdaDelivery, ReaderType
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import GeneratedValue, PasswordPolicy
from secrets_pipeline.emulator import (
    StandInFunction,
    StandInNetwork,
    StandInRole,
    StandInSecret,
    StandInService,
    StandInStage,
)
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.references.model import Output
from tests.cli.conftest import EXAMPLES

HERE, THERE = "111122223333", "444455556666"
REF = SecretRef(component="secretsmanager", key="k")
ROTATING = "secretsmanager.amazonaws.com"


def rotated(by: Late) -> SecretSpec:
    policy = PasswordPolicy(length=8, alphabet={"lower": "abc"}, minima={"lower": 1})
    rotation = RotationSpec(lambda_arn=by, automatically_after_days=1)
    return SecretSpec(ref=REF, name="a/b", value=GeneratedValue(policy=policy), rotation=rotation)


def plain() -> SecretSpec:
    policy = PasswordPolicy(length=8, alphabet={"lower": "abc"}, minima={"lower": 1})
    return SecretSpec(ref=REF, name="a/b", value=GeneratedValue(policy=policy))


def spec(**parts: object) -> dict[str, StackSpec]:
    whole = {"stack": "s", "target": Target(account_id=HERE, region="eu-west-2"), **parts}
    return {"s": StackSpec.model_validate(whole)}


def test_a_reader_of_another_account_gets_its_role_there() -> None:
    role = f"arn:aws:iam::{THERE}:role/team/reports"
    consumer = ConsumerSpec(
        component="c", name="reports", type=ReaderType.LAMBDA, principals={"role": role}, secrets=(REF,)
    )
    made = {
        one.arn: one
        for one in stand_ins(spec(consumers=(consumer,), secrets=(plain(),)))
        if isinstance(one, StandInRole)
    }
    assert made[role].service == "lambda.amazonaws.com"
    assert "secret:a/b-??????" in json.dumps(made[role].policies)
    audit, inventory = f"arn:aws:iam::{THERE}:role/secrets-audit", f"arn:aws:iam::{HERE}:role/secrets-inventory"
    assert made.keys() == {role, audit, inventory}


def test_each_kind_of_reader_is_assumed_by_its_service() -> None:
    consumers = tuple(
        ConsumerSpec(
            component="c", name=kind, type=kind, principals={"role": f"arn:aws:iam::{HERE}:role/{kind}"}, secrets=(REF,)
        )
        for kind in ReaderType
    )
    made = {
        one.arn.rsplit("/", 1)[1]: one.service
        for one in stand_ins(spec(consumers=consumers, secrets=(plain(),)))
        if isinstance(one, StandInRole) and not one.arn.endswith("secrets-inventory")
    }
    assert made == {
        "ec2": "ec2.amazonaws.com",
        "lambda": "lambda.amazonaws.com",
        "ecs": "ecs-tasks.amazonaws.com",
        "eks": "pods.eks.amazonaws.com",
        "app": "ec2.amazonaws.com",
    }


def test_only_a_function_that_rotates_lets_secrets_manager_in() -> None:
    deliveries = tuple(
        LambdaDelivery(component=name, deliver=False, function_name=f"f-{name}", environment={}) for name in ("r", "w")
    )
    secret = rotated(Output("r", ("function_arn",)))
    made = stand_ins(spec(deliveries=deliveries, secrets=(secret,)))
    functions = {one.name: one for one in made if isinstance(one, StandInFunction)}
    assert functions["f-r"].invoked_by == (ROTATING,)
    assert functions["f-w"].invoked_by == ()
    assert functions["f-w"].account_id == HERE
    roles = [one.arn for one in made if isinstance(one, StandInRole)]
    assert functions["f-w"].role_arn in roles


def test_a_rotation_function_named_by_arn_is_made_where_the_arn_says() -> None:
    made = stand_ins(spec(secrets=(rotated(f"arn:aws:lambda:us-east-1:{THERE}:function:turn"),)))
    role = made[0]
    assert isinstance(role, StandInRole)
    assert f"secretsmanager:eu-west-2:{HERE}:secret:a/b-??????" in json.dumps(role.policies)
    assert made == (
        StandInRole(f"arn:aws:iam::{THERE}:role/turn", "lambda.amazonaws.com", policies=role.policies),
        StandInFunction("turn", f"arn:aws:iam::{THERE}:role/turn", (ROTATING,), account_id=THERE, region="us-east-1"),
    )


def test_an_unknown_account_is_the_default_one() -> None:
    delivery = LambdaDelivery(component="w", deliver=True, function_name="w", environment={})
    specs = spec(deliveries=(delivery,), target=Target(region="eu-west-2"))
    assert {getattr(one, "account_id", THERE) for one in stand_ins(specs, account_id=THERE)} == {THERE}


@pytest.mark.usefixtures("trusted")
def test_the_examples_stand_on_roles_functions_services_and_stages_each_once() -> None:
    made = stand_ins(open_repository(EXAMPLES).specs)
    names = [(type(one), getattr(one, "arn", None) or getattr(one, "name", None) or repr(one)) for one in made]
    assert len(set(names)) == len(names)
    kinds = {StandInRole, StandInFunction, StandInService, StandInStage, StandInSecret, StandInNetwork}
    assert {type(one) for one in made} == kinds
    assert any(one.arn.split(":")[4] != HERE for one in made if isinstance(one, StandInRole))
