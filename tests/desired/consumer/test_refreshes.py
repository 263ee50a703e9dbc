"""What is started anew when a secret has another value."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.consumer.refresh_model import (
    EcsRefresh,
    LambdaRefresh,
    RefreshSpec,
    SsmRefresh,
    StageRefresh,
)
from secrets_pipeline.desired.settings.grants import GrantRule
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ROLE = "arn:aws:iam::111122223333:role/orders"
PASSWORD, TOKEN = (
    SecretRef(component="secretsmanager", key="password"),
    SecretRef(component="secretsmanager", key="token"),
)
ECS = f"type: ecs, execution_role_arn: '{ROLE}', refresh: {{cluster: shop, service: orders}}"
TARGETS = "{'tag:Role': [orders], InstanceIds: i-1}"
EC2 = f"type: ec2, role_arn: '{ROLE}', refresh: {{ssm_document: Restart, targets: {TARGETS}, parameters: {{A: b}}}}"
SECRETS = """
settings: {secrets_pipeline: {dialect: tf-atmos}}
vars: {context_name: shop}
components:
  terraform:
    secretsmanager:
      vars:
        create_kms_key: true
        secrets: {password: {generate_random_password: true}, token: {generate_random_password: true}}
"""
ARN, OTHER = "${output.secretsmanager.secret_arns.password}", "${output.secretsmanager.secret_arns.token}"


def worker(settings: str) -> str:
    return f"""
    lambda:
      settings: {{secrets_pipeline: {settings}}}
      vars:
        function_name: worker
        environment_variables: {{ARN: "{ARN}", LOG: info}}
"""


def service(settings: str, *, secret: str = ARN, variable: str = OTHER) -> str:
    return f"""
    ecs:
      settings: {{secrets_pipeline: {settings}}}
      vars:
        cluster_name: shop
        service_name: orders
        container_definitions:
          - name: app
            secrets: [{{name: A, valueFrom: "{secret}"}}]
          - name: sidecar
            environment: [{{name: A, value: "{variable}"}}]
"""


def stage(settings: str) -> str:
    return f"""
    apigateway:
      settings: {{secrets_pipeline: {settings}}}
      vars: {{api_name: shop-api, stage_name: dev, stage_variables: {{v: "{ARN}"}}}}
"""


def consumer(text: str) -> str:
    return SECRETS + indent(f"consumers:\n  orders: {text}\n", " " * 8)


def refresh(component: str, means: object, *secrets: SecretRef) -> RefreshSpec:
    return RefreshSpec.model_validate({"component": component, "means": means, "secrets": secrets})


def test_what_is_delivered_to_is_started_anew_with_all_that_its_containers_read(bench: Bench) -> None:
    spec = bench.spec(SECRETS + worker("{deliver: true}") + service("{deliver: true}"))
    assert spec.refreshes == (
        refresh("lambda", LambdaRefresh(function_name="worker"), PASSWORD),
        refresh("ecs", EcsRefresh(cluster="shop", service="orders"), PASSWORD, TOKEN),
    )
    assert [one.name for one in spec.refreshes] == ["lambda worker", "ecs shop/orders"]


def test_a_component_may_refuse(bench: Bench) -> None:
    assert bench.spec(SECRETS + worker("{deliver: true, refresh: false}")).refreshes == ()


def test_a_component_that_terraform_delivers_to_may_ask(bench: Bench) -> None:
    spec = bench.spec(SECRETS + worker("{refresh: true}"))
    assert spec.refreshes == (refresh("lambda", LambdaRefresh(function_name="worker"), PASSWORD),)
    assert [one.deliver for one in spec.deliveries] == [False]
    assert bench.spec(SECRETS + worker("{}")).refreshes == ()


def test_a_stage_is_deployed_again_only_where_its_component_asks(bench: Bench) -> None:
    assert bench.spec(SECRETS + stage("{deliver: true}")).refreshes == ()
    spec = bench.spec(SECRETS + stage("{deliver: true, refresh: true}"))
    assert spec.refreshes == (refresh("apigateway", StageRefresh(api_name="shop-api", stage_name="dev"), PASSWORD),)


def test_who_reads_no_secret_of_the_stack_is_left_alone(bench: Bench) -> None:
    plain = "${output.lambda.function_name}"
    text = SECRETS + worker("{deliver: false}") + service("{deliver: true}", secret=plain, variable=plain)
    assert bench.spec(text).refreshes == ()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (ECS, EcsRefresh(cluster="shop", service="orders")),
        (
            f"type: lambda, role_arn: '{ROLE}', refresh: {{function_name: worker}}",
            LambdaRefresh(function_name="worker"),
        ),
        (
            EC2,
            SsmRefresh(
                consumer="orders",
                document="Restart",
                targets={"tag:Role": ("orders",), "InstanceIds": ("i-1",)},
                parameters={"A": ("b",)},
            ),
        ),
    ],
    ids=["ecs", "lambda", "ec2"],
)
def test_a_declared_consumer_says_what_is_started_anew(bench: Bench, text: str, means: object) -> None:
    document = {"name": "Restart", "targets": {"tag:Role": "orders", "InstanceIds": "i-1"}, "parameters": {"A": "b"}}
    bench.settings = bench.settings.model_copy(
        update={"grants": (*TRUSTED, GrantRule.model_validate({"documents": [document]}))}
    )
    assert bench.spec(consumer(f"{{{text}, secrets: [token]}}")).refreshes == (refresh("secretsmanager", means, TOKEN),)


def test_one_service_that_is_named_twice_is_started_anew_once(bench: Bench) -> None:
    declared = (
        f"{{type: ecs, execution_role_arn: '{ROLE}', refresh: {{cluster: shop, service: orders}}, secrets: [token]}}"
    )
    delivering = service("{deliver: true}", variable="plain")
    (one,) = bench.spec(consumer(declared) + delivering).refreshes
    assert one == refresh("ecs", EcsRefresh(cluster="shop", service="orders"), PASSWORD, TOKEN)


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("type: eks, role_arn: ROLE, refresh: {}", "refresh", "pods are not started anew from here"),
        ("type: lambda, role_arn: ROLE, refresh: {}", "refresh.function_name", "function_name is missing"),
        ("type: lambda, role_arn: ROLE, refresh: worker", "refresh", "refresh is text, not a map"),
        ("type: lambda, role_arn: ROLE, refresh: {function_name: a, b: c}", "refresh.b", "unknown key b"),
        ("type: ecs, task_role_arn: ROLE, refresh: {cluster: a}", "refresh.service", "service is missing"),
        (
            "type: ec2, role_arn: ROLE, refresh: {ssm_document: Restart}",
            "refresh.targets",
            "on which instances is not said",
        ),
        (
            "type: ec2, role_arn: ROLE, refresh: {ssm_document: R, targets: {a: 1, b: 1, c: 1, d: 1, e: 1, f: '1'}}",
            "refresh.targets",
            "there are 6 targets",
        ),
        (
            "type: lambda, role_arn: 'arn:aws:iam::444455556666:role/x', refresh: {function_name: a}",
            "refresh",
            "is in another account than the stack (111122223333)",
        ),
    ],
)
def test_what_cannot_be_done_is_an_error_that_names_its_key(bench: Bench, text: str, key: str, said: str) -> None:
    written = text.replace("ROLE", f"'{ROLE}'")
    found = bench.errors(consumer(f"{{{written}, secrets: [token]}}"))
    about = [one for one in found if said in one]
    assert len(about) == 1, found
    assert f"component secretsmanager, key vars.consumers.orders.{key}" in about[0]


def test_a_setting_that_is_neither_true_nor_false_is_an_error(bench: Bench) -> None:
    assert "refresh is neither true nor false" in bench.only_error(
        SECRETS + worker("{deliver: true, refresh: perhaps}")
    )
