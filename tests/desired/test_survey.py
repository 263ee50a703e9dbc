from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.survey import nothing_found
from secrets_pipeline.stacks import AtmosRepository

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ADD = "if they are for this project, add settings.secrets_pipeline.components"
NONE = "none is a secretsmanager component that declares secrets."


def said(bench: Bench, *stacks: str) -> str:
    bench.build(**{f"s{number}": f"components: {{terraform: {{{text}}}}}" for number, text in enumerate(stacks)})
    return nothing_found(AtmosRepository.open(bench.folder, env={}).resolve(keep_failing=True).stacks)


def test_stacks_and_components_are_counted_and_how_a_secret_is_declared_is_said(bench: Bench) -> None:
    found = said(bench, "vpc: {}, eks: {}", "vpc: {}")
    assert found.startswith(f"2 stacks, 3 components read; {NONE}")
    assert "a Terraform component named secretsmanager, or with metadata.component: secretsmanager" in found
    assert said(bench, "vpc: {}", "vpc: {}").startswith("2 stacks, 2 components read")


@pytest.mark.parametrize(
    ("component", "hint"),
    [
        (
            "secretsmanager_app_db: {vars: {context_name: x, secrets: {a: {path: p}}}}",
            f"secretsmanager_app_db has vars.secrets: {ADD}: {{secretsmanager_app_db: secretsmanager}}.",
        ),
        (
            "asm/b: {metadata: {component: asm}, vars: {secrets: {a: {}}}}, z: {vars: {secrets: {a: {}}}}",
            f"asm and z have vars.secrets: {ADD}: {{asm: secretsmanager, z: secretsmanager}}.",
        ),
        ("secretsmanager/a: {metadata: {enabled: false}}", "secretsmanager/a is abstract or switched off."),
        ("secretsmanager/a: {vars: {secrets_enabled: false}}", "secretsmanager/a is abstract or switched off."),
        ("secretsmanager/a: {metadata: {type: abstract}}", "secretsmanager/a is abstract or switched off."),
        (
            "a: {settings: {secrets_pipeline: {components: {a: ignore}}}, vars: {secrets: {x: {}}}}",
            "a is left alone, as components of the settings says.",
        ),
        (
            "secret-app: {secrets: {vars: {API_KEY: {store: secrets/ssm}}}}, b: {secrets: {vars: {}}}",
            "secret-app declares secrets: of Atmos, none of which is managed here: those in a store of kind aws/asm",
        ),
        (
            "ssm-parameters: {}, app/config: {vars: {params: {k: {type: SecureString}}}}",
            "app/config and ssm-parameters make SSM parameters, which stay Terraform's; a secret takes one in with",
        ),
        (
            "aws-secrets: {vars: {aws_secretsmanager_secret: x}}",
            "aws-secrets sounds like secrets, without vars.secrets.",
        ),
        (
            "kms/a: {vars: {alias: x}}, rds: {}, lambda/a: {}, lambda/b: {}, ecs: {}",
            "ecs, kms/a, lambda/a and 2 more are left to Terraform: no secret refers to them, and they ask for",
        ),
    ],
)
def test_what_looks_like_secrets_is_named_with_what_to_write(bench: Bench, component: str, hint: str) -> None:
    assert hint in said(bench, component, component)


def test_what_a_component_of_another_kind_declares_in_stores_is_named(bench: Bench) -> None:
    bench.build(dev="components: {helmfile: {redis: {secrets: {vars: {A: {sops: dev}}}}, rds: {}}}")
    found = nothing_found(AtmosRepository.open(bench.folder, env={}).resolve().stacks)
    assert "redis declares secrets: of Atmos" in found
    assert "rds" not in found


def test_what_the_hint_says_to_write_makes_it_found(bench: Bench) -> None:
    settings: dict[str, Any] = {"secretsmanager_app_db": "secretsmanager"}
    text = (
        f"settings: {{secrets_pipeline: {{components: {settings}}}}}\n"
        "components: {terraform: {secretsmanager_app_db: {vars: {context_name: x, secrets: {a: {secret_data: x-9}}}}}}"
    )
    assert bench.spec(text).components == settings
