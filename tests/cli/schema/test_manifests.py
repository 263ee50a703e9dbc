"""The schema against manifests: what is legal passes, and a mistake that it shows is one that a reader refuses."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any, Final

import pytest
import re2
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # no stubs among our pins

from secrets_pipeline.cli.schema.document import manifest_schema
from secrets_pipeline.stacks import AtmosRepository
from tests.cli.schema.manifests import ATMOS, ROOT, Read, complaints, in_atmos, in_editor, manifests, parsed, plain
from tests.desired.conftest import Bench
from tests.desired.one_stack import build_spec
from tests.desired.test_wrong_types import SETTINGS, Place, errors_of, mistaken, mistakes
from tests.sweep import SEED, size

READS: Final = (in_editor, in_atmos)
GOOD: Final = """
settings:
  secrets_pipeline: {self_heal: true, verification: {cron: "0 6 * * *"}}
vars: {context_name: shop, environment: dev, region: eu-west-2}
components:
  terraform:
    secretsmanager:
      vars:
        create_kms_key: true
        default_rotation_days: 30
        random_password_length: 40
        unknown_to_us: {to: Terraform}
        secrets:
          one:
            generate_random_password: true
            type: api-key
            recovery_window_in_days: 7
            tags: {Team: orders, Cost: 7}
            replica_regions: [eu-west-1, {region: eu-central-1}]
            rotation: {managed: true, automatically_after_days: 30}
          two: {secret_data: {host: db, password: "fL9%vQ2!"}, policy: {Statement: []}}
        consumers:
          app: {type: app, role_arn: "arn:aws:iam::111122223333:role/app", secrets: [two]}
    kms: {settings: {secrets_pipeline: {create: true}}, vars: {alias: shop, enable_key_rotation: true}}
    rds:
      settings: {secrets_pipeline: {create: true}}
      vars: {engine: postgres, username: app, manage_master_user_password: true, allocated_storage: 20, multi_az: false}
    lambda:
      settings: {secrets_pipeline: {deliver: true}}
      vars: {function_name: worker, environment_variables: {A: b}}
    vpc: {vars: {secrets: {one: 7}, create_kms_key: maybe}}
"""
VARS: Final = ("components", "terraform", "secretsmanager", "vars")
ONE: Final = (*VARS, "secrets", "one")
OWN: Final = ("settings", "secrets_pipeline")
MISTAKES: Final[tuple[tuple[Place, object], ...]] = (
    ((*ONE, "generate_random_pasword"), True),
    ((*ONE, "secret_string"), "x"),
    ((*ONE, "generate_random_password"), "maybe"),
    ((*ONE, "generate_random_password"), 1),
    ((*ONE, "type"), "apikey"),
    ((*ONE, "type"), 7),
    ((*ONE, "description"), 7),
    ((*ONE, "description"), ["x"]),
    ((*ONE, "recovery_window_in_days"), 31),
    ((*ONE, "recovery_window_in_days"), "soon"),
    ((*ONE, "recovery_window_in_days"), [7]),
    ((*ONE, "tags", "Team"), ["orders"]),
    ((*ONE, "tags"), ["Team"]),
    ((*ONE, "replica_regions"), {"region": "eu-west-1"}),
    ((*ONE, "replica_regions", 1, "zone"), "a"),
    ((*ONE, "rotation", "manged"), True),
    ((*ONE, "rotation", "automatically_after_days"), 1001),
    ((*ONE, "rotation"), True),
    ((*ONE, "kms_key_id"), {"alias": "x"}),
    ((*ONE, "password_length"), 4),
    (ONE, "generated"),
    (ONE, ["x"]),
    ((*VARS, "secrets", "two", "secret_data"), 7),
    ((*VARS, "secrets", "two", "secret_data"), ["x"]),
    ((*VARS, "secrets", "two", "policy"), 7),
    ((*VARS, "secrets", "two", "value"), "internal"),
    ((*VARS, "secrets"), ["one"]),
    ((*VARS, "create_kms_key"), "maybe"),
    ((*VARS, "default_rotation_days"), 366),
    ((*VARS, "random_password_length"), 7),
    ((*VARS, "secrets_enabled"), "perhaps"),
    ((*VARS, "consumers", "app", "type"), "lamda"),
    ((*VARS, "consumers", "app", "role"), "x"),
    ((*VARS, "consumers", "app", "secrets"), "two"),
    ((*VARS, "consumers", "app", "assumed_by"), 7),
    ((*VARS, "consumers", "app", "refresh"), {"document": "x"}),
    ((*VARS, "consumers", "app"), "x"),
    (("components", "terraform", "app"), {"metadata": {"component": "secretsmanager/v2"}, "vars": {"secrets": [7]}}),
    (("components", "terraform", "app"), {"component": "secretsmanager", "vars": {"secrets": {"three": {"typo": 1}}}}),
    ((*OWN, "self_heal"), "maybe"),
    ((*OWN, "verification", "crn"), "x"),
    ((*OWN, "verification", "cron"), 6),
    ((*OWN, "rotation_function"), {"subnets": []}),
    ((*OWN, "components"), {"x": "secretmanager"}),
    ((*OWN, "organization_id"), "mine"),
    ((*OWN, "plaintext_allowed"), 7),
    (("components", "terraform", "kms", "vars", "enable_key_rotation"), 7),
    (("components", "terraform", "kms", "vars", "rotation_period_in_days"), 30),
    (("components", "terraform", "rds", "vars", "allocated_storage"), 0),
    (("components", "terraform", "rds", "vars", "multi_az"), "no"),
    (("components", "terraform", "rds", "vars", "vpc_security_group_ids"), 7),
    (("components", "terraform", "lambda", "vars", "environment_variables"), ["A"]),
    (("components", "terraform", "lambda", "vars", "environment_variables", "A"), {"b": "c"}),
)
"""Place, and the mistake that stands there."""
LEGAL: Final[tuple[tuple[Place, object], ...]] = (
    ((*ONE, "generate_random_password"), "true"),
    ((*ONE, "recovery_window_in_days"), "30"),
    ((*ONE, "description"), None),
    ((*ONE, "secret_string_version"), 3),
    ((*ONE, "min_lower"), 4),
    (("components", "terraform", "kms", "vars"), {"alias_name": "shop"}),
    ((*VARS, "secrets", "two", "secret_data"), {"deep": [{"er": 1}]}),
    ((*VARS, "secrets", "two", "policy"), '{"Statement": []}'),
    ((*VARS, "secrets", "two", "value"), None),
    ((*VARS, "account_id"), "111122223333"),
    ((*VARS, "secretz"), 7),
    ((*VARS, "enabled"), False),
    ((*OWN, "protect"), [1]),
    (("components", "terraform", "vpc", "settings"), {"secrets_pipeline": {"components": {"vpc": "ignore"}}}),
    (("components", "terraform", "secretsmanager", "metadata"), {"component": "secretsmanager/other"}),
    (("components", "terraform", "rds/other"), {"vars": {"engine": 7, "port": {"a": "b"}}}),
    (("components", "terraform", "secretsmanager/off"), {"metadata": {"enabled": False}, "vars": {"secrets": 7}}),
    (("components", "terraform", "secretsmanager/vpc"), {"metadata": {"component": "vpc"}, "vars": {"secrets": 7}}),
    (("components", "terraform", "secretsmanager/vpc"), {"component": "vpc", "vars": {"secrets": 7}}),
    (("components", "terraform", "vpc", "metadata"), {"inherits": ["secretsmanager"], "component": "network"}),
    (("components", "terraform", "kms", "settings", "secrets_pipeline", "create"), None),
)


def changed(at: Place, value: object) -> dict[str, Any]:
    """`GOOD` with another value at a place."""
    manifest: dict[str, Any] = copy.deepcopy(parsed(GOOD))
    node: Any = manifest
    for step in at[:-1]:
        node = node.setdefault(step, {}) if isinstance(node, dict) else node[step]
    node[at[-1]] = value
    return manifest


def test_the_schema_is_one_of_the_draft_that_it_names() -> None:
    Draft202012Validator.check_schema(manifest_schema())


def test_a_second_name_of_a_key_passes_but_no_editor_proposes_it() -> None:
    """A `deprecationMessage` would have VS Code complain: it is JSON Schema's `deprecated` that says nothing."""
    models = manifest_schema()["$defs"]
    hidden = {
        f"{name}.{key}": one
        for name, model in models.items()
        for key, one in model.get("properties", {}).items()
        if str(one.get("description", "")).startswith("Same as ")
    }
    assert {"KmsVariables.alias_name", "SecretEntry.min_lower", "InjectedSecret.value_from"} <= hidden.keys()
    for one in hidden.values():
        assert (one["deprecated"], one["doNotSuggest"], "deprecationMessage" in one) == (True, True, False)
    proposed = models["KmsVariables"]["properties"]["alias"]
    assert "doNotSuggest" not in proposed


def test_its_patterns_are_those_that_atmos_compiles_too() -> None:
    def patterns(node: object) -> set[str]:
        if isinstance(node, list):
            return {found for one in node for found in patterns(one)}
        if not isinstance(node, dict):
            return set()
        own = {node["pattern"]} if isinstance(node.get("pattern"), str) else set()
        named = set(node["patternProperties"]) if isinstance(node.get("patternProperties"), dict) else set()
        return {*own, *named, *patterns(list(node.values()))}

    found = patterns(manifest_schema())
    assert len(found) > 5
    for one in found:
        re2.compile(one)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("path", manifests(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_manifest_of_the_examples_and_fixtures_meets_it_alone_and_beside_that_of_atmos(
    path: Path, read: Read
) -> None:
    manifest = parsed(path.read_text(), read)
    assert not complaints(manifest)
    assert not complaints(manifest, ATMOS.name)


def test_beside_that_of_atmos_both_have_their_say() -> None:
    manifest = changed(("components", "terraform", "vpc", "varz"), {})
    assert not complaints(manifest)
    assert any("varz" in one for one in complaints(manifest, ATMOS.name))
    manifest = changed((*ONE, "typ"), "x")
    assert any("'typ' was unexpected" in one for one in complaints(manifest, ATMOS.name))


@pytest.mark.parametrize(
    ("at", "value"), MISTAKES, ids=lambda one: str(one[-1]) if isinstance(one, tuple) else str(one)
)
def test_a_mistake_is_refused_by_the_reader_and_by_the_schema(at: Place, value: object, tmp_path: Path) -> None:
    manifest = changed(at, value)
    assert complaints(manifest)
    assert Bench(tmp_path).errors(yaml.safe_dump(manifest))


@pytest.mark.parametrize(("at", "value"), LEGAL, ids=lambda one: str(one[-1]) if isinstance(one, tuple) else str(one))
def test_what_is_legal_is_taken_by_the_reader_and_by_the_schema(at: Place, value: object, tmp_path: Path) -> None:
    manifest = changed(at, value)
    assert not complaints(manifest)
    assert not Bench(tmp_path).errors(yaml.safe_dump(manifest, sort_keys=False))


@pytest.mark.parametrize(
    "function",
    [
        "!terraform.state rds port",
        "!env DAYS",
        "!secret KEY",
        "!include x.yaml",
        "!aws.region",
        "{{ .vars.x }}",
        "${x}",
    ],
)
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    "key",
    ["generate_random_password", "recovery_window_in_days", "type", "tags", "rotation", "replica_regions", "policy"],
)
def test_where_a_function_a_template_or_a_reference_stands_nothing_is_wrong(
    function: str, key: str, read: Read
) -> None:
    value = function if function.startswith("!") else f'"{function}"'
    text = f"components: {{terraform: {{secretsmanager: {{vars: {{secrets: {{a: {{{key}: {value} }}}}}}}}}}}}"
    assert not complaints(parsed(text, read))


@pytest.mark.parametrize(
    ("repository", "name", "sampled"), [("tests/fixtures/aurora", "shop-dev", 600), ("examples", "myapp-prod", 200)]
)
def test_what_the_schema_refuses_of_a_value_of_another_type_the_reader_refuses_too(
    repository: str, name: str, sampled: int
) -> None:
    source = AtmosRepository.open(ROOT / repository, env={})
    stacks = source.resolve().stacks
    ours = build_spec(stacks[name], source.locate, SETTINGS, stacks=stacks).components
    cases = [case for case in mistakes(stacks[name]) if case[0] in ours]
    chosen = random.Random(SEED)  # noqa: S311 - of test cases
    refused = 0
    for component, at, other in chosen.sample(cases, min(size(sampled, len(cases)), len(cases))):
        stack = mistaken(stacks[name], component, at, other)
        sections = stack.components["terraform"][component].resolved
        own = {section: plain(sections.get(section)) for section in ("vars", "settings", "metadata")}
        found = complaints({"components": {"terraform": {component: own}}})
        if found:
            refused += 1
            told = errors_of(stack, source.locate, {**stacks, name: stack}, at)
            assert told, f"{component} {at} {other!r}: {found}"
    assert refused > sampled / 20
