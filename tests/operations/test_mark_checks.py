"""A mark that does not verify is a finding of its own, whatever carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.secret.model import ReplicaSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.operations.mark_checks import marks_verify
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, KEY, SPEC, STACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench import Bench, Interruption

RANDOM = RotationSpec(managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30)


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    """A stack with one of everything that carries a mark."""
    return bench.create(
        bench.generated(),
        bench.generated("rotated", rotation=RANDOM),
        keys=(bench.key(),),
        databases=(bench.database(),),
        rotation_function=RotationFunctionSpec(name=f"{bench.stack}-rotation"),
    )


def wrong(bench: Bench, spec: StackSpec, **how: Any) -> dict[str, str]:  # noqa: ANN401 - as `Bench.context` takes it
    return {one.name: one.detail for one in found(bench, spec, **how) if one.verdict is Verdict.WRONG}


def found(bench: Bench, spec: StackSpec, **how: Any) -> list[Finding]:  # noqa: ANN401 - as `Bench.context` takes it
    return marks_verify(bench.context(spec, writing=False, **how))


def of_secret(bench: Bench) -> str:
    bench.secrets.untag_resource(SecretId=bench.name("password"), TagKeys=[SPEC])
    return f"secret {bench.name('password')}"


def of_a_secret_that_is_nobodys(bench: Bench) -> str:
    bench.secrets.create_secret(Name=bench.name("copied"), SecretString="x", Tags=tag_list(bench.tags("password")))
    return f"secret {bench.name('copied')}"


def of_key(bench: Bench) -> str:
    key = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]
    bench.kms.tag_resource(KeyId=key, Tags=[{"TagKey": STACK, "TagValue": "another"}])
    return f"key {bench.alias}"


def of_database(bench: Bench) -> str:
    arn = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]["DBInstanceArn"]
    bench.rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": COMPONENT, "Value": "another"}])
    return f"database {bench.stack}"


def of_function(bench: Bench) -> str:
    client = bench.session.client("lambda")
    arn = client.get_function(FunctionName=f"{bench.stack}-rotation")["Configuration"]["FunctionArn"]
    client.untag_resource(Resource=arn, TagKeys=[STACK])
    return f"function {bench.stack}-rotation"


def test_marks_that_verify_are_right_and_what_carries_none_is_left_out(bench: Bench, spec: StackSpec) -> None:
    bench.secrets.create_secret(Name=bench.name("theirs"), SecretString="x")
    wanted = spec.model_copy(update={"secrets": (*spec.secrets, bench.declared("theirs"))})
    names = {f"secret {bench.name('password')}", f"secret {bench.name('rotated')}", f"key {bench.alias}"}
    names |= {f"database {bench.stack}", f"function {bench.stack}-rotation"}
    seen = found(bench, wanted)
    assert {one.name for one in seen} == names
    assert {one.verdict for one in seen} == {Verdict.RIGHT}


@pytest.mark.parametrize("tamper", [of_secret, of_a_secret_that_is_nobodys, of_key, of_database, of_function])
def test_whatever_somebody_tampers_with_is_wrong_and_blocked(
    bench: Bench, spec: StackSpec, tamper: Callable[[Bench], str]
) -> None:
    name = tamper(bench)
    assert list(wrong(bench, spec)) == [name]
    stage = {"secret": "secrets", "key": "kms_keys", "database": "rds_instances", "function": "rotation_functions"}
    noun, _, own = name.partition(" ")
    assert bench.plan(spec, stage[noun])[own].action is ChangeClass.BLOCKED


def test_a_fingerprint_key_that_proves_nothing_is_said_before_all_that_it_does_not_prove(bench: Bench) -> None:
    spec = bench.create(bench.declared("a", "1"), bench.declared("b", "2"))
    other = bench.kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    settings = OperatorSettings(fingerprint_key=other)
    said = wrong(bench, spec, settings=settings)
    assert list(said) == [f"KMS key {other}", f"secret {bench.name('a')}", f"secret {bench.name('b')}"]
    assert "verifies none of 2 marks" in said[f"KMS key {other}"]
    for change in bench.plan(spec, settings=settings).values():
        assert change.action is ChangeClass.BLOCKED
        assert f"KMS key {other} proves no mark of the stack: check fingerprint_key" in change.reason


def test_a_key_that_nobody_could_ask_is_not_said_to_verify_none(
    bench: Bench, spec: StackSpec, interruption: Interruption
) -> None:
    def throttle(operation: str) -> None:
        if operation == "GenerateMac":
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, operation)

    interruption.before = throttle
    seen = found(bench, spec, interruption=interruption)
    assert {one.verdict for one in seen} == {Verdict.UNKNOWN}
    assert not [one.name for one in seen if one.name.startswith("KMS key")]


def test_a_replica_bears_the_mark_of_its_primary_and_is_no_forgery(bench: Bench) -> None:
    spec = bench.create(bench.declared(replicas=(ReplicaSpec(region="eu-west-1"),)))
    assert wrong(bench, spec) == {}
    there = bench.session.client("secretsmanager", region_name="eu-west-1")
    copied = {one["Key"] for one in there.describe_secret(SecretId=bench.name("api"))["Tags"]}
    assert {STACK, KEY, SPEC} <= copied
    target = spec.target.model_copy(update={"region": "eu-west-1"})
    assert wrong(bench, spec.model_copy(update={"target": target})) == {}
