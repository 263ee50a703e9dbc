"""What a stack is called is said in YAML: the operator may say which manifests are part of which stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

PROD = """
name: app-prod
vars: {context_name: app, environment: prod}
components:
  terraform:
    secretsmanager/a: {vars: {secrets: {s: {generate_random_password: true}}}}
"""
JOINING = """
name: app-prod
vars: {context_name: app, environment: prod}
components:
  terraform:
    secretsmanager/b:
      vars:
        secrets: {t: {secret_data: "!terraform.output secretsmanager/a secret_values.s"}}
        consumers: {x: {type: lambda, role_arn: "arn:aws:iam::111122223333:role/evil", secrets: [t]}}
"""


def allow(bench: Bench, *manifests: str) -> None:
    rule = TargetRule(stacks="*-prod", account_id="111122223333", region="eu-west-2", manifests=manifests)
    here = rule.model_copy(update={"stacks": "*", "manifests": ()})
    bench.settings = OperatorSettings(targets=(rule, here), grants=TRUSTED)


def test_a_manifest_from_elsewhere_does_not_join_a_stack_whose_manifests_the_operator_names(bench: Bench) -> None:
    allow(bench, "stacks/prod*")
    built = bench.build(prod=PROD, evil=JOINING, other=JOINING.replace("app-prod", "app-dev"))
    (error,) = built.errors["app-prod"]
    assert error.diagnostics().startswith(
        "stacks/evil.yaml, stack app-prod: stacks/evil.yaml makes itself part of stack app-prod, whose manifests are "
        "stacks/prod* in the operator's settings"
    )
    assert "app-prod" not in built.specs


@pytest.mark.parametrize("manifests", [(), ("stacks/*",), ("stacks/prod.yaml", "stacks/evil.yaml")])
def test_manifests_that_the_operator_names_are_one_stack(bench: Bench, manifests: tuple[str, ...]) -> None:
    allow(bench, *manifests)
    built = bench.build(prod=PROD, evil=JOINING)
    assert not built.errors
    assert len(built.specs["app-prod"].secrets) == 2
