"""`!secret`, `!store` and `!store.get` as references, and which of them are refused, by https://atmos.tools/functions/yaml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.references.model import Expression, Output, SsmParameter, Stored, WithDefault
from secrets_pipeline.stacks import AtmosRepository
from tests.desired.conftest import ATMOS, HERE, Bench

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec

STORES = """\
stores:
  asm: {kind: aws/asm, secret: true, options: {region: eu-west-2, prefix: team}}
  ssm: {kind: aws/ssm, secret: true, options: {region: eu-west-2, prefix: /team}}
  open: {kind: aws/ssm, options: {region: eu-west-2, prefix: /shared}}
  far: {kind: aws/ssm, options: {region: us-east-1}}
  plain-asm: {kind: aws/asm, options: {region: eu-west-2}}
  ours: {type: aws-ssm-parameter-store, options: {region: eu-west-2, prefix: /secrets-pipeline}}
"""
STACK = """
vars: {region: eu-west-2}
secrets: {vars: {TOKEN: {store: asm}, SSM_TOKEN: {store: ssm}}}
components:
  terraform:
    secretsmanager/app:
      vars:
        context_name: acme
        secrets:
          made: {generate_random_password: true}
          value:
            secret_data:
              it: VALUE
      secrets: {vars: {OWN: {store: asm}, ANYWHERE: {store: asm, scope: global}}}
"""
APP = "secretsmanager/app/secrets"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A repository with stores."""
    monkeypatch.setattr("tests.desired.conftest.ATMOS", ATMOS + STORES)
    return Bench(tmp_path)


def spec(bench: Bench, value: str) -> StackSpec:
    found = bench.build(dev=STACK.replace("VALUE", value), **{"a-b": "components: {terraform: {}}"})
    assert not found.errors, "\n".join(e.diagnostics() for errors in found.errors.values() for e in errors)
    return found.specs["dev"]


def expression(bench: Bench, value: str) -> Expression:
    secret = next(one for one in spec(bench, value).secrets if one.ref.key == "value")
    assert isinstance(secret.value, DeclaredValue)
    assert not secret.unresolved, secret.unresolved[0].diagnostics()
    stack = AtmosRepository.open(bench.folder, env={}).stack("dev")
    return leaf_expression(stack, secret.ref.component, secret.value.leaves[0])


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("!secret OWN", Output(APP, ("secret_values", "OWN"))),
        (
            '!secret OWN | path ".credentials.password"',
            Output(APP, ("secret_values", "OWN", "credentials", "password")),
        ),
        ("!secret OWN | raw", Output(APP, ("secret_values", "OWN"))),
        ('!secret OWN | default "dev-key"', WithDefault(Output(APP, ("secret_values", "OWN")), "dev-key")),
        ("!secret TOKEN", Output("secrets", ("secret_values", "TOKEN"))),
        ("!secret SSM_TOKEN", Stored(SsmParameter("/team/dev/SSM_TOKEN"), (), "eu-west-2", secret=True)),
        ("!secret SSM_TOKEN | raw", SsmParameter("/team/dev/SSM_TOKEN")),
        (
            "!secret SSM_TOKEN | path .a[0]",
            Stored(SsmParameter("/team/dev/SSM_TOKEN"), ("a", 0), "eu-west-2", secret=True),
        ),
        ("!store open vpc/main id", Stored(SsmParameter("/shared/dev/vpc/main/id"), (), "eu-west-2")),
        ("!store open a-b vpc cfg | query .id", Stored(SsmParameter("/shared/a/b/vpc/cfg"), ("id",), "eu-west-2")),
        ("!store.get open any/key", Stored(SsmParameter("/shared/any/key"), (), "eu-west-2")),
        (
            "!store ours secretsmanager/app secret_arns | query .made",
            Output("secretsmanager/app", ("secret_arns", "made")),
        ),
    ],
)
def test_the_place_of_a_value_is_known_so_it_is_a_reference(bench: Bench, value: str, meant: Expression) -> None:
    assert expression(bench, value) == meant


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("!secret NOWHERE", "Secret NOWHERE is not declared under secrets.vars of component secretsmanager/app"),
        ("!secret ANYWHERE", "Secret team/ANYWHERE may be shared by stacks"),
        ("!secret OWN | path '.a | keys'", "invalid arguments of the !secret function"),
        ("!secret OWN | path '.a[]'", "Only simple paths such as .name.key[0] are read"),
        ("!store asm app OWN", "Store asm holds secrets: declare this one under secrets.vars, and use !secret"),
        ("!store nowhere app key", "Store nowhere is not configured in atmos.yaml"),
        ("!store plain-asm app key", "Store plain-asm is not read here, as of Secrets Manager only secrets are read"),
        ("!store open app key | default x", "Leave the default out"),
        ("!store far app key", "the store is in us-east-1, and this stack is read in eu-west-2"),
    ],
)
def test_what_nobody_here_can_tell_blocks_the_secret_with_what_to_write(bench: Bench, value: str, problem: str) -> None:
    found = bench.build(dev=STACK.replace("VALUE", value))
    said = [error.diagnostics() for error in found.errors.get("dev", ())]
    said += (
        [one.diagnostics() for secret in found.specs["dev"].secrets for one in secret.unresolved] if not said else []
    )
    assert len(said) == 1
    assert problem in said[0]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        # Atmos: ErrEmptyName, ErrInvalidSecretArgs (pkg/secrets/resolver_test.go), invalid number of parameters
        ("!secret", "invalid number of arguments in the !secret function"),
        ("!secret OWN | raw | path .a", "raw and path exclude each other"),
        ("!secret OWN | first x", "`|` takes path, default, raw"),
        ("!secret OWN | path", "`|` takes path, default, raw"),
        ("!store open key", "invalid number of arguments in the !store function: it takes 3 or 4, not 2"),
        ("!store.get open a b", "invalid number of arguments in the !store.get function: it takes 2, not 3"),
        ("!store open app key | path .a", "invalid number of arguments in the !store function: it takes 3 or 4, not 6"),
    ],
)
def test_arguments_that_atmos_refuses_are_errors(bench: Bench, value: str, problem: str) -> None:
    (error,) = bench.build(dev=STACK.replace("VALUE", value)).errors["dev"]
    assert problem in error.diagnostics()
    assert "Write for example !" in error.diagnostics() or "Correct the arguments" in error.diagnostics()


def test_a_secret_at_any_other_sink_is_an_error(bench: Bench) -> None:
    text = STACK.replace("VALUE", "x").replace(
        "vars:\n        context_name", "vars:\n        default_kms_key_id: !secret OWN\n        context_name"
    )
    errors = [one.diagnostics() for one in bench.build(dev=text).errors["dev"]]
    assert any("is a secret value and must not be used here" in one for one in errors)


def test_what_terraform_takes_in_by_atmos_is_terraforms(bench: Bench) -> None:
    text = (
        STACK.replace("VALUE", "x")
        + """
    worker:
      metadata: {component: lambda}
      settings: {secrets_pipeline: {deliver: true}}
      vars: {function_name: worker, datadog_api_key: !secret OWN, environment_variables: {A: b}}
      secrets: {vars: {OWN: {store: asm}}}
"""
    )
    assert not bench.build(dev=text).errors


def test_a_parameter_needs_the_grant_that_ssm_needs(bench: Bench) -> None:
    bench.settings = OperatorSettings(targets=(HERE,), grants=(GrantRule(secrets=("*",)),))
    (error,) = bench.build(dev=STACK.replace("VALUE", "!store open vpc id")).errors["dev"]
    assert "SSM parameter /shared/dev/vpc/id is not this stack's own" in error.diagnostics()


def test_the_arns_of_another_stack_are_an_output_of_it(bench: Bench) -> None:
    other = STACK.replace("VALUE", "x")
    value = "!store ours a-b secretsmanager/app secret_arns | query .made"
    bench.settings = OperatorSettings(targets=(HERE,), grants=(GrantRule(secrets=("*",)),))
    found = bench.build(dev=STACK.replace("VALUE", value), **{"a-b": other})
    assert "output of another stack a-b:secretsmanager/app.secret_arns.made" in found.errors["dev"][0].diagnostics()
