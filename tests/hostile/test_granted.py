"""The same attacks with the grant that allows them, one of each kind: what was refused is done, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.desired.boundary import Boundary
from tests.databases import logs_in
from tests.hostile.attempt import attempt
from tests.hostile.cases import Case, End
from tests.hostile.conftest import Watch
from tests.hostile.estate import AWAY, CANARIES, OTHERS, ROLE, SAFE, Estate

ARN = "${output.secretsmanager/a.secret_arns.s}"
DELIVER = "settings: {secrets_pipeline: {deliver: true}}"
RESTART = {"name": "Restart", "targets": {"tag:Role": ["orders"]}}


def value(estate: Estate, name: str = "evil/dev/s") -> Any:  # noqa: ANN401 - any JSON
    return json.loads(estate.session.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def copied(estate: Estate) -> bool:
    text = estate.session.client("secretsmanager").get_secret_value(SecretId="app/prod/s")["SecretString"]
    return bool(value(estate)["v"] == text)


def delivered(estate: Estate) -> bool:
    found = estate.session.client("lambda").get_function_configuration(FunctionName="payments")
    return "evil/dev/s" in found["Environment"]["Variables"]["ARN"]


def injected(estate: Estate) -> bool:
    client = estate.session.client("ecs")
    (service,) = client.describe_services(cluster="shop", services=["orders"])["services"]
    found = client.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return "evil/dev/s" in json.dumps(found["containerDefinitions"])


def staged(estate: Estate) -> bool:
    client = estate.session.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    return "evil/dev/s" in client.get_stage(restApiId=api["id"], stageName="prod")["variables"]["a"]


def attached(estate: Estate) -> bool:
    client = estate.session.client("iam")
    names = client.list_role_policies(RoleName="admin")["PolicyNames"]
    return any(name.startswith("secrets-pipeline") for name in names)


def taken_over(estate: Estate) -> bool:
    (one,) = estate.session.client("rds").describe_db_instances(DBInstanceIdentifier="victim-db")["DBInstances"]
    password = estate.session.client("secretsmanager").get_secret_value(SecretId="evil/dev/s")["SecretString"]
    return logs_in(one["Endpoint"]["Address"], one["Endpoint"]["Port"], "boss", password, "orders")


def read_by_others(estate: Estate) -> bool:
    policy = estate.session.client("secretsmanager").get_resource_policy(SecretId="evil/dev/s")["ResourcePolicy"]
    return f"arn:aws:iam::{AWAY}:role/thief" in policy


def commanded(estate: Estate) -> bool:
    return [one["DocumentName"] for one in estate.session.client("ssm").list_commands()["Commands"]] == ["Restart"]


KINDS: Mapping[Boundary, tuple[dict[str, Any], dict[str, Any], Callable[[Estate], bool], str]] = {
    Boundary.VALUE: (
        {"secret": 'secret_data: {v: "${output.app-prod:secretsmanager/a.secret_values.s}"}'},
        {"values": "app-prod"},
        copied,
        "",
    ),
    Boundary.OUTPUT: (
        {"secret": 'secret_data: {v: "${output.app-prod:secretsmanager/a.secret_names.s}"}'},
        {"outputs": "app-*"},
        lambda estate: bool(value(estate)["v"] == "app/prod/s"),
        "",
    ),
    Boundary.PARAMETER: (
        {"secret": 'secret_data: {v: "${ssm:/other-team/token}"}'},
        {"parameters": "/other-team/*"},
        lambda estate: bool(value(estate)["v"] == CANARIES["parameter"]),
        "",
    ),
    Boundary.FILE: (
        {"secret": 'secret_data: {v: "${file:data/x.txt}"}', "files": {"data/x.txt": "from a file"}},
        {"files": "data/*"},
        lambda estate: bool(value(estate)["v"] == "from a file"),
        "",
    ),
    Boundary.STATE: (
        {
            "secret": "secret_data: {v: !terraform.state vpc token}",
            "components": "vpc:\n  metadata: {terraform_workspace: prod}\n  backend_type: s3\n"
            "  backend: {s3: {bucket: other-team-tfstate, key: terraform.tfstate}}",
        },
        {"terraform_states": [{"bucket": "other-team-tfstate", "keys": ["vpc/prod/*"]}]},
        lambda estate: bool(value(estate)["v"] == CANARIES["state"]),
        "",
    ),
    Boundary.SECRET: (
        {
            "top": "name: evil-dev",
            "vars": "context_name: app\nenvironment: prod",
            "secrets": "loot: {secret_data: {v: plain-9}}",
        },
        {"secrets": "app/prod/*"},
        lambda estate: bool(value(estate, "app/prod/loot") == {"v": "plain-9"}),
        "secret app/prod/loot",
    ),
    Boundary.FUNCTION: (
        {
            "components": f"lambda/x:\n  {DELIVER}\n  vars:\n    function_name: payments\n"
            f"    environment_variables: {{ARN: '{ARN}'}}"
        },
        {"functions": "payments"},
        delivered,
        "function payments",
    ),
    Boundary.SERVICE: (
        {
            "components": f"ecs/x:\n  {DELIVER}\n  vars:\n    cluster_name: shop\n    service_name: orders\n"
            f"    container_definitions: [{{name: app, environment: [{{name: A, value: '{ARN}'}}]}}]"
        },
        {"services": "shop/orders"},
        injected,
        "service shop/orders|task definition orders:2",
    ),
    Boundary.STAGE: (
        {
            "components": f"apigateway/x:\n  {DELIVER}\n  vars: {{api_name: shop-api, stage_name: prod, "
            f"stage_variables: {{a: '{ARN}'}}}}"
        },
        {"stages": "shop-api/prod"},
        staged,
        "stage shop-api/prod",
    ),
    Boundary.ROLE: (
        {
            "settings": "attach_policies: true",
            "vars": f"consumers: {{x: {{type: app, role_arn: '{ROLE}ops/admin', secrets: [s]}}}}",
        },
        {"roles": "ops/admin"},
        attached,
        "role admin",
    ),
    Boundary.DATABASE: (
        {
            "secret": "{generate_random_password: true}",
            "components": "rds: {vars: {identifier: victim-db, engine: postgres, username: boss, "
            "password: '${output.secretsmanager/a.generated_passwords.s}'}}",
        },
        {"databases": "victim-db"},
        taken_over,
        "database victim-db|login victim-db",
    ),
    Boundary.FOREIGN_READER: (
        {
            "vars": "create_kms_key: true\n"
            f"consumers: {{x: {{type: app, role_arn: 'arn:aws:iam::{AWAY}:role/thief', secrets: [s]}}}}"
        },
        {"readers": AWAY},
        read_by_others,
        "",
    ),
    Boundary.DOCUMENT: (
        {
            "vars": f"consumers: {{x: {{type: ec2, role_arn: '{ROLE}evil', secrets: [s], "
            "refresh: {ssm_document: Restart, targets: {'tag:Role': [orders]}}}}"
        },
        {"documents": [RESTART]},
        commanded,
        "command .*",
    ),
}
"""What is crossed → parts of a manifest, the grant, what can be seen then, and what of others is not as before."""


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_a_grant_names_is_done_and_nothing_else(
    kind: Boundary, estate: Estate, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, grant, seen, touched = KINDS[kind]
    case = Case(tries=kind, end=End.HARMLESS, says="", attack="", **parts)
    if kind is Boundary.DOCUMENT:
        estate.session.client("ssm").create_document(
            Name="Restart", DocumentType="Command", Content=json.dumps({"schemaVersion": "2.2", "mainSteps": []})
        )
    watch.anew()
    folder = case.write(tmp_path / "repository", OTHERS)
    estate.settle(tmp_path, SAFE, monkeypatch)
    refused = attempt(folder, estate)
    assert (refused.end, refused.writes) == (End.REFUSED, {}), refused.text
    assert f"{kind} " in refused.text
    estate.settle(tmp_path, {**SAFE, "grants": [*SAFE["grants"], {"stacks": "evil-dev", **grant}]}, monkeypatch)
    made = attempt(folder, estate)
    assert made.end is End.HARMLESS, made.text
    if kind is Boundary.DOCUMENT:  # which runs when the value changes
        stack = folder / "stacks" / "evil-dev.yaml"
        stack.write_text(stack.read_text().replace("plain-9", "plain-10"))
        assert attempt(folder, estate).end is End.HARMLESS
    assert seen(estate)
    assert made.desired is not None
    (crossing,) = [one for one in made.desired.specs["evil-dev"].crossings if one.boundary is kind]
    assert crossing.allowed_by == "grants: stacks evil-dev"
    assert [name for name in watch.touched() if not re.fullmatch(touched, name)] == []
