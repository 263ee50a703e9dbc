"""What looks like a secret is found by name and place; no value is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.survey import Sign, remarks, signs, signs_in_terraform
from secrets_pipeline.stacks import AtmosRepository

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ADD = "If they are for this project, add settings.secrets_pipeline.components"
VALUE = "canary-Hj51-value"


def said(bench: Bench, *stacks: str) -> str:
    bench.build(**{f"s{number}": f"components: {{terraform: {{{text}}}}}" for number, text in enumerate(stacks)})
    return " ".join(remarks(AtmosRepository.open(bench.folder, env={}).resolve(keep_failing=True).stacks.values()))


def found(bench: Bench, **manifests: str) -> list[str]:
    bench.build(**manifests)
    repository = AtmosRepository.open(bench.folder, env={})
    shown = [f"{one.line} {one.what}" for one in signs(repository.resolve().stacks.values(), repository.locate)]
    assert VALUE not in str(shown)
    return shown


@pytest.mark.parametrize(
    ("variable", "sign"),
    [
        (f"db_password: {VALUE}", "vars.db_password"),
        (f"rds: {{master_password: {VALUE}}}", "vars.rds.master_password"),
        ("manage_master_user_password: true", "vars.manage_master_user_password"),
        (f"clientSecrets: [{VALUE}]", "vars.clientSecrets"),
        (f"API_TOKEN: !terraform.state app {VALUE}", "vars.API_TOKEN"),
        (f'x: [{{y: "arn:aws:secretsmanager:eu-west-2:111122223333:secret:{VALUE}"}}]', "vars.x.0.y, the ARN"),
        (f"{'k' * 70}_token: {VALUE}", f"vars.{'k' * 55}…"),
    ],
)
def test_a_variable_that_sounds_like_a_secret_is_one(bench: Bench, variable: str, sign: str) -> None:
    (shown,) = found(bench, dev=f"components: {{terraform: {{app: {{vars: {{{variable}}}}}}}}}")
    assert shown.startswith(f"1 {sign}")
    assert shown.endswith(" of app")


@pytest.mark.parametrize("variable", ["password_length: 32", "secrets_enabled: true", "token:", 'password: ""', "a: b"])
def test_lengths_flags_and_empty_variables_are_none(bench: Bench, variable: str) -> None:
    assert found(bench, dev=f"components: {{terraform: {{app: {{vars: {{{variable}}}}}}}}}") == []


def test_a_variable_that_many_stacks_share_is_one_sign_where_it_stands(bench: Bench) -> None:
    shared = f"vars: {{password: {VALUE}}}\n"
    one = "import: [_shared]\ncomponents: {terraform: {app: {}}}"
    assert found(bench, _shared=shared, dev=one, test=one) == ["1 vars.password of app"]


def test_names_and_atmos_secrets_are_signs(bench: Bench) -> None:
    text = "components: {terraform: {aws-secrets: {}, app: {secrets: {vars: {API_KEY: {store: x}}}}}}"
    assert found(bench, dev=text) == ["1 component aws-secrets", "1 secrets.vars.API_KEY of app"]


@pytest.mark.parametrize("declared", [f"[{VALUE}]", f"[{{name: {VALUE}}}]", VALUE, "1", "null"])
def test_secrets_of_atmos_that_are_no_map_are_no_sign(bench: Bench, declared: str) -> None:
    assert found(bench, dev=f"components: {{terraform: {{app: {{secrets: {{vars: {declared}}}}}}}}}") == []


def test_resources_of_terraform_have_file_and_line() -> None:
    code = f"""
# resource "aws_secretsmanager_secret" "commented" {{}}
resource "aws_secretsmanager_secret" "db" {{ name = "{VALUE}" }}
data "aws_secretsmanager_secret" "read" {{}}
  resource   "aws_ssm_parameter"   "x-y" {{ value = "{VALUE}" }}
resource "aws_secretsmanager_secret_version" "db" {{ secret_string = "{VALUE}" }}
"""
    assert signs_in_terraform("main.tf", code) == [
        Sign("main.tf", 3, "aws_secretsmanager_secret.db"),
        Sign("main.tf", 5, "aws_ssm_parameter.x-y"),
    ]


@pytest.mark.parametrize(
    ("component", "hint"),
    [
        (
            "secretsmanager_app_db: {vars: {context_name: x, secrets: {a: {path: p}}}}",
            f"secretsmanager_app_db has vars.secrets. {ADD}: {{secretsmanager_app_db: secretsmanager}}.",
        ),
        (
            "asm/b: {metadata: {component: asm}, vars: {secrets: {a: {}}}}, z: {vars: {secrets: {a: {}}}}",
            f"asm and z have vars.secrets. {ADD}: {{asm: secretsmanager, z: secretsmanager}}.",
        ),
        ("secretsmanager/a: {metadata: {enabled: false}}", "secretsmanager/a is abstract or switched off."),
        ("secretsmanager/a: {vars: {secrets_enabled: false}}", "secretsmanager/a is abstract or switched off."),
        ("secretsmanager/a: {metadata: {type: abstract}}", "secretsmanager/a is abstract or switched off."),
        (
            "a: {settings: {secrets_pipeline: {components: {a: ignore}}}, vars: {secrets: {x: {}}}}",
            "The settings (components) leave a alone.",
        ),
        (
            "secret-app: {secrets: {vars: {API_KEY: {store: secrets/ssm}}}}, b: {secrets: {vars: {}}}",
            "secret-app declares Atmos secrets, none of them in a store of kind aws/asm. Atmos keeps them.",
        ),
        (
            "ssm-parameters: {}, app/config: {vars: {params: {k: {type: SecureString}}}}",
            "app/config and ssm-parameters make SSM parameters. They stay with Terraform; a secret can copy one with",
        ),
        (
            "kms/a: {vars: {alias: x}}, rds: {}, lambda/a: {}, lambda/b: {}, ecs: {}",
            "ecs, kms/a, lambda/a and 2 more stay with Terraform, as no secret refers to them.",
        ),
    ],
)
def test_why_a_component_declares_no_secret_is_said_with_what_to_write(bench: Bench, component: str, hint: str) -> None:
    assert hint in said(bench, component, component)


def test_what_a_component_of_another_kind_declares_in_stores_is_named(bench: Bench) -> None:
    bench.build(dev="components: {helmfile: {redis: {secrets: {vars: {A: {sops: dev}}}}, rds: {}}}")
    shown = " ".join(remarks(AtmosRepository.open(bench.folder, env={}).resolve().stacks.values()))
    assert "redis declares Atmos secrets" in shown
    assert "rds" not in shown


def test_what_the_hint_says_to_write_makes_it_found(bench: Bench) -> None:
    settings: dict[str, Any] = {"secretsmanager_app_db": "secretsmanager"}
    text = (
        f"settings: {{secrets_pipeline: {{components: {settings}}}}}\n"
        "components: {terraform: {secretsmanager_app_db: {vars: {context_name: x, secrets: {a: {secret_data: x-9}}}}}}"
    )
    assert bench.spec(text).components == settings
