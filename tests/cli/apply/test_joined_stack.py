"""A manifest that joins another stack, against the rule `manifests` of the operator, stops nothing of that stack."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from tests.cli.conftest import ATMOS, Cli, write

PRODUCTION = """
    vars: {context_name: myapp, environment: prod, account_id: "111122223333", region: eu-west-2}
    components: {terraform: {secretsmanager/app: {vars: {secrets: {token: {secret_data: production-9}}}}}}
"""
SETTINGS = """
    targets: [{stacks: "*-prod", account_id: "111122223333", region: eu-west-2, manifests: "stacks/prod/*"}]
"""


@pytest.mark.usefixtures("aws", "dagster_home")
@pytest.mark.parametrize(
    "joining",
    [
        PRODUCTION.replace("production-9", "evil-9"),
        PRODUCTION.replace("secretsmanager/app", "secretsmanager/evil").replace("token", "evil"),
        PRODUCTION.replace("{secret_data: production-9}", "[]"),
    ],
    ids=["with production's component", "with one of its own", "with an error"],
)
def test_a_manifest_from_elsewhere_is_left_out_of_production(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joining: str
) -> None:
    write(tmp_path / "operator.yaml", SETTINGS)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    folder = tmp_path / "atmos"
    write(folder / "atmos.yaml", ATMOS)
    write(folder / "stacks" / "prod" / "app.yaml", PRODUCTION)
    write(folder / "stacks" / "evil.yaml", joining)
    result = cli("apply", "-s", "myapp-prod", "--base-path", folder)
    assert result.exit_code == 0, result.output
    assert "stacks/evil.yaml names stack myapp-prod, but the operator's settings do not list it" in " ".join(
        result.stderr.split()
    )
    client = boto3.client("secretsmanager")
    assert [one["Name"] for one in client.list_secrets()["SecretList"]] == ["myapp/prod/token"]
    assert client.get_secret_value(SecretId="myapp/prod/token")["SecretString"] == "production-9"
