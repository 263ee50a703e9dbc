"""Secrets that `secrets:` sections declare: which are the stack's own, what they are called, and how they are made.

The sections are those of https://atmos.tools/cli/configuration/secrets and of Atmos's scenario `aws-secrets-floci`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue, ExternalValue, GeneratedValue
from secrets_pipeline.references.model import Output
from secrets_pipeline.stacks import AtmosRepository, SourceChoice, open_source
from tests.desired.conftest import ATMOS, HERE, Bench

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.desired.stack import StackSpec

STORES = """\
stores:
  secrets/asm: {kind: aws/asm, secret: true, identity: admin, options: {region: eu-west-2, prefix: team}}
  secrets/ssm: {kind: aws/ssm, secret: true, options: {region: eu-west-2, prefix: /team}}
  asm-open: {kind: aws/asm, options: {region: eu-west-2}}
  far: {kind: aws/asm, secret: true, options: {region: us-east-1}}
  vault: {kind: hashicorp/vault, secret: true, options: {url: https://vault.example.com}}
"""
STACK = """
name: plat-prod-ue1
vars: {region: eu-west-2, stage: prod}
secrets:
  vars:
    STACK_TOKEN: {description: Shared by all, store: secrets/asm, required: true}
    SSM_TOKEN: {store: secrets/ssm}
components:
  terraform:
    vpc/flow-logs:
      settings:
        secrets_pipeline:
          secret_defaults: {recovery_window_in_days: 14, tags: {Team: net}}
          secrets:
            API_KEY: {generate_random_password: true, random_password_length: 40}
            CONFIG: {secret_data: {key: !secret API_KEY, host: example.com}}
      secrets:
        vars:
          API_KEY: {description: For the logs, store: secrets/asm}
          CONFIG: {store: secrets/asm, required: true}
          VENDOR: {store: secrets/asm}
          ANYWHERE: {store: secrets/asm, scope: global}
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A repository with stores."""
    monkeypatch.setattr("tests.desired.conftest.ATMOS", ATMOS + STORES)
    return Bench(tmp_path)


def built(bench: Bench, text: str = STACK) -> StackSpec:
    found = bench.build(dev=text)
    assert not found.errors, "\n".join(e.diagnostics() for errors in found.errors.values() for e in errors)
    return next(iter(found.specs.values()))


def by_name(spec: StackSpec) -> dict[str, SecretSpec]:
    return {secret.name: secret for secret in spec.secrets}


def test_each_declaration_in_secrets_manager_is_a_secret_under_the_name_that_atmos_gives_it(bench: Bench) -> None:
    spec = built(bench)
    assert {name: str(secret.ref) for name, secret in by_name(spec).items()} == {
        "team/plat/prod/ue1/STACK_TOKEN": "secrets#STACK_TOKEN",
        "team/plat/prod/ue1/vpc/flow-logs/API_KEY": "vpc/flow-logs/secrets#API_KEY",
        "team/plat/prod/ue1/vpc/flow-logs/CONFIG": "vpc/flow-logs/secrets#CONFIG",
        "team/plat/prod/ue1/vpc/flow-logs/VENDOR": "vpc/flow-logs/secrets#VENDOR",
    }
    assert spec.protected


def test_settings_say_how_a_value_is_made_and_else_somebody_brings_it(bench: Bench) -> None:
    found = {secret.ref.key: secret for secret in built(bench).secrets}
    value = found["API_KEY"].value
    assert isinstance(value, GeneratedValue)
    assert value.policy.length == 40
    assert isinstance(found["CONFIG"].value, DeclaredValue)
    assert isinstance(found["VENDOR"].value, ExternalValue)
    assert isinstance(found["STACK_TOKEN"].value, ExternalValue)
    assert (found["API_KEY"].description, found["STACK_TOKEN"].description) == ("For the logs", "Shared by all")
    assert (found["API_KEY"].recovery_window_in_days, found["API_KEY"].tags) == (14, {"Team": "net"})


def test_defaults_of_one_component_do_not_hold_for_what_the_root_declares(bench: Bench) -> None:
    text = STACK + "    other: {}\n"
    found = {secret.ref.key: secret for secret in built(bench, text).secrets}
    assert (found["STACK_TOKEN"].recovery_window_in_days, found["STACK_TOKEN"].tags) == (30, {})
    everywhere = "settings: {secrets_pipeline: {secret_defaults: {kms_key_id: alias/team}}}"
    found = {secret.ref.key: secret for secret in built(bench, text + everywhere).secrets}
    assert (found["STACK_TOKEN"].kms_key, found["API_KEY"].kms_key) == ("alias/team", "alias/team")


def test_a_required_secret_knows_what_atmos_calls_it(bench: Bench) -> None:
    found = {secret.ref.key: secret.required_as for secret in built(bench).secrets}
    assert found == {
        "STACK_TOKEN": "STACK_TOKEN (secrets/asm)",
        "CONFIG": "CONFIG (secrets/asm)",
        "API_KEY": "",
        "VENDOR": "",
    }


def test_a_value_that_is_rendered_from_another_comes_after_it(bench: Bench) -> None:
    spec = built(bench)
    names = [secret.ref.key for secret in spec.secrets]
    assert names.index("API_KEY") < names.index("CONFIG")
    config = next(secret for secret in spec.secrets if secret.ref.key == "CONFIG")
    assert config.depends_on == (SecretRef(component="vpc/flow-logs/secrets", key="API_KEY"),)
    stack = AtmosRepository.open(bench.folder, env={}).stack("plat-prod-ue1")
    assert isinstance(config.value, DeclaredValue)
    leaf = leaf_expression(stack, config.ref.component, config.value.leaves[0])
    assert leaf == Output("vpc/flow-logs/secrets", ("secret_values", "API_KEY"))


def test_a_place_is_where_the_yaml_says_it(bench: Bench) -> None:
    text = STACK.replace("random_password_length: 40", "random_password_length: 2")
    errors = [one.diagnostics() for one in bench.build(dev=text).errors["plat-prod-ue1"]]
    assert len(errors) == 1
    assert "component vpc/flow-logs, key settings.secrets_pipeline.secrets.API_KEY.random_password_length" in errors[0]
    assert "dev.yaml:15" in errors[0]


def test_what_all_stacks_share_belongs_to_the_one_whose_settings_name_it(bench: Bench) -> None:
    text = STACK.replace(
        "secrets:\n            API_KEY", "secrets:\n            ANYWHERE: {type: generic}\n            API_KEY"
    )
    spec = built(bench, text)
    assert str(by_name(spec)["team/ANYWHERE"].ref) == "secrets#ANYWHERE"


def test_consumers_read_what_their_component_and_its_stack_declare(bench: Bench) -> None:
    role = "arn:aws:iam::111122223333:role/logs"
    consumers = f"consumers: {{logs: {{type: app, role_arn: '{role}', secrets: [API_KEY, STACK_TOKEN]}}}}"
    spec = built(bench, STACK.replace("secret_defaults:", f"{consumers}\n          secret_defaults:"))
    read = {str(ref) for consumer in spec.consumers for ref in consumer.secrets}
    assert read == {"vpc/flow-logs/secrets#API_KEY", "secrets#STACK_TOKEN"}
    assert {consumer.name for consumer in spec.consumers} == {"logs"}


@pytest.mark.parametrize(
    ("store", "why"),
    [
        ("asm-open", "store asm-open is not a secret store"),
        ("far", "store far is in us-east-1, and the stack lives in eu-west-2"),
        ("nowhere", "store nowhere is not configured in atmos.yaml"),
    ],
)
def test_what_cannot_be_managed_is_said_and_left_alone(bench: Bench, store: str, why: str) -> None:
    found = bench.build(dev=STACK.replace("VENDOR: {store: secrets/asm}", f"VENDOR: {{store: {store}}}"))
    assert not found.errors
    assert "VENDOR" not in {secret.ref.key for secret in found.specs["plat-prod-ue1"].secrets}
    assert any(f"secret VENDOR of component vpc/flow-logs is not managed here: {why}" in one for one in found.notices)


def test_what_one_cause_keeps_from_being_managed_is_said_once(bench: Bench) -> None:
    many = "\n".join(f"          V{number}: {{store: nowhere}}" for number in range(8))
    text = STACK.replace("          VENDOR: {store: secrets/asm}", many)
    found = bench.build(dev=text, other=text.replace("plat-prod", "plat-dev"))
    assert set(found.specs) == {"plat-prod-ue1", "plat-dev-ue1"}
    (said,) = [one for one in found.notices if "nowhere" in one]
    assert said.startswith("secrets 8, for example V0 of component vpc/flow-logs, V1 of")
    assert found.notices_of[said] == set(found.specs)


def test_stores_of_other_kinds_and_sops_are_nothing_to_talk_about(bench: Bench) -> None:
    text = "components: {terraform: {api: {secrets: {vars: {A: {store: vault}, B: {sops: dev}, C: {description: x}}}}}}"
    found = bench.build(dev=text)
    assert (found.specs, found.errors, found.notices) == ({}, {}, ())


def test_abstract_and_disabled_components_declare_nothing(bench: Bench) -> None:
    text = """
    vars: {region: eu-west-2}
    components:
      terraform:
        base: {metadata: {type: abstract}, secrets: {vars: {A: {store: secrets/asm}}}}
        off: {metadata: {enabled: false}, secrets: {vars: {B: {store: secrets/asm}}}}
        api: {metadata: {inherits: [base]}}
    """
    assert set(by_name(built(bench, text))) == {"team/dev/api/A"}


def test_a_secret_of_any_kind_of_component_is_one_of_the_stack(bench: Bench) -> None:
    text = "components: {helmfile: {redis: {secrets: {vars: {A: {store: secrets/asm}}}}}}"
    assert set(by_name(built(bench, text))) == {"team/dev/redis/A"}


def test_names_that_others_may_have_too_need_a_grant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.desired.conftest.ATMOS", ATMOS + STORES)
    bench = Bench(tmp_path)
    bench.settings = OperatorSettings(targets=(HERE,))
    text = "components: {terraform: {api: {secrets: {vars: {A: {store: %s}}}}}}"
    error = bench.only_error((text % "secrets/asm").replace("vars: {", "vars: {B: {store: secrets/asm}, "))
    assert "key secrets.vars: secret name team/dev/* is not this stack's own" in error
    assert 'grants: - {stacks: "dev", secrets: ["team/dev/*"]}' in error
    monkeypatch.setattr("tests.desired.conftest.ATMOS", ATMOS + STORES.replace("prefix: team", "prefix: dev"))
    bench = Bench(tmp_path)
    bench.settings = OperatorSettings(targets=(HERE,))
    assert set(by_name(built(bench, text % "secrets/asm"))) == {"dev/dev/api/A"}


@pytest.mark.parametrize(
    ("settings", "problem", "key"),
    [
        ("{secrets: {API_KEI: {}}}", "no component of the stack declares secret API_KEI", "secrets.API_KEI"),
        ("{secrets: {A: {name: x}}}", "name stands beside full_name", "secrets.A.name"),
        (
            "{secrets: {A: {full_name: x}}}",
            "full_name of a declared secret is what Atmos computes",
            "secrets.A.full_name",
        ),
        ("{secrets: [A]}", "secrets is a list, not a map", "secrets"),
        ("{secrets: {A: true}}", "A is true or false, not a map", "secrets.A"),
    ],
)
def test_wrong_settings_are_errors_that_name_the_place(bench: Bench, settings: str, problem: str, key: str) -> None:
    text = f"""
    components:
      terraform:
        api: {{settings: {{secrets_pipeline: {settings}}}, secrets: {{vars: {{A: {{store: secrets/asm}}}}}}}}
    """
    error = bench.only_error(text)
    assert problem in error
    assert f"component api, key settings.secrets_pipeline.{key}" in error


def test_a_description_by_atmos_declares_the_same_with_the_stores_beside_it(bench: Bench) -> None:
    names = set(by_name(built(bench)))
    printed = AtmosRepository.open(bench.folder, env={}).resolve(process_functions=False).described()
    file = bench.folder / "stacks.json"
    file.write_text(json.dumps(printed))
    source = open_source(SourceChoice(str(file)), bench.folder, env={})
    found = build_specs(source, bench.settings, base_path=bench.folder)
    assert not found.errors
    assert {secret.name for secret in found.specs["plat-prod-ue1"].secrets} == names
    file.write_text(file.read_text().replace('"example.com"', '"********"'))
    source = open_source(SourceChoice(str(file)), bench.folder, env={})
    (error,) = build_specs(source, bench.settings).errors["plat-prod-ue1"]
    assert "CONFIG.secret_data.host: ******** stands for a value that was not printed" in error.diagnostics()
