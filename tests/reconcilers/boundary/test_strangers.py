"""A rotation function or key of strangers under a declared name is refused before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import pytest

from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.errors import SecretsPipelineError
from tests.applying import apply_stack

if TYPE_CHECKING:
    from tests.bench import Bench, Running

ACCOUNT = "111122223333"


def said(bench: Bench, spec: StackSpec, **how: Unpack[Running]) -> str:
    """What a whole apply is refused for; empty if it is not. The pipeline's own two keys exist before."""
    bench.service_keys(spec)
    bench.reset_calls()
    try:
        apply_stack(bench.context(spec, **how))
    except SecretsPipelineError as error:
        return error.diagnostics()
    return ""


@pytest.fixture
def foreign_alias(bench: Bench) -> str:
    """A key that somebody made by hand behind the stack's alias; its id."""
    key_id = bench.kms.create_key()["KeyMetadata"]["KeyId"]
    bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=key_id)
    return str(key_id)


@pytest.mark.usefixtures("foreign_alias")
def test_a_strangers_alias_is_refused_before_the_first_write(bench: Bench) -> None:
    text = said(bench, bench.spec(bench.declared(), keys=(bench.key(create=True),)))
    assert bench.writes() == set()
    assert f"component kms: KMS key {bench.alias} points to key" in text
    assert "declare another alias" in text


@pytest.mark.usefixtures("foreign_alias")
def test_a_strangers_key_that_the_stack_only_names_is_used_as_it_is(bench: Bench) -> None:
    assert said(bench, bench.spec(bench.declared(), keys=(bench.key(),))) == ""
    assert bench.value("api") == "declared"


def test_a_strangers_function_is_refused_before_the_first_write(bench: Bench) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/{bench.stack}"
    stand_in(bench.aws, [StandInRole(role, "lambda.amazonaws.com"), StandInFunction(bench.stack, role)])
    rotating = bench.generated(rotation=RotationSpec(managed=True, automatically_after_days=30))
    spec = bench.spec(rotating, rotation_function=RotationFunctionSpec(name=bench.stack))
    text = said(bench, spec)
    assert bench.writes() == set()
    assert f"Lambda function {bench.stack} exists without our tags" in text


def test_a_key_of_ours_whose_mark_somebody_took_away_blocks_that_key_alone(bench: Bench) -> None:
    spec = bench.create(bench.declared(), keys=(bench.key(),))
    key_id = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]
    tags = [tag["TagKey"] for tag in bench.kms.list_resource_tags(KeyId=key_id)["Tags"]]
    bench.kms.untag_resource(KeyId=key_id, TagKeys=[tag for tag in tags if tag.startswith("secrets-pipeline:")])
    assert said(bench, spec) == ""


def test_a_key_of_another_stack_whose_mark_names_no_repository_blocks_that_key_alone(bench: Bench) -> None:
    other = bench.another()
    bench.provision(other.spec(other.declared(), keys=(bench.key(create=True),)), "kms_keys")
    spec = bench.spec(bench.declared(), keys=(bench.key(create=True),))
    assert said(bench, spec, repository="r1") == ""
    assert bench.value("api") == "declared"
