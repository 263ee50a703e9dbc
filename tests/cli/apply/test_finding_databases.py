"""From YAML without an identifier to a secret with the host of the database, in repositories of strangers' shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import Result

from tests.cli.conftest import Cli, write
from tests.waiting import WAITER

ATMOS = """
    base_path: "."
    stacks:
      base_path: stacks
      included_paths: ["**/*"]
      name_template: "{{ .vars.namespace }}-{{ .vars.tenant }}-{{ .vars.environment }}-{{ .vars.stage }}"
    components:
      terraform:
        base_path: components/terraform
"""
STACK = """
    vars:
      namespace: plat
      tenant: platform
      environment: usw2
      stage: dev
      account_id: "111122223333"
      region: eu-west-2
    components:
      terraform:
        secretsmanager/app:
          vars:
            context_name: plat/platform
            secrets:
              db: {{secret_data: {{url: !terraform.state {component} {output}}}}}
        {component}:
{more}
"""
APPDB = """
          vars: {name: appdb, engine: mysql, database_name: appdb}
"""
STACK_NAMED = ("-s", "plat-platform-usw2-dev")
IDENTIFIER = "plat-platform-usw2-dev-appdb"
LABELS = {"Namespace": "plat", "Tenant": "platform", "Environment": "usw2", "Stage": "dev"}
UNPROVEN = "write settings: {secrets_pipeline: {identifier: "

pytestmark = pytest.mark.usefixtures("aws", "dagster_home")


@pytest.fixture
def appdb(tmp_path: Path) -> Path:
    """The shape of rykelley/atmos-eks-platform-aws: `rds` with `name: appdb`, and a secret that refers to it."""
    return repository(tmp_path)


def repository(tmp_path: Path, component: str = "rds", more: str = APPDB, output: str = "address") -> Path:
    folder = tmp_path / "atmos"
    write(folder / "atmos.yaml", ATMOS)
    write(folder / "stacks" / "dev.yaml", STACK.format(component=component, more=more, output=output))
    return folder


def make(identifier: str, *, engine: str = "mysql", tags: dict[str, str] | None = None) -> dict[str, Any]:
    rds = boto3.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=identifier,
        Engine=engine,
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="a-password-of-theirs",
        Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=identifier, WaiterConfig=WAITER)
    found: dict[str, Any] = dict(rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0])
    return found


def make_cluster(identifier: str, *, tags: dict[str, str]) -> dict[str, Any]:
    rds = boto3.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier=identifier,
        Engine="aurora-postgresql",
        MasterUsername="owner",
        MasterUserPassword="a-password-of-theirs",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    rds.create_db_instance(
        DBInstanceIdentifier=f"{identifier}-1",
        DBClusterIdentifier=identifier,
        DBInstanceClass="db.t4g.medium",
        Engine="aurora-postgresql",
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=f"{identifier}-1", WaiterConfig=WAITER)
    found: dict[str, Any] = dict(rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0])
    return found


def said(result: Result) -> str:
    return " ".join(result.output.split())


def url(name: str = "plat/platform/usw2/db") -> str:
    return str(json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])["url"])


def secrets() -> list[str]:
    return [one["Name"] for one in boto3.client("secretsmanager").list_secrets()["SecretList"]]


def test_a_database_is_found_by_the_identifier_that_its_labels_make(cli: Cli, appdb: Path) -> None:
    make("billing")
    made = make(IDENTIFIER)
    plan = cli("plan", *STACK_NAMED, "--base-path", appdb, "--show-unchanged")
    assert f"found: {IDENTIFIER}, by its identifier" in said(plan)
    result = cli("apply", *STACK_NAMED, "--base-path", appdb)
    assert result.exit_code == 0, result.output
    assert url() == made["Endpoint"]["Address"]
    again = cli("apply", *STACK_NAMED, "--base-path", appdb)
    assert (again.exit_code, url()) == (0, made["Endpoint"]["Address"]), again.output


def test_a_name_that_is_the_identifier_is_found_if_it_tells_the_stack_apart(cli: Cli, tmp_path: Path) -> None:
    # The shape of Benbentwo/atmos-jetbrains-plugin: `name: acme-prod-db`, and an Environment tag that is the stage.
    more = "\n          metadata: {component: rds}\n          vars: {name: platform-dev-db, tags: {Environment: dev}}\n"
    folder = repository(tmp_path, "rds/dev", more)
    made = make("platform-dev-db", engine="postgres", tags={"Environment": "dev"})
    result = cli("apply", *STACK_NAMED, "--base-path", folder)
    assert result.exit_code == 0, result.output
    assert url() == made["Endpoint"]["Address"]


def test_cloud_posses_aurora_cluster_is_found_by_its_tags_and_answers_its_own_outputs(cli: Cli, tmp_path: Path) -> None:
    more = "\n          vars: {name: aurora, cluster_name: shared}\n"
    folder = repository(tmp_path, "aurora-postgres", more, "reader_endpoint")
    name = "plat-platform-usw2-dev-aurora-shared"
    made = make_cluster("of-another-name", tags={"Name": name, "Attributes": "shared", **LABELS})
    plan = cli("plan", *STACK_NAMED, "--base-path", folder, "--show-unchanged")
    assert "found: of-another-name, by its tags" in said(plan)
    result = cli("apply", *STACK_NAMED, "--base-path", folder)
    assert result.exit_code == 0, result.output
    assert url() == made["ReaderEndpoint"]


def test_candidates_are_listed_with_the_line_to_write_by_plan_apply_and_doctor_alike(cli: Cli, appdb: Path) -> None:
    make("plat-platform-usw2-prod-appdb", tags={**LABELS, "Stage": "prod"})
    make("appdb-dev")
    why = (
        "component rds names no identifier, and several databases may be meant: appdb-dev (mysql; its name); "
        "plat-platform-usw2-prod-appdb (mysql; tag Namespace=plat, tag Tenant=platform, tag Environment=usw2, but "
        "tag Stage=prod)"
    )
    line = "write settings: {secrets_pipeline: {identifier: NAME}} under components.terraform.rds"
    for command in ("plan", "apply"):
        result = cli(command, *STACK_NAMED, "--base-path", appdb)
        assert why in said(result)
        assert line in said(result)
    assert secrets() == []
    doctor = said(cli("doctor", *STACK_NAMED, "--base-path", appdb))
    assert why in doctor
    assert line[1:] in doctor


def test_the_line_that_was_asked_for_is_all_that_it_takes(cli: Cli, tmp_path: Path) -> None:
    made = make("appdb-dev")
    line = "          settings: {secrets_pipeline: {identifier: appdb-dev}}"
    folder = repository(tmp_path, more=f"{APPDB}{line}\n")
    result = cli("apply", *STACK_NAMED, "--base-path", folder)
    assert result.exit_code == 0, result.output
    assert url() == made["Endpoint"]["Address"]


def test_where_nothing_looks_like_it_the_identifier_is_asked_for_before_anything_is_made(cli: Cli, appdb: Path) -> None:
    make("billing")
    result = cli("plan", *STACK_NAMED, "--base-path", appdb)
    text = said(result)
    assert (
        "component rds names no identifier, and no database of account 111122223333, eu-west-2 has its name "
        f"({IDENTIFIER}"
    ) in text
    asked = (
        f"{UNPROVEN}NAME}}}} under components.terraform.rds, or apply the component with Terraform first; if Terraform "
        "does not make it, settings.secrets_pipeline.create: true creates it, with vars.username, vars.password "
        "(a reference to a generated secret)"
    )
    assert asked in text
    assert "let Terraform make it" not in text


def test_a_second_database_that_matches_blocks_the_secret_and_changes_nothing(cli: Cli, appdb: Path) -> None:
    made = make(IDENTIFIER, tags={"Name": IDENTIFIER, **LABELS})
    assert cli("apply", *STACK_NAMED, "--base-path", appdb).exit_code == 0
    make("planted", tags={"Name": IDENTIFIER, **LABELS})
    result = cli("plan", *STACK_NAMED, "--base-path", appdb)
    assert "several databases may be meant" in said(result)
    cli("apply", *STACK_NAMED, "--base-path", appdb)
    assert url() == made["Endpoint"]["Address"]
