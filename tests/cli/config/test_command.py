"""`config` shows what is in force and from where, and no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, write
from tests.runs import assert_exited

SETTINGS = """
    targets:
      - {stacks: "shop-*", account_id: "111122223333"}
      - stacks: "*"
    access:
      organization_policies: allow
    alerts:
      dagster_url: https://me:s3cr3t@dagster.example/x?token=s3cr3t
      webhook: {environment: SLACK_URL}
    environment_allowed: [SLACK_URL]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A file of the operator's settings."""
    write(tmp_path / "operator.yaml", SETTINGS)
    return tmp_path / "operator.yaml"


def rows(cli: Cli, *arguments: str | Path, code: int = 0) -> dict[str, tuple[Any, str]]:
    """Value and source by `about name`."""
    result = cli("config", "--format", "json", *arguments)
    assert_exited(result, code)
    return {
        f"{row['about']} {row['name']}": (row["value"], row["source"]) for row in json.loads(result.stdout)["in_force"]
    }


def test_each_setting_has_its_line_or_is_the_default(cli: Cli, repository: Path, settings: Path) -> None:
    found = rows(cli, "--base-path", repository, "--config", settings)
    own = "operator's settings"
    assert found[f"{own} file"] == (str(settings), "--config")
    assert found[f"{own} targets[0]"] == ({"stacks": "shop-*", "account_id": "111122223333"}, "operator.yaml:3")
    assert found[f"{own} targets[1]"] == ({"stacks": "*"}, "operator.yaml:4")
    assert found[f"{own} access.organization_policies"] == ("allow", "operator.yaml:6")
    assert found[f"{own} access.organization_id"] == (None, "default")
    assert found[f"{own} seal_key"] == ("alias/secrets-pipeline", "default")
    assert found[f"{own} alerts.webhook"] == ({"environment": "SLACK_URL"}, "operator.yaml:9")
    assert found["Atmos repository"] == (str(repository), "--base-path")
    assert found["Atmos base path"] == (str(repository), "atmos.yaml:2, key base_path")
    assert found["Atmos stacks"] == (str(repository / "stacks"), "atmos.yaml:4, key stacks.base_path")
    assert found["Atmos atmos.yaml"] == (str(repository / "atmos.yaml"), "read as number 1, later ones win")


def test_the_settings_that_are_set_come_first_and_the_others_are_counted(
    cli: Cli, repository: Path, tmp_path: Path
) -> None:
    usual = {"targets": '[{stacks: "*"}]', "repository": "github.com/acme/infra", "grants": "{preset: single-team}"}
    write(tmp_path / "operator.yaml", "".join(f"{name}: {value}\n" for name, value in usual.items()))
    shown = cli("config", "--base-path", repository, "--config", tmp_path / "operator.yaml")
    assert_exited(shown)
    summary, *lines = shown.stdout.splitlines()
    every = rows(cli, "--base-path", repository, "--config", tmp_path / "operator.yaml")
    settings = [name for name in every if name.startswith("operator's settings ") and not name.endswith(" file")]
    assert summary == (
        "Set in operator.yaml: targets, grants, repository. All other settings have their defaults; --all lists them."
    )
    assert [line.split()[2] for line in lines if line.startswith("operator's")] == [
        "file", "targets[0]", "grants", "repository"
    ]  # fmt: skip
    assert any("atmos.yaml" in line for line in lines)
    whole = cli("config", "--all", "--base-path", repository, "--config", tmp_path / "operator.yaml")
    assert whole.stdout.splitlines()[0] == summary.replace("; --all lists them", "")
    assert sum(line.startswith("operator's") for line in whole.stdout.splitlines()) == len(settings) + 1


def test_a_file_that_is_imported_and_found_as_well_is_listed_once(cli: Cli, repository: Path) -> None:
    text = (repository / "atmos.yaml").read_text()
    write(repository / "atmos.yaml", text + "import: [atmos.d/*.yaml]\n")
    write(repository / "atmos.d" / "a.yaml", "logs: {level: Info}\n")
    result = cli("config", "--base-path", repository, "--format", "json")
    rows = json.loads(result.stdout)["in_force"]
    files = [row["value"] for row in rows if row["name"] == "atmos.yaml"]
    assert files == [str(repository / "atmos.d" / "a.yaml"), str(repository / "atmos.yaml")]


def test_variables_say_where_things_come_from(
    cli: Cli, repository: Path, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SECRETS_PIPELINE_CONFIG": "operator.yaml",
        "ATMOS_BASE_PATH": str(repository),
        "DAGSTER_HOME": "/srv/dagster",
        "AWS_REGION": "eu-west-2",
        "SECRETS_PIPELINE_READ_ONLY": "1",
        "SECRETS_PIPELINE_READONLY": "1",
    }.items():
        monkeypatch.setenv(name, value)
    found = rows(cli)
    source = "SECRETS_PIPELINE_CONFIG, operator.yaml from the current folder"
    assert found["operator's settings file"] == (str(settings), source)
    assert found["Atmos repository"] == (str(repository), "ATMOS_BASE_PATH")
    assert found["Atmos base path"] == (str(repository), "key base_path (of ATMOS_BASE_PATH)")
    assert found["Dagster DAGSTER_HOME"] == ("/srv/dagster", "environment")
    assert found["AWS AWS_REGION"] == ("eu-west-2", "environment")
    assert found["switches SECRETS_PIPELINE_READ_ONLY"] == ("1", "environment")
    told = "commands do not read it. Did you mean SECRETS_PIPELINE_READ_ONLY?"
    assert found["switches SECRETS_PIPELINE_READONLY"] == ("(set)", told)


@pytest.mark.parametrize("form", ["table", "json"])
def test_no_secret_is_shown(
    cli: Cli, repository: Path, settings: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "SLACK_URL", "SECRETS_PIPELINE_X"}
    for name in secret:
        monkeypatch.setenv(name, "s3cr3t")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:s3cr3t@127.0.0.1:1/?key=s3cr3t")
    result = cli("config", "--format", form, "--base-path", repository, "--config", settings)
    assert_exited(result)
    assert "s3cr3t" not in result.output
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "127.0.0.1:1", "dagster.example"):
        assert name in result.stdout


def test_what_cannot_be_read_does_not_hide_the_rest(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "operator.yaml").write_text("tragets: []\n")
    result = cli("config", "--base-path", tmp_path, "--config", tmp_path / "operator.yaml")
    assert_exited(result, 1)
    assert "operator.yaml:1, key tragets: unknown key tragets\n  Did you mean targets?" in result.stderr
    assert "no atmos.yaml in " in result.stderr
    assert "DAGSTER_HOME" in result.stdout


def test_without_settings_it_says_so(cli: Cli, repository: Path) -> None:
    found = rows(cli, "--base-path", repository)
    assert found["operator's settings file"] == (None, "neither --config nor SECRETS_PIPELINE_CONFIG")
    assert {source for name, (_, source) in found.items() if name.startswith("operator")} >= {"default"}
    assert found["operator's settings targets"] == ([], "default")
    shown = cli("config", "--base-path", repository)
    assert shown.stdout.startswith("No setting of the operator is set. All have their defaults; --all lists them.\n")


def test_a_file_that_is_not_there_is_named_as_it_was_tried(
    cli: Cli, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli("plan", "--offline", "--base-path", repository, "--config", "settings/operator.yaml")
    assert_exited(result, 1)
    assert f"{tmp_path}/settings/operator.yaml: No such file or directory" in result.stderr
    assert "a relative path is taken from the current folder" in result.stderr


@pytest.mark.parametrize(
    "command",
    [(), ("plan",), ("apply",), ("describe", "stacks"), ("access", "matrix"), ("events", "status"), ("config",)],
)
def test_help_names_the_variables(cli: Cli, command: tuple[str, ...]) -> None:
    result = cli(*command, "--help")
    assert_exited(result)
    said = " ".join(result.stdout.split())
    for name in ("SECRETS_PIPELINE_CONFIG", "ATMOS_BASE_PATH", "DAGSTER_HOME", "secrets-pipeline config"):
        assert name in said


def test_a_deployment_is_not_handed_settings(cli: Cli, repository: Path, settings: Path) -> None:
    result = cli("apply", "--all", "--queue", "--base-path", repository, "--config", settings)
    assert_exited(result, 1)
    assert "--queue hands the run to another process, which takes no --base-path or --config" in result.stderr
