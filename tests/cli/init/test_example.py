"""`init --example` leads to a secret in AWS: its steps are followed to the letter in every newcomer's repository."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml

from benchmarks.newcomer import repositories, shop, tf_atmos
from tests.cli.conftest import Cli
from tests.runs import assert_exited

if TYPE_CHECKING:
    from typer.testing import Result


def repositories_of(module: ModuleType) -> dict[str, Any]:
    """The repositories of a module, by name."""
    return {name: files for name, files in vars(module).items() if isinstance(files, dict) and "stacks" in str(files)}


EVERY = {name: files for module in (repositories, shop, tf_atmos) for name, files in repositories_of(module).items()}
UNREADABLE = {"TF_ATMOS"}
"""Atmos itself refuses all of its stacks."""
STEP = re.compile(r"^# \d+\. (.*):$", re.MULTILINE)


def laid_out(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    return folder


def follow(printed: str, folder: Path) -> list[list[str]]:
    """Do what each numbered step says, to the letter, and return the commands of the last one."""
    steps = STEP.split(printed)[1:]
    for what, text in zip(steps[::2], steps[1::2], strict=True):
        done(what, text.strip("\n"), folder)
    return [line.split()[1:] for line in steps[-1].splitlines() if line.startswith("secrets-pipeline ")]


def done(what: str, text: str, folder: Path) -> None:
    if found := re.match(r"Write (\S+?)(?:\.|$)(?: |$)", what):
        path = folder / found[1]
        assert not path.exists(), "it would overwrite a file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    elif found := re.match(r"In (\S+), (add below|add above|replace) line (\d+)", what):
        path, line = folder / found[1], int(found[3])
        lines = path.read_text().splitlines()
        place = {"add below": (line, line), "add above": (line - 1, line - 1), "replace": (line - 1, line)}[found[2]]
        lines[slice(*place)] = text.splitlines()
        path.write_text("\n".join([*lines, ""]))
    else:
        assert what == "Run"


def suggested(result: Result) -> list[str]:
    """The arguments of the one next command."""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Next: ")]
    return line.removeprefix("Next: secrets-pipeline ").split()


@pytest.mark.parametrize("name", sorted(EVERY.keys() - UNREADABLE))
@pytest.mark.usefixtures("aws", "dagster_home")
def test_what_it_prints_makes_a_secret_in_every_repository(
    cli: Cli, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = laid_out({file: text for file, text in EVERY[name].items() if file != "operator.yaml"}, tmp_path / "repo")
    monkeypatch.chdir(folder)
    if not (folder / "atmos.yaml").exists():
        (config,) = folder.rglob("atmos.yaml")
        monkeypatch.setenv("ATMOS_CLI_CONFIG_PATH", str(config.parent))
        monkeypatch.setenv("ATMOS_BASE_PATH", str(folder))
    listed = cli("list", "stacks", "--format", "plain", "--all")
    stack = next(stack for stack in listed.stdout.split() if "prod" not in stack and "auto" not in stack)
    printed = cli("init", "--example", stack)
    assert_exited(printed)
    assert repositories.CANARY not in printed.output
    plan, apply = follow(printed.stdout, folder)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
    secret = printed.stdout.splitlines()[0].rpartition(": ")[2]
    planned = cli(*plan)
    assert re.search(rf"create\s+secret\s+{re.escape(secret)}\s", planned.stdout), planned.output
    applied = cli(*apply)
    region = yaml.safe_load((folder / "operator.yaml").read_text())["targets"][0].get("region")
    region = region or next(one for one in re.findall(r"\b[a-z]{2}-[a-z]+-\d\b", planned.output))
    names = [one["Name"] for one in boto3.client("secretsmanager", region).list_secrets()["SecretList"]]
    assert secret in names, applied.output


def test_the_first_screen_leads_to_it_without_a_value(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(laid_out(dict(repositories.APPLICATION), tmp_path))
    for command in (("tree",), ("plan", "--offline"), ("plan",), ("list", "stacks"), ("init",)):
        shown = cli(*command)
        assert_exited(shown)
        assert suggested(shown) == ["init", "--example", "dev"], command
        for sign in (
            "stacks/catalog/app.yaml\n",
            "    line 6: vars.secret_names of app-api\n",
            "    line 7: vars.database.password of app-api\n",
            "    line 8: vars.partner_arn, the ARN of a secret, of app-api\n",
            "    line 10: env.API_TOKEN of app-api\n",
            "components/terraform/app-api/main.tf\n    line 5: aws_secretsmanager_secret.db\n",
            "    line 9: aws_ssm_parameter.session\n",
            "read 2 stacks and 4 components:\n  dev, prod\n",
        ):
            assert sign in shown.stderr
        assert "secrets_enabled" not in shown.stderr
        assert repositories.CANARY not in shown.output
        assert max(map(len, shown.stderr.splitlines())) <= 80
    assert_exited(cli(*suggested(shown)))


def test_where_the_repository_was_named_the_next_command_names_it_too(cli: Cli, tmp_path: Path) -> None:
    folder = laid_out(dict(repositories.APPLICATION), tmp_path / "repo")
    shown = cli("tree", "--base-path", folder)
    assert suggested(shown) == ["init", "--example", "dev", "--base-path", str(folder)]
    assert f"secrets-pipeline plan -s dev --base-path {folder}" in cli(*suggested(shown)).stdout


def test_stacks_are_listed_with_account_and_region_before_any_of_them_has_a_secret(cli: Cli, tmp_path: Path) -> None:
    folder = laid_out({**repositories.APPLICATION, **prod_account()}, tmp_path)
    listed = cli("list", "stacks", "--base-path", folder)
    assert_exited(listed)
    assert [line.split()[:-2] for line in listed.stdout.splitlines()[1:]] == [
        ["dev", "eu-central-1"],
        ["prod", "111122223333", "eu-central-1"],
    ]
    settings = yaml.safe_load(cli("init", "--base-path", folder).stdout)
    assert [(rule["stacks"], rule.get("account_id")) for rule in settings["targets"]] == [
        ("dev", None),
        ("prod", "111122223333"),
    ]


def prod_account() -> dict[str, str]:
    return {"stacks/deploy/prod.yaml": repositories.APPLICATION["stacks/deploy/prod.yaml"]}


def test_a_stack_that_does_not_exist_is_named_with_near_misses(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "--example", "deb", "--base-path", laid_out(dict(repositories.APPLICATION), tmp_path))
    assert_exited(result, 1)
    assert "dev" in result.stderr
    assert not result.stdout


def test_a_second_example_has_a_name_of_its_own_and_adds_to_settings_in_force(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = laid_out(dict(repositories.APPLICATION), tmp_path)
    monkeypatch.chdir(folder)
    first = cli("init", "--example", "dev").stdout
    follow(first, folder)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
    second = cli("init", "--example", "dev").stdout
    assert second.startswith("# A first secret in stack dev: dev/example-2/password\n")
    assert "# 1. Write stacks/catalog/secretsmanager/example-2.yaml:" in second
    assert f"# 3. Add this to {folder}/operator.yaml, unless it has a rule for the stack." in second
    assert "export SECRETS_PIPELINE_CONFIG" not in second


def test_the_import_goes_into_the_manifest_of_most_components(cli: Cli, tmp_path: Path) -> None:
    printed = cli("init", "--example", "lab", "--base-path", laid_out(dict(repositories.RENDERED_TWICE), tmp_path))
    assert_exited(printed)
    assert "# 2. In stacks/deploy/lab.yaml, " in printed.stdout
    assert "# Add region: … below." in printed.stdout
    assert '# Add account_id: "…" below' in printed.stdout
