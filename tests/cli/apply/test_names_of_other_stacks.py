"""A stack that declares another stack's names is blocked there alone, and stops nothing of the other."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from typer.testing import Result

from tests.cli.conftest import ATMOS, Cli, write

PRODUCTION = """
    name: myapp-prod
    vars: {{context_name: myapp, environment: prod, account_id: "111122223333", region: eu-west-2}}
    settings: {{secrets_pipeline: {{dialect: tf-atmos}}}}
    components:
      terraform:
        secretsmanager/app: {{vars: {{secrets: {{{secrets}}}}}}}
{more}
"""
EVIL = (
    PRODUCTION.replace("myapp-prod", "evil-myapp-prod").replace("secretsmanager/app", "secretsmanager/evil")
    + """
        secretsmanager/own: {{vars: {{context_name: evil-myapp, secrets: {{own: {{secret_data: mine-9}}}}}}}}
"""
)
DATABASE = """
        rds:
          settings: {secrets_pipeline: {create: true}}
          vars: {identifier: myapp-prod-db, engine: postgres, username: owner, manage_master_user_password: true}
"""
ADDED = "next: {secret_data: production-9}"


pytestmark = pytest.mark.usefixtures("aws", "dagster_home")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A repository in which a stack declares what production is about to add."""
    folder = tmp_path / "atmos"
    write(folder / "atmos.yaml", ATMOS)
    write(folder / "stacks" / "prod.yaml", PRODUCTION.format(secrets=ADDED, more=DATABASE))
    write(folder / "stacks" / "evil.yaml", EVIL.format(secrets=ADDED.replace("production", "evil"), more=DATABASE))
    return folder


def names() -> set[str]:
    return {one["Name"] for one in boto3.client("secretsmanager").list_secrets()["SecretList"]}


def value(name: str) -> str:
    return str(boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def said(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.mark.usefixtures("wide")
def test_production_goes_on_with_what_another_stack_declares_too(cli: Cli, two: Path) -> None:
    production = cli("apply", "-s", "myapp-prod", "--base-path", two)
    assert production.exit_code == 0, production.output
    assert value("myapp/prod/next") == "production-9"
    (database,) = boto3.client("rds").describe_db_instances()["DBInstances"]
    assert {"Key": "secrets-pipeline:stack", "Value": "myapp-prod"} in database["TagList"]
    evil = cli("apply", "-s", "evil-myapp-prod", "--base-path", two)
    assert (evil.exit_code, value("myapp/prod/next")) == (1, "production-9"), evil.output
    assert "blocked secret myapp/prod/next secrets belongs to stack myapp-prod, component" in said(evil)
    assert "blocked database myapp-prod-db rds_instances belongs to stack myapp-prod:" in said(evil)


@pytest.mark.usefixtures("wide")
def test_a_stack_that_comes_first_takes_nothing_of_productions_and_makes_what_is_its_own(cli: Cli, two: Path) -> None:
    evil = cli("apply", "-s", "evil-myapp-prod", "--base-path", two)
    assert (evil.exit_code, names()) == (1, {"evil-myapp/prod/own"}), evil.output
    assert "blocked secret myapp/prod/next secrets is declared by stack myapp-prod too" in said(evil)
    assert "blocked database myapp-prod-db rds_instances is declared by stack myapp-prod too" in said(evil)
    assert boto3.client("rds").describe_db_instances()["DBInstances"] == []


def test_a_name_below_productions_prefix_is_productions_though_it_does_not_declare_it(cli: Cli, two: Path) -> None:
    write(two / "stacks" / "evil.yaml", EVIL.format(secrets="planted: {secret_data: evil-9}", more=""))
    result = cli("apply", "-s", "evil-myapp-prod", "--base-path", two)
    assert (result.exit_code, names()) == (1, {"evil-myapp/prod/own"}), result.output
    assert "is named after stack myapp-prod" in said(result)
    assert '- {stacks: "evil-myapp-prod", secrets: ["myapp/prod/planted"]}' in said(result)


def test_a_stack_of_productions_words_makes_no_name_below_its_prefix(cli: Cli, two: Path) -> None:
    twin = PRODUCTION.replace("myapp-prod", "myapp_prod")
    write(two / "stacks" / "evil.yaml", twin.format(secrets="planted: {secret_data: evil-9}", more=""))
    result = cli("apply", "-s", "myapp_prod", "--base-path", two)
    assert (result.exit_code, names()) == (1, set()), result.output
    assert "is named after stack myapp-prod" in said(result)
