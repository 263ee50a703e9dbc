"""A value that is a random password character by character is one to generate; any other stays as it is in AWS."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from secrets_pipeline.operations.migration.model import External, Generated, MigratedSecret
from tests.operations.migration import terraform_state as tf
from tests.operations.migration.test_secrets import found, one_secret

PLAIN = replace(tf.estate("fnx/dev", count=1)[0], policy=None, rotation=None)


def with_version(**attributes: Any) -> MigratedSecret:  # noqa: ANN401 - JSON
    (password, secret, version) = tf.instances([PLAIN])
    version["attributes"] |= attributes
    return one_secret([password, secret, version])


def with_password(**attributes: Any) -> MigratedSecret:  # noqa: ANN401 - JSON
    (password, secret, version) = tf.instances([PLAIN])
    password["attributes"] |= attributes
    return one_secret([password, secret, version])


def why(secret: MigratedSecret) -> str:
    assert isinstance(secret.value, External)
    return secret.value.why


def policy(secret: MigratedSecret) -> dict[str, Any]:
    assert isinstance(secret.value, Generated)
    return dict(secret.value.policy)


def test_the_password_is_found_by_its_value_and_its_rules_are_kept() -> None:
    secret = one_secret(tf.instances([PLAIN]))
    assert isinstance(secret.value, Generated)
    assert str(secret.value.source) == 'random_password.this["secret_00"]'
    assert policy(secret) == {
        "random_password_length": 24,
        "random_password_override_special": "!#%+=",
        "random_password_min_lower": 2,
        "random_password_min_upper": 0,
        "random_password_min_numeric": 0,
        "random_password_min_special": 1,
    }


def test_rules_that_are_the_projects_defaults_are_left_out() -> None:
    defaults = dict.fromkeys(("min_lower", "min_upper", "min_numeric", "min_special"), 5)
    assert policy(with_password(length=32, override_special="!#$%&*()-_=+[]{}<>:?", **defaults)) == {}


def test_the_random_providers_own_characters_are_written_out() -> None:
    assert policy(with_password(override_special=None))["random_password_override_special"] == "!@#$%&*()-_=+[]{}<>:?"


def test_a_password_without_special_characters() -> None:
    said = policy(with_password(special=False))
    assert said["random_password_special"] is False
    assert not {"random_password_override_special", "random_password_min_special"} & said.keys()


@pytest.mark.parametrize(
    "weak", [{"length": 6, "min_lower": 0, "min_special": 0}, {"override_special": "é"}, {"length": 400}]
)
def test_rules_that_this_project_refuses_are_not_written(weak: dict[str, Any]) -> None:
    secret = with_password(**weak)
    assert policy(secret) == {}
    assert any("by rules that this project refuses" in note for note in secret.notes)


@pytest.mark.parametrize("name", ["lower", "upper", "numeric", "number"])
def test_characters_that_terraform_left_out_are_said(name: str) -> None:
    absent = {"numeric": None} if name == "number" else {}
    notes = with_password(**{name: False, **absent}).notes
    assert any(f"without {'numeric' if name == 'number' else name} characters" in note for note in notes)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ({"secret_string": "another"}, "it is a text that Terraform writes, from a variable or another resource"),
        ({"secret_string": "{}"}, "it is JSON that Terraform writes, from a variable or another resource"),
        ({"secret_string": "", "secret_binary": "AAEC"}, "it is binary"),
        (
            {"secret_string": None, "has_secret_string_wo": True},
            "Terraform writes it once and does not keep it (secret_string_wo)",
        ),
        (
            {"secret_string": "", "secret_string_wo_version": 1},
            "Terraform writes it once and does not keep it (secret_string_wo)",
        ),
        ({"secret_string": None}, "Terraform has a version without a value that it keeps"),
        (
            {"secret_string": json.dumps({"username": "u", "password": PLAIN.value})},
            'it is JSON, and its key password is random_password.this["secret_00"]',
        ),
        (
            {"secret_string": json.dumps({"a-key-of-theirs": [PLAIN.value]})},
            'it is JSON, and one of its keys is random_password.this["secret_00"]',
        ),
    ],
)
def test_any_other_value_stays(version: dict[str, Any], said: str) -> None:
    assert why(with_version(**version)) == said


def test_a_container_without_a_version() -> None:
    assert why(one_secret([tf.instances([PLAIN])[1]])) == "Terraform writes no value: somebody else does"


def test_a_value_that_terraform_makes_of_a_key() -> None:
    (_, secret, version) = tf.instances([PLAIN])
    version["dependencies"] = ["module.a.tls_private_key.x", "aws_secretsmanager_secret.this"]
    assert why(one_secret([secret, version])) == "Terraform makes it of module.a.tls_private_key.x"


def test_the_current_version_counts() -> None:
    (password, secret, version) = tf.instances([PLAIN])
    old = {
        **version,
        "name": "old",
        "attributes": {**version["attributes"], "secret_string": "x", "version_stages": []},
    }
    assert isinstance(one_secret([password, secret, version, old]).value, Generated)


def test_of_two_equal_passwords_the_one_that_the_version_depends_on_is_taken() -> None:
    (password, secret, version) = tf.instances([PLAIN])
    value = one_secret([{**password, "name": "twin"}, password, secret, version]).value
    assert isinstance(value, Generated)
    assert value.source.name == "this"


def test_whoever_else_uses_a_password_is_said() -> None:
    instances = [{**one, "key": None} for one in tf.instances([PLAIN])]
    database = {"type": "aws_db_instance", "name": "main", "attributes": {}, "dependencies": ["random_password.this"]}
    (secret,) = found([*instances, database]).secrets
    said = "its password, random_password.this, is used by aws_db_instance.main too: a rotation does not reach these"
    assert said in secret.notes


def test_two_secrets_with_one_password_name_each_other() -> None:
    twin = replace(PLAIN, key="twin", name="fnx/dev/twin", arn=PLAIN.arn.replace("secret_00", "twin"))
    (first, _) = found([*tf.instances([PLAIN]), *tf.instances([twin])[1:]]).secrets
    assert any('is used by aws_secretsmanager_secret_version.this["twin"] too' in note for note in first.notes)
