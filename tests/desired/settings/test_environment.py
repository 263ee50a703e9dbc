"""Values of the environment are secret: they stand inside of a secret's value, unless the operator calls one plain."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from secrets_pipeline.desired.build import SpecSet, build_specs
from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.errors import SpecError
from secrets_pipeline.references.model import Environment
from secrets_pipeline.stacks import AtmosRepository
from tests.desired.conftest import ATMOS, Bench

CANARY = "canary-7d1e"
ROLE = "arn:aws:iam::111122223333:role/orders"
STACK = """\
name: dev
settings: {{secrets_pipeline: {{dialect: tf-atmos, create: true}}}}
vars: {{context_name: shop, token: {token}, {shared}}}
components:
  terraform:
    secretsmanager:
      vars:
        create_kms_key: true
        secrets:
          one: {{generate_random_password: true, {one}}}
          two: {{secret_data: {{v: {value}}}}}
        {component}
    {more}
"""
WAYS = ('"${env:TOKEN}"', '"${token}"', "!env TOKEN", '"x-${env:TOKEN}"', "\"${env:TOKEN | default('d')}\"")
PLACES = {
    "description": ("one", "description: @"),
    "name": ("one", "name: @"),
    "path": ("one", "path: @"),
    "tag": ("one", "tags: {a: @}"),
    "policy": ("one", "policy: {Statement: [{Effect: Deny, Principal: '*', Action: '*', Resource: @}]}"),
    "rotation": ("one", "rotation: {managed: true, automatically_after_days: @}"),
    "length": ("component", "random_password_length: @"),
    "key": ("component", "default_kms_key_id: @"),
    "role": ("component", "consumers: {o: {type: app, role_arn: @, secrets: [one]}}"),
    "refresh": (
        "component",
        (
            f"consumers: {{o: {{type: ec2, role_arn: '{ROLE}', secrets: [one], refresh: {{ssm_document: R, targets: "
            "{'tag:Role': [o]}, parameters: {A: @}}}}"
        ),
    ),
    "alias": ("more", "kms: {vars: {alias: @}}"),
    "key policy": ("more", "kms: {vars: {alias: alias/x, policy: {Statement: [{Sid: @}]}}}"),
    "database": ("more", "rds: {vars: {identifier: db, engine: postgres, username: @}}"),
    "size of a database": ("more", "rds: {vars: {identifier: db, engine: postgres, instance_class: @}}"),
    "delivery": (
        "more",
        (
            "lambda: {settings: {secrets_pipeline: {deliver: true}}, vars: {function_name: f, environment_variables: "
            "{A: @}}}"
        ),
    ),
    "name of a function": ("more", "lambda: {settings: {secrets_pipeline: {refresh: true}}, vars: {function_name: @}}"),
    "stage variable": (
        "more",
        (
            "apigateway: {settings: {secrets_pipeline: {deliver: true}}, vars: {api_name: a, stage_name: s, "
            "stage_variables: {A: @}}}"
        ),
    ),
}


def built(bench: Bench, *, way: str = "x", place: str | None = None, value: str = "y") -> SpecSet:
    """A stack as it is read with the environment's variables, of which templates and `!env` see the plain ones."""
    parts = dict.fromkeys(("shared", "one", "component", "more"), "")
    if place is not None:
        part, text = PLACES[place]
        parts[part] = text.replace("@", way)
    (bench.folder / "stacks").mkdir()
    (bench.folder / "atmos.yaml").write_text(ATMOS)
    (bench.folder / "stacks" / "dev.yaml").write_text(
        dedent(STACK.format(**parts, token='"${env:TOKEN}"', value=value))
    )
    plain = {name: bench.environment.get(name) for name in bench.settings.environment_plain}
    source = AtmosRepository.open(bench.folder, env=plain, withhold=True)
    return build_specs(source, bench.settings, base_path=bench.folder, environment=bench.environment)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES)
def test_a_variable_at_a_plain_sink_is_an_error_with_place_and_remedy(bench: Bench, place: str, way: str) -> None:
    bench.allow("TOKEN")
    bench.environment = {"TOKEN": CANARY}
    found = built(bench, way=way, place=place)
    texts = [error.diagnostics() for error in found.errors["dev"]]
    refused = [one for one in texts if "environment variable TOKEN is secret and must not be used here" in one]
    assert refused, texts
    assert all("stacks/dev.yaml" in one and ", key " in one for one in refused)
    assert all("{name: TOKEN, secret: false}" in one for one in refused)
    assert not any(CANARY in one for one in texts)
    assert CANARY not in repr(found.specs)


@pytest.mark.parametrize("way", ['"${env:TOKEN}"', '"${token}"', "!env TOKEN"])
def test_inside_of_a_secrets_value_it_stands_and_is_resolved_late(bench: Bench, way: str) -> None:
    bench.allow("TOKEN")
    bench.environment = {"TOKEN": CANARY}
    found = built(bench, value=way)
    assert not found.errors
    assert CANARY not in repr(found.specs)
    (leaf,) = next(one.value for one in found.specs["dev"].secrets if one.ref.key == "two").leaves  # type: ignore[union-attr] # it is declared
    source = AtmosRepository.open(bench.folder, env={}, withhold=True)
    assert leaf_expression(source.stack("dev"), "secretsmanager", leaf) == Environment("TOKEN")


@pytest.mark.parametrize("way", ['"${env:TOKEN}"', '"x-${env:TOKEN}"', "!env TOKEN"])
def test_one_that_the_operator_calls_plain_may_stand_anywhere(bench: Bench, way: str) -> None:
    bench.allow({"name": "TOKEN", "secret": False})
    bench.environment = {"TOKEN": "blue"}
    found = built(bench, way=way, place="description")
    assert not found.errors
    assert "blue" in next(one.description or "" for one in found.specs["dev"].secrets if one.ref.key == "one")


def test_one_that_is_not_allowed_stands_nowhere(bench: Bench) -> None:
    bench.environment = {"TOKEN": CANARY}
    found = built(bench, way='"${env:TOKEN}"', place="description")
    (problem,) = next(one for one in found.specs["dev"].secrets if one.ref.key == "one").unresolved
    assert "environment variable TOKEN is not allowed" in problem.diagnostics()
    assert CANARY not in repr(found)


@pytest.mark.parametrize(
    ("text", "allowed", "plain"),
    [
        ("[A, B]", {"A", "B"}, set()),
        ("[A, {name: B, secret: false}]", {"A", "B"}, {"B"}),
        ("[{name: A}, {name: B, secret: true}]", {"A", "B"}, set()),
        ("[A, {name: A, secret: false}]", {"A"}, set()),
        ("[]", set(), set()),
    ],
)
def test_each_entry_of_the_operator_is_secret_unless_it_says_otherwise(
    tmp_path: Path, text: str, allowed: set[str], plain: set[str]
) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text(f"environment_allowed: {text}\n")
    found = load_settings(file)
    assert found.environment_allowed == allowed
    assert found.environment_plain == plain


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A", "key environment_allowed: this setting is wrong: it should be a list"),
        ("[7]", "key environment_allowed.0: this setting is wrong: it should be a map"),
        ("[A=B]", "key environment_allowed.0: this setting is wrong: String should match"),
        ("[{secret: false}]", "key environment_allowed.0.name: this setting is wrong: it is missing"),
        (
            "[{name: A, plain: true}]",
            "key environment_allowed.0.plain: unknown key plain\n  Keys of environment_allowed: ",
        ),
    ],
)
def test_a_wrong_entry_is_an_error_that_names_it(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text(f"environment_allowed: {text}\n")
    with pytest.raises(SpecError) as caught:
        load_settings(file)
    assert f"operator.yaml:1, {problem}" in str(caught.value)
