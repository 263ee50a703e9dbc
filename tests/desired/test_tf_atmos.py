"""A repository in the dialect of tf-atmos, as its users write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.unresolved import UnresolvedReason
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.references.model import Expression, Literal, SsmParameter, Text, WithDefault
from secrets_pipeline.stacks import AtmosRepository
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

FIXTURE = Path(__file__).parents[1] / "fixtures" / "tf_atmos"
STACK = "testenv-01-fnx"
NAMES = [
    "myapp/fnx/rds/credentials",
    "myapp/fnx/rds/connection",
    "myapp/fnx/rds/config",
    "myapp/fnx/integration/api-key",
    "myapp/fnx/auth/jwt-secret",
    "myapp/fnx/auth/oauth-config",
    "myapp/fnx/network/vpn-config",
    "myapp/fnx/monitoring/monitoring-webhook",
    "myapp/fnx/certificates/istio-certificates",
]


@pytest.fixture(scope="module")
def repository() -> AtmosRepository:
    return AtmosRepository.open(FIXTURE, env={})


@pytest.fixture(scope="module")
def spec(repository: AtmosRepository) -> StackSpec:
    built = build_specs(repository, OperatorSettings(grants=TRUSTED), base_path=FIXTURE)
    assert not built.errors
    return built.specs[STACK]


def named(spec: StackSpec, name: str) -> SecretSpec:
    return next(secret for secret in spec.secrets if secret.name == f"myapp/fnx/{name}")


def leaves(repository: AtmosRepository, secret: SecretSpec) -> dict[str, Expression]:
    """Key → what the YAML says, without variables."""
    assert isinstance(secret.value, DeclaredValue)
    stack = repository.stack(STACK)
    return {
        ".".join(map(str, leaf.path)): leaf_expression(stack, secret.ref.component, leaf)
        for leaf in secret.value.leaves
    }


def test_the_nine_secrets_are_made_in_order(spec: StackSpec) -> None:
    assert [secret.name for secret in spec.secrets] == NAMES


def test_a_secret_comes_after_those_of_its_own_component_that_it_is_rendered_from(spec: StackSpec) -> None:
    credentials = SecretRef(component="secretsmanager_app_db", key="db_credentials")
    api_key = SecretRef(component="secretsmanager_api", key="api_key")
    needs = {secret.name.removeprefix("myapp/fnx/"): secret.depends_on for secret in spec.secrets if secret.depends_on}
    assert needs == {
        "rds/connection": (credentials,),
        "rds/config": (credentials,),
        "auth/oauth-config": (api_key,),
    }


def test_the_key_in_the_map_is_meant_and_not_the_name(spec: StackSpec) -> None:
    assert named(spec, "rds/credentials").ref.key == "db_credentials"
    assert isinstance(named(spec, "rds/credentials").value, GeneratedValue)


def test_variables_are_put_in_whatever_they_lead_through(repository: AtmosRepository, spec: StackSpec) -> None:
    assert named(spec, "rds/credentials").description == "Password of orders_app"
    (connection,) = leaves(repository, named(spec, "rds/connection")).values()
    assert isinstance(connection, Text)
    assert str(connection) == (
        "postgresql://orders_app:${urlencode(output.secretsmanager_app_db.secret_values.db_credentials)}"
        "@${output.rds.endpoint}/orders"
    )
    oauth = leaves(repository, named(spec, "auth/oauth-config"))
    assert (oauth["issuer"], oauth["client_id"]) == (Literal("https://fnx.login.example"), Literal("orders"))
    assert leaves(repository, named(spec, "network/vpn-config"))["pre_shared_key"] == SsmParameter(
        "/fnx/vpn/pre-shared-key"
    )


def test_a_catalog_whose_keys_stand_at_the_top_gives_nothing(spec: StackSpec) -> None:
    assert all("never" not in secret.name for secret in spec.secrets)
    assert len(spec.components) == 4


def test_what_nobody_can_resolve_blocks_its_secret_alone_and_says_why(spec: StackSpec) -> None:
    blocked = {secret.name.removeprefix("myapp/fnx/"): secret.unresolved for secret in spec.secrets if secret.blocked}
    assert {name: [(one.expression, one.reason) for one in found] for name, found in blocked.items()} == {
        "rds/config": [("${output.rds.reader_endpoint}", UnresolvedReason.OUTPUT)],
        "certificates/istio-certificates": [("${output.kms.key_id}", UnresolvedReason.COMPONENT)],
    }
    (output,) = blocked["rds/config"]
    assert output.problem == "component rds is a single instance (it names no engine), so it has no reader_endpoint"
    assert output.remedy.startswith("Write ${output.rds.endpoint}. Aurora clusters have it: engine aurora-postgresql")
    assert output.key == "vars.secrets.db_config.secret_data.replica"
    assert "stacks/account/fnx/testenv-01.yaml:" in output.where
    (component,) = blocked["certificates/istio-certificates"]
    assert component.problem == f"component kms does not exist in stack {STACK}"
    assert component.remedy.startswith("Components: rds, secretsmanager_api")


def test_defaults_serve_for_variables_and_for_outputs_that_do_not_exist(
    repository: AtmosRepository, spec: StackSpec
) -> None:
    found = leaves(repository, named(spec, "rds/config"))
    assert (found["pool"], found["schema"]) == (Literal(10), Literal("public"))
    assert not any(isinstance(expression, WithDefault) for expression in found.values())


@pytest.mark.parametrize("variables", ["", "        context_name: ''\n", "        context_name:\n"])
def test_a_context_that_is_set_nowhere_is_an_error_and_not_a_guess(bench: Bench, variables: str) -> None:
    found = bench.only_error(
        "vars: {environment: fnx, tenant: testenv-01}\n"
        "components:\n"
        "  terraform:\n"
        "    secretsmanager/app:\n"
        "      vars:\n"
        f"{variables}"
        "        secrets:\n"
        "          credentials: {path: app, generate_random_password: true}\n"
    )
    assert "stack dev, component secretsmanager/app, key vars.context_name: context_name is missing" in found
    assert "it begins every secret's name and is never guessed" in found


APP = """\
vars: {name: orders, stage: dev, attributes: [x]}
components:
  terraform:
    secretsmanager/app:
      vars:
        context_name: myapp
        name_prefix: x
        kms_key_alias: alias/x
        secrets:
          credentials: {generate_random_password: true}
"""


def test_variables_that_are_not_ours_are_left_to_terraform(bench: Bench) -> None:
    built = bench.build(dev=APP)
    assert not built.errors
    assert built.notices == ()


@pytest.mark.parametrize(
    ("mistaken", "meant"),
    [
        ("recovery_window_in_days", "default_recovery_window_in_days"),
        ("kms_key_id", "default_kms_key_id"),
        ("default_rotation_day", "default_rotation_days"),
        ("rotation_enabled", "default_rotation_automatically"),
        ("rotation_lambda_arn", "rotation: {lambda_arn: …} in each secret"),
    ],
)
def test_a_variable_that_is_almost_one_of_ours_is_told_once(bench: Bench, mistaken: str, meant: str) -> None:
    text = APP.replace("        secrets:", f"        {mistaken}: 7\n        secrets:")
    built = bench.build(dev=text, other=text.replace("myapp", "other"))
    assert not built.errors
    assert built.notices == (
        f"component secretsmanager/app sets vars.{mistaken}, which has no effect. Did you mean {meant}?",
    )
