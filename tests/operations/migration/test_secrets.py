"""Resources are joined to secrets: whatever Terraform spreads over five of them is one entry."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from secrets_pipeline.operations.migration.model import External, Found, Generated, MigratedSecret
from secrets_pipeline.operations.migration.secrets import find_secrets
from secrets_pipeline.operations.migration.state import read_state
from tests.operations.migration import terraform_state as tf

(PLAIN,) = tf.estate("fnx/dev", count=1)


def found(instances: list[tf.State]) -> Found:
    return find_secrets(read_state(json.dumps(tf.state_file(instances)).encode()))


def one_secret(instances: list[tf.State]) -> MigratedSecret:
    (secret,) = found(instances).secrets
    return secret


def changed(kind: str, **attributes: Any) -> list[tf.State]:  # noqa: ANN401 - JSON
    """The instances of one secret, one of them with other attributes."""
    instances = tf.instances([PLAIN])
    for one in instances:
        if one["type"] == kind:
            one["attributes"] |= attributes
    return instances


def test_a_secret_has_all_that_its_resources_say() -> None:
    secrets = {one.name: one for one in found(tf.instances(tf.estate("fnx/dev"))).secrets}
    assert len(secrets) == 30
    for asked in tf.estate("fnx/dev"):
        one = secrets[asked.name]
        said = (one.description, one.recovery_window_in_days, one.tags, one.policy, one.replicas)
        assert said == (asked.description, asked.recovery_window_in_days, asked.tags_all, asked.policy, asked.replicas)
        assert isinstance(one.value, Generated if asked.random else External)
        assert (one.rotation or {}).get("automatically_after_days") == (asked.rotation or {}).get(
            "automatically_after_days"
        )
        kinds = ["rotation"] * bool(asked.rotation) + ["policy"] * bool(asked.policy) + ["version"]
        assert [part.address.type.rpartition("_")[2] for part in one.parts] == kinds + ["password"] * asked.random


def test_tags_are_those_of_the_provider_too_but_never_the_pipelines() -> None:
    tags = {"Team": "x", "secrets-pipeline:stack": "old"}
    assert one_secret(changed("aws_secretsmanager_secret", tags_all=tags)).tags == {"Team": "x"}
    assert one_secret(changed("aws_secretsmanager_secret", tags_all=None, tags={"Team": "y"})).tags == {"Team": "y"}


@pytest.mark.parametrize("policy", ["", "{}", None])
def test_the_policy_of_the_secret_serves_where_no_resource_of_its_own_does(policy: str | None) -> None:
    alone = [one for one in changed("x") if one["type"] != "aws_secretsmanager_secret_policy"]
    assert one_secret(alone).policy == PLAIN.policy
    alone[1]["attributes"]["policy"] = policy
    assert one_secret(alone).policy is None


def test_a_policy_that_is_no_json_is_said_and_not_shown() -> None:
    secret = one_secret(changed("aws_secretsmanager_secret_policy", policy="${data.x}"))
    assert secret.policy is None
    assert "its policy is no JSON object in the state: plan --adopt shows what AWS has" in secret.notes


@pytest.mark.parametrize(("version", "told"), [("2012-10-17", False), ("2008-10-17", True), (None, True)])
def test_a_policy_of_an_older_version_is_said_as_its_variables_were_text(version: str | None, *, told: bool) -> None:
    policy = {**(PLAIN.policy or {}), "Version": version}
    secret = one_secret(changed("aws_secretsmanager_secret_policy", policy=json.dumps(policy)))
    assert secret.policy == policy
    assert any("another version than 2012-10-17" in note for note in secret.notes) is told


@pytest.mark.parametrize(("text", "told"), [("plain!", False), ("!env HOME", True), ("{{ .x }}", True), ("${x}", True)])
def test_a_description_that_may_be_read_as_a_reference_is_said(text: str, *, told: bool) -> None:
    secret = one_secret(changed("aws_secretsmanager_secret", description=text))
    assert (secret.description, any("its description" in note for note in secret.notes)) == (text, told)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"automatically_after_days": 0, "schedule_expression": "rate(4 hours)", "duration": ""}, "rate(4 hours)"),
        ({"automatically_after_days": None, "schedule_expression": "cron(0 8 1 * ? *)"}, "cron(0 8 1 * ? *)"),
    ],
)
def test_rotation_by_schedule(rules: dict[str, Any], said: str) -> None:
    rotation = one_secret(changed("aws_secretsmanager_secret_rotation", rotation_rules=[rules])).rotation
    assert rotation is not None
    assert rotation == {"lambda_arn": rotation["lambda_arn"], "schedule_expression": said}


def test_rotation_of_providers_before_version_5_stands_on_the_secret() -> None:
    (password, secret, version, policy, rotation) = tf.instances([PLAIN])
    secret["attributes"] |= {
        name: rotation["attributes"][name] for name in ("rotation_enabled", "rotation_lambda_arn", "rotation_rules")
    }
    old = one_secret([password, secret, version, policy]).rotation
    assert old == one_secret(tf.instances([PLAIN])).rotation


@pytest.mark.parametrize("off", [{"rotation_enabled": False}, {"rotation_rules": []}])
def test_rotation_that_is_off_is_none(off: dict[str, Any]) -> None:
    assert one_secret(changed("aws_secretsmanager_secret_rotation", **off)).rotation is None


def test_rotation_without_a_function_is_said() -> None:
    secret = one_secret(changed("aws_secretsmanager_secret_rotation", rotation_lambda_arn=""))
    assert secret.rotation is None
    assert any("AWS rotates it without a function" in note for note in secret.notes)


def test_replicas_name_their_own_key_only() -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1"
    replicas = [
        {"region": "us-east-1", "kms_key_id": "alias/aws/secretsmanager"},
        {"region": "eu-west-1", "kms_key_id": key},
    ]
    secret = one_secret(changed("aws_secretsmanager_secret", replica=replicas))
    assert secret.replicas == ({"region": "eu-west-1", "kms_key_id": key}, "us-east-1")


def test_what_no_secret_of_the_state_owns_and_what_has_no_name_is_said() -> None:
    (password, secret, version, policy, _) = tf.instances([PLAIN])
    notes = found([version, policy]).notes
    assert len(notes) == 2
    assert all("the secret fnx/dev/team-0/secret_00, which this state does not have" in note for note in notes)
    (left, *_) = found([password, {**secret, "sensitive": ["name"]}]).notes
    assert (
        left == 'aws_secretsmanager_secret.this["secret_00"]: its name or ARN is marked as sensitive, so it is left out'
    )


def test_a_sensitive_description_a_taint_and_a_strange_name_are_said() -> None:
    (password, secret, *rest) = tf.instances([replace(PLAIN, name="a/b#c", description="x")])
    secret |= {"sensitive": ["description"], "status": "tainted"}
    notes = one_secret([password, secret, *rest]).notes
    assert [note.partition(":")[0].partition(" ")[0] for note in notes] == ["tainted", "description", "the"]


def test_a_kms_key_of_the_state_is_named() -> None:
    arn = "arn:aws:kms:eu-west-2:111122223333:key/1"
    key = {"type": "aws_kms_key", "name": "secrets", "attributes": {"arn": arn, "key_id": "1"}}
    secret = one_secret([*tf.instances([replace(PLAIN, kms_key_id=arn)]), key])
    assert "its KMS key is aws_kms_key.secrets, which Terraform manages" in secret.notes


def test_parameters_are_secure_strings_only() -> None:
    parameters = found([tf.parameter("/a/b", "x"), tf.parameter("/a/c", "y", kind="String")]).parameters
    assert [(one.name, one.tags) for one in parameters] == [("/a/b", tf.DEFAULT_TAGS)]
