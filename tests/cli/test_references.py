"""What a user sees of a repository in the dialect of tf-atmos."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, write
from tests.runs import assert_exited

pytestmark = pytest.mark.usefixtures("trusted")
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


def test_a_tree_shows_all_names_and_what_blocks_two_of_them(cli: Cli) -> None:
    result = cli("tree", "--base-path", FIXTURE, "-s", STACK)
    assert_exited(result, 1)
    assert [line.lstrip("│├└─ ").split("  ")[0] for line in result.stdout.splitlines() if STACK in line] == sorted(
        (name.rsplit("/", 1)[1] for name in NAMES),
        key=lambda last: next(name for name in NAMES if name.endswith(f"/{last}")),
    )
    blocked = [line.lstrip("│├└─ ") for line in result.stdout.splitlines() if line.endswith("  blocked")]
    assert [line.split("  ")[0] for line in blocked] == ["istio-certificates", "config"]
    assert "component rds is a single instance" in result.stderr
    assert "component kms does not exist in stack" in result.stderr


def test_a_tree_as_json_has_the_secrets_in_the_order_in_which_they_are_made(cli: Cli) -> None:
    rows = json.loads(cli("tree", "--base-path", FIXTURE, "--format", "json").stdout)
    assert [row["name"] for row in rows] == NAMES
    assert [row["name"] for row in rows if row["blocked"]] == [NAMES[2], NAMES[8]]


@pytest.mark.usefixtures("wide")
def test_a_plan_offline_lists_the_order_and_what_becomes_of_each_reference(cli: Cli) -> None:
    result = cli("plan", "--offline", "--base-path", FIXTURE, "-s", STACK)
    assert_exited(result, 1)
    declared, references = (
        [re.split(r" {2,}", line.strip()) for line in part.splitlines() if "myapp/" in line]
        for part in result.stdout.split("what its secrets refer to")
    )
    assert [row[1] for row in declared] == NAMES
    assert [row[1] for row in declared if row[3].endswith("blocked")] == [NAMES[2], NAMES[8]]
    assert [[row[0].removeprefix("myapp/fnx/"), *row[1:]] for row in references] == [
        [
            "rds/connection",
            "secret_data",
            "${output.secretsmanager_app_db.secret_values.db_credentials}",
            "ordered",
            f"after {NAMES[0]}",
        ],
        ["rds/connection", "secret_data", "${output.rds.endpoint}", "later", "known as soon as the instance exists"],
        [
            "rds/config",
            "secret_data.password",
            "${output.secretsmanager_app_db.secret_values.db_credentials}",
            "ordered",
            f"after {NAMES[0]}",
        ],
        [
            "rds/config",
            "secret_data.schema",
            "${output.liquibase.schema}",
            "default",
            "does not exist, so its default serves",
        ],
        [
            "rds/config",
            "secret_data.replica",
            "${output.rds.reader_endpoint}",
            "blocked",
            "missing output: component rds is a single instance (it names no engine), so it has no reader_endpoint",
        ],
        [
            "auth/oauth-config",
            "secret_data.client_secret",
            "${output.secretsmanager_api.secret_values.api_key}",
            "ordered",
            f"after {NAMES[3]}",
        ],
        [
            "network/vpn-config",
            "secret_data.pre_shared_key",
            "${ssm:/fnx/vpn/pre-shared-key}",
            "later",
            "SSM Parameter Store is asked",
        ],
        [
            "monitoring/monitoring-webhook",
            "secret_data",
            "${ssm:/fnx/monitoring/webhook}",
            "later",
            "SSM Parameter Store is asked",
        ],
        [
            "certificates/istio-certificates",
            "secret_data.certificate",
            "${ssm:/fnx/istio/certificate}",
            "later",
            "SSM Parameter Store is asked",
        ],
        [
            "certificates/istio-certificates",
            "secret_data.private_key",
            "${ssm:/fnx/istio/private-key}",
            "later",
            "SSM Parameter Store is asked",
        ],
        [
            "certificates/istio-certificates",
            "kms_key_id",
            "${output.kms.key_id}",
            "blocked",
            f"missing component: component kms does not exist in stack {STACK}",
        ],
    ]


def test_each_unresolvable_reference_is_an_error_with_its_place_and_a_way_out(cli: Cli) -> None:
    result = cli("plan", "--offline", "--base-path", FIXTURE, "--format", "json")
    assert_exited(result, 1)
    shown = json.loads(result.stdout)
    output, component = shown["errors"][STACK]
    assert "component secretsmanager_app_db, key vars.secrets.db_config.secret_data.replica: component rds" in output
    assert "stacks/account/fnx/testenv-01.yaml:" in output
    assert "Write ${output.rds.endpoint}. Aurora clusters have it" in output
    assert "key vars.secrets.istio.kms_key_id: component kms does not exist" in component
    assert result.stderr.count("error: ") == 2
    states = [row["state"] for row in shown["stacks"][STACK]["references"]]
    assert {state: states.count(state) for state in states} == {"ordered": 3, "later": 5, "default": 1, "blocked": 2}


def test_the_dialect_says_once_that_it_is_read(cli: Cli) -> None:
    result = cli("tree", "--base-path", FIXTURE)
    assert result.stderr.count("${…} is read as a reference, in the dialect of tf-atmos") == 1


def test_atmos_own_description_keeps_references_as_text(cli: Cli) -> None:
    result = cli("describe", "stacks", "--base-path", FIXTURE, "--format", "json", "--show-values")
    assert_exited(result)
    variables = json.loads(result.stdout)[STACK]["components"]["terraform"]["secretsmanager_infra"]["vars"]
    assert variables["database_user"] == "${vars.service}_app"
    assert variables["secrets"]["istio"]["kms_key_id"] == "${output.kms.key_id}"


def chain(repository: Path, **values: str) -> None:
    """A stack whose secrets have these values."""
    secrets = "".join(f"\n              {key}: {{secret_data: '{value}'}}" for key, value in values.items())
    write(
        repository / "stacks" / "dev.yaml",
        f"""
    vars: {{context_name: shop, environment: dev, region: eu-west-2}}
    components:
      terraform:
        secretsmanager/app:
          vars:
            secrets:{secrets}
    """,
    )


@pytest.mark.usefixtures("wide")
def test_a_cycle_is_one_error_with_its_chain_and_what_hangs_on_it_is_listed(cli: Cli, repository: Path) -> None:
    reference = "${{output.secretsmanager/app.secret_values.{}}}"
    chain(repository, a=reference.format("b"), b=reference.format("a"), c=reference.format("a"), d="x-9")
    result = cli("plan", "--offline", "--base-path", repository)
    assert_exited(result, 1)
    names = "secretsmanager/app.a → secretsmanager/app.b → secretsmanager/app.a"
    assert result.stderr.count("error: ") == 1
    assert f"key vars.secrets.a.secret_data: circular reference: {names}" in result.stderr
    assert result.stdout.count(f"circular: circular reference: {names}") == 2
    assert "needs a blocked secret: secret shop/dev/a, which it is rendered from, is blocked" in result.stdout
    assert re.search(r"secret +shop/dev/d +secretsmanager/app#d +generic$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", [("tree",), ("plan", "--offline")])
def test_what_waits_for_aws_is_no_error(cli: Cli, repository: Path, command: tuple[str, ...]) -> None:
    chain(repository, a="${ssm:/p}", b="${output.secretsmanager/app.secret_values.a}")
    assert_exited(cli(*command, "--base-path", repository))
