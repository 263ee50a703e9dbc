from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from secrets_pipeline import cli as command_line
from secrets_pipeline.cli.shared import repository as opened
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.errors import AwsError, SpecError, Where
from tests.cli.conftest import ATMOS, CANARY, Cli, write
from tests.runs import assert_exited


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--no-such-option"],
        ["plan", "--format", "xml"],
        ["apply"],
        ["apply", "--all", "-s", "x"],
        ["outputs"],
        ["no-such-command"],
        ["describe", "component", "-s", "x"],
        ["plan", "--base-path", "/no/such/folder"],
    ],
)
def test_a_mistyped_command_never_gives_the_exit_code_of_changes(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments)
    assert_exited(result, 1)
    assert result.stdout == ""
    assert result.stderr


@pytest.mark.parametrize("command", [["plan"], ["tree"], ["apply", "--all"], ["verify"], ["describe", "stacks"]])
def test_a_folder_without_atmos_yaml_is_an_error_with_a_remedy(cli: Cli, tmp_path: Path, command: list[str]) -> None:
    result = cli(*command, "--base-path", tmp_path)
    assert_exited(result, 1)
    assert result.stdout == ""
    assert "no atmos.yaml" in result.stderr
    assert "--base-path" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bug_shows_where_it_is_but_never_the_text_of_the_exception(
    cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr(opened, "read_asked", broken)
    result = cli("tree", "--base-path", repository)
    assert_exited(result, 1)
    assert "unexpected KeyError" in result.stderr
    assert "in broken" in result.stderr
    assert CANARY not in result.stderr


def test_a_dagster_home_that_cannot_be_used_is_one_sentence_with_a_remedy_and_plan_needs_none(
    cli: Cli, repository: Path, aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "file"))
    for command in (["verify"], ["apply", "--all"]):
        result = cli(*command, "--base-path", repository)
        assert_exited(result, 1)
        assert f"error: DAGSTER_HOME {tmp_path}/file cannot be used: it is no folder" in "".join(
            result.stderr.splitlines()
        )
        assert "Set DAGSTER_HOME to a folder." in result.stderr
        assert "Traceback" not in result.stderr
        assert "bug" not in result.stderr
    assert_exited(cli("plan", "--base-path", repository))


def test_every_command_has_a_help_text_that_tells_its_exit_codes(cli: Cli) -> None:
    for command in (
        ["describe", "stacks"],
        ["describe", "component"],
        ["tree"],
        ["plan"],
        ["apply"],
        ["verify"],
        ["outputs"],
        ["local", "start"],
        ["local", "status"],
        ["local", "stop"],
        ["demo"],
        ["dev"],
    ):
        result = cli(*command, "--help")
        assert_exited(result)
        assert "Exit codes:" in result.stdout


def test_the_module_and_the_script_are_the_same_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "secrets_pipeline", "--version"], check=True, capture_output=True, text=True
    )
    assert shown.stdout.startswith("secrets-pipeline ")
    assert callable(command_line.main)


def test_help_does_not_load_dagster() -> None:
    code = "import sys, secrets_pipeline.cli; sys.exit('dagster' in sys.modules or 'moto' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("trusted")
def test_of_thousands_of_errors_of_a_kind_the_first_are_said_and_json_has_all(cli: Cli, tmp_path: Path) -> None:
    count = 1_000
    reference = "${output.secretsmanager.secret_arns.typo}"
    entries = (f"s{n}: {{path: p, secret_data: '{reference.replace('typo', f'typo{n}')}'}}\n" for n in range(count))
    secrets = "".join(f"            {entry}" for entry in entries)
    stack = (
        "vars: {region: eu-west-2, account_id: '111122223333', context_name: shop, environment: dev}\n"
        "components:\n  terraform:\n    secretsmanager:\n      vars:\n        secrets:\n"
        f"{secrets}            odd: {{path: odd, secret_data: '${{file:none}}'}}\n"
    )
    write(tmp_path / "atmos.yaml", ATMOS)
    write(tmp_path / "stacks/deploy/dev.yaml", stack)
    found = cli("plan", "--offline", "--format", "json", "--base-path", tmp_path)
    assert_exited(found, 1)
    (texts,) = json.loads(found.stdout)["errors"].values()
    assert len(texts) == count + 1
    assert found.stderr.count("error: ") == 7
    assert f"error: stack shop-dev: and {count - 5} more like these; --format json has all" in found.stderr
    assert "file none does not exist" in found.stderr
    assert "Keys of its secrets: odd, s0, s1, s10" in texts[0]
    assert f"… and {count + 1 - 20} more" in texts[0]
    assert len(found.stderr) < 30_000


def test_errors_of_one_cause_are_said_once_with_what_else_they_happened_to(capsys: pytest.CaptureFixture[str]) -> None:
    failures = Failures()
    refused = [
        AwsError(f"CreateSecret {name} failed: refused", remedy="Allow it.", sentence="CreateSecret failed: refused")
        for name in (f"shop/s{number:03}" for number in range(150))
    ]
    for number, error in enumerate(refused):
        failures.add("shop-dev", error, about=f"shop/s{number:03}")
    for line in (3, 7):
        failures.add(
            "shop-dev", SpecError("the secret has no value", where=Where("dev.yaml", line), remedy="Write one.")
        )
    with pytest.raises(typer.Exit):
        failures.exit()
    names = "shop/s001, shop/s002, shop/s003"
    assert capsys.readouterr().err.splitlines() == [
        "error: CreateSecret shop/s000 failed: refused",
        "  Allow it.",
        "error: dev.yaml:3: the secret has no value",
        "  Write one.",
        f"error: stack shop-dev: CreateSecret failed: refused: also 149, for example {names}; --format json has all",
        "error: stack shop-dev: the secret has no value: also dev.yaml:7",
    ]
    assert len(failures.texts["shop-dev"]) == 152
