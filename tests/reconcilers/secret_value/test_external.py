"""A secret whose value somebody else brings: the container is ours, the value is never written."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.rotation.model import RotationSpec, RotationStrategy
from secrets_pipeline.desired.secret.model import ReplicaSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.engine.plan import Plan
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.secret_rotation.checks import rotation_function_invokable
from secrets_pipeline.reconcilers.secret_value.checks import current_values
from secrets_pipeline.reconcilers.secret_value.strength_checks import secret_values_well_formed
from secrets_pipeline.reconcilers.tag_keys import VALUE_KEY, VALUE_VERSION
from tests.bench import ROTATES, Bench, Interruption, said

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec


ROLE = "arn:aws:iam::111122223333:role/rotation-of-others"


@pytest.fixture
def rotation_function(bench: Bench) -> str:
    """A function that Secrets Manager may invoke; its ARN."""
    stand_in(
        bench.aws,
        [
            StandInRole(ROLE, "lambda.amazonaws.com", policies={"rotate": json.loads(ROTATES)}),
            StandInFunction(bench.stack, ROLE, invoked_by=("secretsmanager.amazonaws.com",)),
        ],
    )
    return f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}"


def put(bench: Bench, value: str, key: str = "vendor") -> str:
    return bench.secrets.put_secret_value(SecretId=bench.name(key), SecretString=value)["VersionId"]


def verdict(bench: Bench, spec: StackSpec) -> tuple[Verdict, str]:
    found = {one.name: one for one in current_values(bench.context(spec, writing=False), connections=False)}
    return found[bench.name("vendor")].verdict, found[bench.name("vendor")].detail


def test_the_container_is_made_and_its_missing_value_is_said_without_a_change(bench: Bench) -> None:
    replica = ReplicaSpec(region="eu-west-1")
    spec = bench.spec(bench.external(description="of the vendor", tags={"team": "a"}, replicas=(replica,)))
    first = bench.plan(spec)[bench.name("vendor")]
    assert first.action is ChangeClass.CREATE
    assert "put-secret-value --region" in first.reason
    outcomes = bench.provision(spec)
    made = outcomes[f"secrets {bench.name('vendor')}"]
    assert isinstance(made, Applied)
    assert made.detail.startswith("without a value: aws secretsmanager put-secret-value")
    assert {type(one) for one in outcomes.values()} == {Applied}
    described = bench.describe("vendor")
    assert (described["Description"], described.get("VersionIdsToStages", {})) == ("of the vendor", {})
    assert not {VALUE_KEY, VALUE_VERSION} & bench.tags("vendor").keys()

    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert not {"PutSecretValue", "TagResource", "GetSecretValue", "UpdateSecret"} & bench.calls().keys()
    plan = Plan(plan_stack(bench.context(spec, writing=False)))
    assert not plan.differs
    (row,) = plan.rows()
    assert "has no value yet, which somebody else brings: aws secretsmanager put-secret-value" in row.reason
    assert verdict(bench, spec)[0] is Verdict.WAITING
    assert "--secret-string file://FILE" in verdict(bench, spec)[1]


def test_a_value_that_is_there_is_right_and_stays_whoever_changes_it(bench: Bench) -> None:
    spec = bench.create(bench.external())
    put(bench, "first")
    second = put(bench, "second")
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert (bench.current("vendor"), bench.value("vendor")) == (second, "second")
    assert verdict(bench, spec)[0] is Verdict.RIGHT
    assert not Plan(plan_stack(bench.context(spec, writing=False))).rows()
    (shape,) = secret_values_well_formed(bench.context(spec, writing=False))
    assert shape.verdict is Verdict.RIGHT


def test_what_is_rendered_from_it_waits_for_it_and_follows_it(bench: Bench) -> None:
    text = "key=${output.secrets.secret_values.vendor}"
    spec = bench.spec(bench.external(), bench.declared(value=text, depends_on=(bench.ref("vendor"),)))
    outcome = bench.provision(spec)[f"secrets {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert "has no value yet: aws secretsmanager put-secret-value" in outcome.reason
    put(bench, "one")
    bench.provision(spec)
    assert bench.value("api") == "key=one"
    put(bench, "two")
    bench.provision(spec)
    assert bench.value("api") == "key=two"


def test_rotation_begins_with_the_value(bench: Bench, rotation_function: str) -> None:
    turning = RotationSpec(lambda_arn=rotation_function, automatically_after_days=30)
    spec = bench.spec(bench.external(rotation=turning))
    for _ in range(2):
        outcomes = bench.provision(spec)
        assert {type(one) for one in outcomes.values()} <= {Applied, Unchanged}
        change = bench.plan(spec, "secret_rotation")[bench.name("vendor")]
        assert (change.action, said(change)) == (ChangeClass.NONE, ("begins when the secret has a value",))
    (waits,) = rotation_function_invokable(bench.context(spec, writing=False))
    assert (waits.verdict, waits.detail) == (Verdict.WAITING, "begins when the secret has a value")
    put(bench, "there")
    assert {type(one) for one in bench.provision(spec).values()} <= {Applied, Unchanged}
    assert bench.describe("vendor")["RotationEnabled"]
    assert bench.value("vendor") == "there"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_another_key_is_set_without_a_version_of_ours(bench: Bench) -> None:
    bench.create(bench.external())
    version = put(bench, "there")
    spec = bench.spec(bench.external(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    assert {type(one) for one in bench.provision(spec).values()} <= {Applied, Unchanged}
    assert (bench.current("vendor"), bench.value("vendor"), bench.versions("vendor")) == (version, "there", 1)
    assert bench.describe("vendor")["KmsKeyId"]
    assert VALUE_KEY not in bench.tags("vendor")
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_value_that_did_not_move_to_the_other_key_moves_the_secret_back(
    bench: Bench, interruption: Interruption
) -> None:
    old, new = (bench.kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    bench.create(bench.external(kms_key=old))
    put(bench, "there")

    def unusable(operation: str) -> None:
        # UpdateSecret succeeds where the old key cannot be used, and leaves versions under it.
        if operation == "UpdateSecret":
            bench.kms.disable_key(KeyId=old)

    def usable(operation: str) -> None:
        if operation == "UpdateSecret":
            bench.kms.enable_key(KeyId=old)
            interruption.before = lambda _operation: None

    interruption.before, interruption.after = unusable, usable
    moved = bench.spec(bench.external(kms_key=new))
    failed = bench.provision(moved, "secrets", interruption=interruption)[f"secrets {bench.name('vendor')}"]
    assert isinstance(failed, Failed)
    assert "was not encrypted again under" in failed.error.message
    assert (bench.describe("vendor")["KmsKeyId"], bench.value("vendor")) == (old, "there")


def test_a_secret_of_others_is_adopted_with_its_value(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("vendor"), SecretString="theirs")
    spec = bench.spec(bench.external())
    bench.provision(spec, options=ApplyOptions(adopt=("*",)))
    assert (bench.value("vendor"), bench.versions("vendor")) == ("theirs", 1)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_killed_at_any_call_the_next_run_ends_right(bench: Bench, killed: type[BaseException]) -> None:
    for boundary in itertools.count(1, 2):  # after each call
        one, strike = bench.another(), Interruption()
        spec = one.spec(one.external(tags={"team": "a"}))
        strike.kill_at(boundary)
        try:
            one.provision(spec, interruption=strike)
        except killed:
            one.provision(spec)
            assert {type(outcome) for outcome in one.provision(spec).values()} == {Unchanged}
            assert one.describe("vendor").get("VersionIdsToStages", {}) == {}
        else:
            break
    assert boundary > 4


def test_a_managed_rotation_of_a_login_that_somebody_brought_is_declared(bench: Bench) -> None:
    turning = RotationSpec(managed=True, strategy=RotationStrategy.SINGLE_USER, automatically_after_days=30)
    spec = bench.create(bench.external())
    put(bench, json.dumps({"engine": "postgres", "host": "h", "username": "u", "password": "p"}))
    rotating = bench.spec(bench.external(rotation=turning))
    assert bench.plan(rotating, "secrets")[bench.name("vendor")].action is ChangeClass.UPDATE
    assert spec.secrets[0].rotation is None
