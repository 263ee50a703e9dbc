"""What several components of a stack declare and settings say together: nothing of it is lost, or written unread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.references.model import Literal
from secrets_pipeline.stacks import AtmosRepository
from tests.desired.conftest import ATMOS

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from tests.desired.conftest import Bench

STORES = "stores: {secrets/asm: {kind: aws/asm, secret: true, options: {region: eu-west-2, prefix: team}}}\n"


@pytest.fixture(autouse=True)
def stores(bench: Bench) -> None:
    """A store of Secrets Manager in atmos.yaml."""
    bench.atmos = ATMOS + STORES


def by_name(bench: Bench, text: str) -> dict[str, SecretSpec]:
    return {secret.name: secret for secret in bench.spec(text).secrets}


def test_what_several_components_share_is_read_by_the_consumers_of_each(bench: Bench) -> None:
    def reader(number: int, *names: str) -> str:
        role = f"arn:aws:iam::111122223333:role/{number}"
        return f"{{secrets_pipeline: {{consumers: {{app: {{type: app, role_arn: '{role}', secrets: {[*names]}}}}}}}}}"

    text = f"""
    vars: {{region: eu-west-2}}
    secrets: {{vars: {{ALL: {{store: secrets/asm}}}}}}
    components:
      terraform:
        api: {{settings: {reader(1, "ALL")}}}
        same: {{settings: {reader(1, "ALL")}}}
        worker: {{settings: {reader(2, "OWN", "ALL")}, secrets: {{vars: {{OWN: {{store: secrets/asm}}}}}}}}
    """
    read = {
        (one.component, one.name, *one.readers): [str(ref) for ref in one.secrets] for one in bench.spec(text).consumers
    }
    assert read == {
        ("worker/secrets", "app", "arn:aws:iam::111122223333:role/2"): ["worker/secrets#OWN"],
        ("secrets", "app", "arn:aws:iam::111122223333:role/1"): ["secrets#ALL"],
        ("secrets", "worker/app", "arn:aws:iam::111122223333:role/2"): ["secrets#ALL"],
    }
    wrong = text.replace("'OWN', 'ALL'", "'OWN', 'ALL', 'AL'")
    assert "key settings.secrets_pipeline.consumers.app.secrets: component worker/secrets has no" in bench.only_error(
        wrong
    )
    wrong = text.replace("role/1', secrets: ['ALL']", "role/1', secrets: ['AL']", 1)
    assert "component api, key settings.secrets_pipeline.consumers.app.secrets" in bench.only_error(wrong)


def test_whichever_component_says_it_decides_how_a_shared_secret_is_made(bench: Bench) -> None:
    text = """
    vars: {region: eu-west-2}
    secrets: {vars: {ALL: {store: secrets/asm}}}
    components:
      terraform:
        api: {}
        worker: {settings: {secrets_pipeline: {secrets: {ALL: {generate_random_password: true}}}}}
    """
    assert isinstance(by_name(bench, text)["team/dev/ALL"].value, GeneratedValue)
    assert bench.spec(text.replace("{secrets_pipeline: {", "{secrets_pipeline: {protected: true, ")).protected
    other = text.replace("api: {}", "api: {settings: {secrets_pipeline: {secrets: {ALL: {value: external}}}}}")
    error = bench.only_error(other)
    assert "component api says otherwise how secret ALL is made, which both share" in error
    assert "component worker, key settings.secrets_pipeline.secrets.ALL" in error


def test_components_of_one_name_and_several_kinds_declare_together(bench: Bench) -> None:
    text = """
    components:
      terraform: {api: {secrets: {vars: {A: {store: secrets/asm}, BOTH: {store: secrets/asm}}}}}
      helmfile: {api: {secrets: {vars: {B: {store: secrets/asm}, BOTH: {store: secrets/asm}}}}}
    """
    assert set(by_name(bench, text)) == {"team/dev/api/A", "team/dev/api/B", "team/dev/api/BOTH"}


def test_a_parameter_that_one_component_requires_is_required_whatever_another_says(bench: Bench) -> None:
    bench.atmos = ATMOS + STORES.replace("}}}", "}}, ssm: {kind: aws/ssm, secret: true, options: {region: eu-west-2}}}")
    optional = "{secrets: {vars: {ALL: {store: ssm, scope: global}, OWN: {store: secrets/asm}}}}"
    required = optional.replace("global}", "global, required: true}")
    for one, other in ((required, optional), (optional, required), (optional, optional)):
        spec = bench.spec(f"vars: {{region: eu-west-2}}\ncomponents: {{terraform: {{api: {one}, worker: {other}}}}}\n")
        [parameter] = spec.parameters
        assert parameter.required is (required in (one, other))


@pytest.mark.parametrize("name", ["secrets", "api/secrets"])
def test_a_component_that_is_called_as_declared_secrets_are_together_is_not_lost(bench: Bench, name: str) -> None:
    text = f"""
    vars: {{region: eu-west-2}}
    secrets: {{vars: {{ALL: {{store: secrets/asm}}}}}}
    components:
      terraform:
        api: {{secrets: {{vars: {{A: {{store: secrets/asm}}}}}}}}
        {name}: {{metadata: {{component: secretsmanager}}, vars: {{secrets: {{x: {{full_name: x, value: external}}}}}}}}
    """
    error = bench.only_error(text)
    assert f"dev.yaml:7, stack dev, component {name}: component {name} is what the secrets that" in error
    assert set(by_name(bench, text.replace("component: secretsmanager", "component: other"))) == {
        "team/dev/ALL",
        "team/dev/api/A",
    }


def test_a_template_that_gave_nothing_is_never_written_as_it_stands(bench: Bench) -> None:
    bench.atmos = ATMOS + STORES + "templates: {settings: {enabled: true}}\n"
    text = """
    vars: {region: eu-west-2, host: example.com}
    components:
      terraform:
        api:
          vars: {broken: '{{ atmos.Store "s" .stack "c" "k" }}'}
          settings: {secrets_pipeline: {secrets: {A: {secret_data: {host: '{{ .vars.host }}'}}}}}
          secrets: {vars: {A: {store: secrets/asm}}}
    """
    error = bench.only_error(text)
    assert "component api, key vars.broken" in error
    assert "--from-atmos" in error
    bench.atmos = bench.atmos.replace("enabled: true", "enabled: true, delimiters: ['[[', ']]']")
    assert bench.only_error(text.replace("{{", "[[").replace("}}'", "]]'")) == error
    bench.atmos = ATMOS + STORES + "templates: {settings: {enabled: true}}\n"
    assert set(by_name(bench, text.replace("{{ .vars.host }}", "example.com"))) == {"team/dev/api/A"}
    declaration = text.replace("store: secrets/asm", "store: '{{ .vars.host }}'").replace("{{ .vars.host }}", "x", 1)
    assert "key vars.broken" in bench.only_error(declaration)
    place = text.replace("{{ .vars.host }}", "example.com").replace(
        "vars: {broken", "vars: {region: '{{ .vars.host }}', broken"
    )
    assert "key vars.broken" in bench.only_error(place)


@pytest.mark.parametrize("other", ["", "terraform: {api/secrets: {vars: {secrets: {A: {secret_data: no}}}}}"])
def test_a_value_is_read_from_what_is_declared_whatever_else_is_called_so(bench: Bench, other: str) -> None:
    text = f"""
    components:
      helmfile:
        api:
          settings: {{secrets_pipeline: {{secrets: {{A: {{secret_data: from settings}}}}}}}}
          secrets: {{vars: {{A: {{store: secrets/asm}}}}}}
      {other}
    """
    secret = by_name(bench, text)["team/dev/api/A"]
    assert isinstance(secret.value, DeclaredValue)
    stack = AtmosRepository.open(bench.folder, env={}).stack("dev")
    assert leaf_expression(stack, secret.ref.component, secret.value.leaves[0]) == Literal("from settings")


def test_a_store_whose_prefix_nobody_may_read_is_one_error_a_stack_and_others_go_on(bench: Bench) -> None:
    bench.atmos = ATMOS + STORES.replace("prefix: team", "prefix: !env PREFIX")
    text = """
    vars: {region: eu-west-2}
    components: {terraform: {api: {secrets: {vars: {A: {store: secrets/asm}, B: {store: secrets/asm}}}}}}
    """
    error = bench.only_error(text)
    assert "stacks/dev.yaml:3, stack dev, component api, key secrets.vars.A: secrets A of component api, B of" in error
    assert "are without a name: prefix of store secrets/asm is not known\n  Let the operator allow" in error
    assert "environment_allowed: {name: PREFIX, secret: false}" in error


@pytest.mark.parametrize("by_operator", [True, False])
def test_what_a_component_declares_that_is_to_be_left_alone_is_atmoss(bench: Bench, *, by_operator: bool) -> None:
    text = f"""
    vars: {{region: eu-west-2}}
    settings: {{secrets_pipeline: {{components: {"{}" if by_operator else "{api: ignore}"}}}}}
    components: {{terraform: {{api: {{secrets: {{vars: {{A: {{store: nowhere}}, B: {{store: secrets/asm}}}}}}}}}}}}
    """
    if by_operator:
        bench.settings = bench.settings.model_copy(update={"components": {"api": "ignore"}})
    found = bench.build(dev=text)
    assert (found.specs, found.errors, found.notices) == ({}, {}, ())


def test_settings_of_a_whole_stack_claim_nothing_that_is_terraforms(bench: Bench) -> None:
    text = """
    vars: {region: eu-west-2}
    settings: {secrets_pipeline: {name_template: 'dev/{{ .secret.name }}', secret_defaults: {tags: {Team: a}}}}
    components:
      terraform:
        api: {secrets: {vars: {A: {store: secrets/asm}}}}
        rds/app: {vars: {engine: 5}}
    """
    assert set(bench.spec(text).components) == {"api/secrets"}
