"""Each recipe of docs/recipes.md is applied as it stands there, and does what its heading says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pg8000.dbapi
import pytest
import yaml

from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.emulator import empty, reset_conditions, stand_in
from secrets_pipeline.operations.open_repository import open_repository
from tests.cli.conftest import Cli, clean_environment, cli, write
from tests.embedded import lead_to, operator

if TYPE_CHECKING:
    from secrets_pipeline.emulator import LocalAws

__all__ = ["clean_environment", "cli"]

PAGE: Final = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
HEADINGS: Final = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
ATMOS: Final = """
    base_path: "."
    stacks:
      base_path: stacks
      included_paths: ["*.yaml"]
      name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""
PASSWORD: Final = "of-no-use-anywhere-8"


@dataclass
class Recipe:
    """One recipe, in a repository of its own.

    Attributes:
        folder: the repository.
        aws: where it is applied.
        cli: runs the command line.
    """

    folder: Path
    aws: LocalAws
    cli: Cli

    def client(self, service: str) -> Any:  # noqa: ANN401 - any client of boto3
        session: Any = operator(self.aws, "eu-west-2")
        return session.client(service)

    def apply(self, *stacks: str) -> None:
        for stack in stacks or ("shop-dev",):
            self.run("apply", "-s", stack, "--yes")

    def run(self, *arguments: str, exits: int = 0) -> None:
        result = self.cli(*arguments, "--base-path", self.folder)
        assert result.exit_code == exits, result.output

    def value(self, name: str) -> Any:  # noqa: ANN401 - JSON or text
        text = self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        return json.loads(text) if text.startswith("{") else text


def blocks(heading: str) -> Iterator[str]:
    """The YAML of a recipe, block by block."""
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    yield from re.findall(r"```yaml\n(.*?)```", rest.partition("\n## ")[0], re.DOTALL)


@pytest.fixture
def recipe(
    request: pytest.FixtureRequest, cli: Cli, embedded_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Recipe:
    """The repository of a recipe, before it is applied: the last component block is of stack shop-dev."""
    reset_conditions(embedded_aws)
    empty(embedded_aws)
    lead_to(embedded_aws, monkeypatch)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    texts = list(blocks(request.param))
    settings: dict[str, Any] = {"targets": [{"stacks": "*", "account_id": "111122223333"}]}
    for text in texts:
        settings |= yaml.safe_load(text) if text.startswith("# operator.yaml") else {}
    components = [text for text in texts if not text.startswith("# operator.yaml")]
    folder = tmp_path / "repository"
    write(folder / "atmos.yaml", ATMOS)
    write(folder / "operator.yaml", yaml.safe_dump(settings))
    for text, environment in zip(reversed(components), ("dev", "shared"), strict=False):
        write(folder / "stacks" / "catalog" / f"{environment}.yaml", text)
        head = f"vars: {{context_name: shop, environment: {environment}, region: eu-west-2}}"
        write(folder / "stacks" / f"{environment}.yaml", f"import: [catalog/{environment}]\n{head}\n")
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
    # Terraform has made the roles of the readers.
    stand_in(embedded_aws, stand_ins(open_repository(folder).specs))
    return Recipe(folder, embedded_aws, cli)


def of(heading: str) -> pytest.MarkDecorator:
    assert heading in HEADINGS
    return pytest.mark.parametrize("recipe", [heading], indirect=True, ids=[heading])


@of("The password of a database user")
def test_a_user_logs_in_with_the_password_that_was_made_for_it(recipe: Recipe) -> None:
    recipe.client("rds").create_db_instance(
        DBInstanceIdentifier="orders-dev", Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
        MasterUsername="admin_", MasterUserPassword=PASSWORD, DBName="app",
    )  # fmt: skip
    recipe.apply()
    recipe.run("verify", exits=1)
    login = recipe.value("shop/dev/orders/login")
    _create_user(login, f"create role orders login password '{login['password']}'")
    recipe.run("verify")


def _create_user(login: Mapping[str, Any], statement: str) -> None:
    connect: Any = pg8000.dbapi.connect
    connection = connect(
        user="admin_", password=PASSWORD, host=login["host"], port=login["port"], database="app", ssl_context=False
    )
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


@of("The API key of a vendor")
def test_a_key_that_a_human_brings_stays_as_it_is(recipe: Recipe) -> None:
    recipe.apply()
    recipe.client("secretsmanager").put_secret_value(SecretId="shop/dev/vendors/datadog", SecretString=PASSWORD)
    recipe.apply()
    assert recipe.value("shop/dev/vendors/datadog") == PASSWORD


@of("Aurora that Terraform made")
def test_the_connection_follows_the_cluster_that_terraform_made(recipe: Recipe) -> None:
    rds = recipe.client("rds")
    made = rds.create_db_cluster(
        DBClusterIdentifier="shop-dev-aurora", Engine="aurora-postgresql", MasterUsername="app",
        ManageMasterUserPassword=True,
    )["DBCluster"]  # fmt: skip
    rds.create_db_instance(
        DBInstanceIdentifier="shop-dev-aurora-1", DBClusterIdentifier="shop-dev-aurora", Engine="aurora-postgresql",
        DBInstanceClass="db.t4g.medium",
    )  # fmt: skip
    recipe.apply()
    connection = recipe.value("shop/dev/reports/connection")
    assert connection["host"] == rds.describe_db_clusters()["DBClusters"][0]["Endpoint"]
    assert connection["credentials"] == made["MasterUserSecret"]["SecretArn"]


@of("One secret for two stacks")
def test_a_stack_refers_to_the_secret_of_another(recipe: Recipe) -> None:
    recipe.apply("shop-shared", "shop-dev")
    described = recipe.client("secretsmanager").describe_secret(SecretId="shop/shared/partner/token")
    assert recipe.value("shop/dev/links/partner") == {"arn": described["ARN"]}


@of("A pod in EKS")
def test_the_role_of_a_pod_gets_its_policy(recipe: Recipe) -> None:
    issuer = "oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLE"
    iam = recipe.client("iam")
    provider = iam.create_open_id_connect_provider(Url=f"https://{issuer}", ClientIDList=["sts.amazonaws.com"])
    trusted = {
        "Effect": "Allow",
        "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:sub": "system:serviceaccount:shop:backend",
                f"{issuer}:aud": "sts.amazonaws.com",
            }
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    iam.update_assume_role_policy(RoleName="shop-dev-backend", PolicyDocument=document)
    recipe.apply()
    (name,) = iam.list_role_policies(RoleName="shop-dev-backend")["PolicyNames"]
    attached = iam.get_role_policy(RoleName="shop-dev-backend", PolicyName=name)["PolicyDocument"]
    assert "secret:shop/dev/api/key-??????" in json.dumps(attached)


@of("A reader in another account")
def test_a_reader_in_another_account_is_let_in_by_secret_and_key(recipe: Recipe) -> None:
    recipe.apply()
    secrets, kms = recipe.client("secretsmanager"), recipe.client("kms")
    reader = "arn:aws:iam::444455556666:role/analytics"
    assert reader in secrets.get_resource_policy(SecretId="shop/dev/reports/feed")["ResourcePolicy"]
    key = secrets.describe_secret(SecretId="shop/dev/reports/feed")["KmsKeyId"]
    assert reader in kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]


def test_every_recipe_is_applied() -> None:
    applied = re.findall(r'^@of\("(.*)"\)$', Path(__file__).read_text(), re.MULTILINE)
    assert applied == HEADINGS
