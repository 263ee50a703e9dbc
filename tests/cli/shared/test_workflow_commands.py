"""No text of an author's YAML gives a command to the runner of GitHub Actions, which reads them out of a job's log.

`runs` decides as https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs does: TryParseV2 leaves
out blanks in front of `::`, TryParse finds `##[` anywhere in a line.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import ATMOS, Cli, write
from tests.runs import assert_exited

KEY = "odd\n::add-mask::drift\n   ::stop-commands::x\n##[add-mask]drift"
FAILS = """
    vars: {context_name: shop, environment: dev, account_id: "111122223333", region: eu-west-2}
    components:
      terraform:
        secretsmanager/app:
          vars: {secrets: {a: {secret_data: 'x{{ fail "no\\n::add-mask::drift\\n ##[add-mask]drift" }}'}}}
"""
COMMANDS = ("add-mask", "stop-commands", "error", "group", "endgroup", "set-output", "debug", "notice", "warning")


def runs(line: str) -> bool:
    """Whether the runner takes a line of a log for a command."""
    trimmed = line.lstrip()
    if trimmed.startswith("::") and "::" in trimmed[2:]:
        return trimmed[2:].partition("::")[0].partition(" ")[0].casefold() in COMMANDS
    _, found, rest = line.partition("##[")
    return bool(found) and "]" in rest and rest.partition("]")[0].partition(" ")[0].casefold() in COMMANDS


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if runs(line)]


def test_the_judge_finds_commands_where_the_runner_does() -> None:
    assert all(map(runs, ("::add-mask::x", "  ::error file=a::x", "a ##[add-mask]x", "##[group]")))
    assert not any(map(runs, ("a ::add-mask::x", ": :add-mask::x", "## [add-mask]x", "::mine::x", "##[mine]")))


@pytest.fixture
def odd(repository: Path) -> Path:
    """A repository in which an author put commands into keys, values and descriptions."""
    stack = {
        "vars": {"context_name": "shop", "environment": "dev", "account_id": "111122223333", "region": "eu-west-2"},
        "settings": {"secrets_pipeline": {KEY: True}},
        "components": {
            "terraform": {
                "secretsmanager/app": {
                    "vars": {"note": KEY, KEY: 1, "secrets": {"a": {"secret_data": "x", "description": KEY}}}
                }
            }
        },
    }
    (repository / "stacks" / "dev.yaml").write_text(yaml.safe_dump(stack))
    return repository


OUTPUTS = (
    ("plan", "--offline"),
    ("plan", "--offline", "--format", "json"),
    ("plan", "--offline", "--format", "markdown"),
    ("tree",),
    ("list", "stacks"),
    ("describe", "stacks"),
    ("describe", "stacks", "--format", "json"),
    ("describe", "component", "secretsmanager/app", "-s", "shop-dev"),
)


@pytest.mark.parametrize("command", OUTPUTS)
@pytest.mark.parametrize("coloured", ["", "1"])
def test_what_an_author_writes_is_no_command_in_a_job(
    cli: Cli, odd: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], coloured: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("FORCE_COLOR", coloured)
    result = cli(*command, "--base-path", odd)
    assert "add-mask" in result.output
    assert commands(result.stdout) == []
    assert commands(result.stderr) == []


def test_a_key_adds_no_line_to_a_log_wherever_that_is(cli: Cli, odd: Path) -> None:
    result = cli("plan", "--offline", "--base-path", odd)
    assert r"odd\n::add-mask::drift\n   ::stop-commands::x\n##[add-mask]drift means nothing here" in result.stderr
    assert not [line for line in result.output.splitlines() if line.lstrip().startswith("::")]


def test_what_a_template_fails_with_adds_no_line_either(
    cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        repository / "atmos.yaml",
        f"{ATMOS.rstrip()}\n    templates: {{settings: {{enabled: true, sprig: {{enabled: true}}}}}}\n",
    )
    write(repository / "stacks" / "dev.yaml", FAILS)
    for in_a_job in (False, True):
        if in_a_job:
            monkeypatch.setenv("GITHUB_ACTIONS", "true")
        result = cli("plan", "--offline", "--base-path", repository)
        assert_exited(result, 1)
        assert r"no\n::add-mask::drift" in result.stderr
        assert not [line for line in result.stderr.splitlines() if line.lstrip().startswith("::")]
        assert bool(commands(result.stderr)) is not in_a_job


def test_json_and_yaml_mean_the_same_in_a_job(cli: Cli, odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("describe", "stacks", "--base-path", odd)
    outside = yaml.safe_load(cli(*at).stdout)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert yaml.safe_load(cli(*at).stdout) == json.loads(cli(*at, "--format", "json").stdout) == outside
    (stack,) = outside.values()
    assert stack["components"]["terraform"]["secretsmanager/app"]["vars"]["note"] == KEY
