"""What is written of one secret at its adoption: what it had and nobody declares stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.engine.model import Unchanged
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.bench import ROTATES
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import RotationRulesTypeTypeDef

    from tests.bench import Bench

ROLE = "arn:aws:iam::111122223333:role/rotation-adopted"
THEIRS = {"Version": "2012-10-17", "Statement": [{**TLS_ONLY, "Sid": "Theirs"}]}


@pytest.fixture
def theirs(bench: Bench) -> None:
    """Somebody else's secret, with a policy, a rotation, a description and a tag."""
    lets = {"rotate": json.loads(ROTATES)}
    invoked_by = ("secretsmanager.amazonaws.com",)
    stand_in(
        bench.aws,
        [
            StandInRole(ROLE, "lambda.amazonaws.com", policies=lets),
            StandInFunction(bench.stack, ROLE, invoked_by=invoked_by),
        ],
    )
    name = bench.name("password")
    bench.secrets.create_secret(
        Name=name, SecretString="theirs", Description="theirs", Tags=[{"Key": "Team", "Value": "x"}]
    )
    bench.secrets.put_resource_policy(SecretId=name, ResourcePolicy=json.dumps(THEIRS))
    bench.secrets.rotate_secret(
        SecretId=name,
        RotationLambdaARN=f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}",
        RotationRules={"AutomaticallyAfterDays": 7},
        RotateImmediately=False,
    )


def policy(bench: Bench) -> Any:  # noqa: ANN401 - JSON
    return json.loads(bench.secrets.get_resource_policy(SecretId=bench.name("password")).get("ResourcePolicy", "null"))


def turning(bench: Bench) -> RotationRulesTypeTypeDef | None:
    about = bench.describe("password")
    return about["RotationRules"] if about["RotationEnabled"] else None


@pytest.mark.usefixtures("theirs")
def test_adoption_keeps_policy_rotation_and_value_in_that_run_and_in_each_later_one(bench: Bench) -> None:
    spec = bench.spec(bench.generated())
    for options in (ApplyOptions(adopt=("*",)), ApplyOptions(), ApplyOptions(deep=True)):
        outcomes = bench.provision(spec, options=options)
        assert policy(bench) == THEIRS
        assert turning(bench) == {"AutomaticallyAfterDays": 7}
        assert bench.value("password") == "theirs"
    assert {type(one) for one in outcomes.values()} == {Unchanged}


@pytest.mark.usefixtures("theirs")
def test_adoption_replaces_what_the_stack_declares_and_keeps_the_rest(bench: Bench) -> None:
    spec = bench.spec(bench.generated(policy=(TLS_ONLY,), description="ours"))
    bench.provision(spec, options=ApplyOptions(adopt=("*",)))
    assert [one.get("Sid") for one in policy(bench)["Statement"]] != ["Theirs"]
    assert turning(bench) == {"AutomaticallyAfterDays": 7}
    assert bench.describe("password")["Description"] == "ours"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
