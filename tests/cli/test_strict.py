"""A broken stack never blocks the others, unless that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secrets_pipeline.cli.demo.call_counts import call_counts
from secrets_pipeline.emulator import LocalAws, calls
from tests.cli.conftest import Cli, write
from tests.runs import assert_exited

COMMANDS = {
    "describe": ("describe", "stacks", "--format", "json"),
    "plan": ("plan", "--format", "json"),
    "offline": ("plan", "--offline", "--format", "json"),
    "apply": ("apply", "--all", "--format", "json"),
    "verify": ("verify", "--format", "json"),
    "tree": ("tree", "--format", "json"),
}


@pytest.fixture
def broken(half_broken: Path) -> Path:
    """A repository with one good stack, one whose secret has two values, and two manifests that cannot be read."""
    write(half_broken / "stacks" / "no-import.yaml", "import: [missing]")
    write(half_broken / "stacks" / "no-yaml.yaml", "vars: [")
    return half_broken


@pytest.mark.parametrize("command", COMMANDS)
def test_strict_stops_everything_and_lists_every_error(
    command: str, cli: Cli, broken: Path, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(broken.parent / "home"))
    result = cli(*COMMANDS[command], "--strict", "--base-path", broken)
    assert_exited(result, 1)
    shown = json.loads(result.stdout)
    assert not (shown.get("stacks") or shown.get("checks") if "errors" in shown else shown)
    assert "failed to find import" in result.stderr
    assert "stacks/no-yaml.yaml" in result.stderr
    # What a secret lacks is a matter of its desired state, which describe does not build.
    assert ("vars.secrets.nothing" in result.stderr) == (command != "describe")
    assert call_counts(calls(aws)).total == 0
    assert not (broken.parent / "home").exists()


@pytest.mark.parametrize("command", ["describe", "offline"])
def test_strict_asks_for_more_than_the_stacks_that_are_named(command: str, cli: Cli, broken: Path) -> None:
    arguments = (*COMMANDS[command], "-s", "shop-dev", "--base-path", broken)
    lenient = cli(*arguments)
    # Names come from a template, so what cannot be read may be a part of any stack.
    assert_exited(lenient, 1)
    assert "stacks/no-yaml.yaml" in lenient.stderr
    assert "vars.secrets.nothing" not in lenient.stderr
    assert "shop-dev" in lenient.stdout
    strict = cli(*arguments, "--strict")
    assert_exited(strict, 1)
    assert "stacks/no-yaml.yaml" in strict.stderr
    assert "shop-dev" not in strict.stdout.replace("stack shop-dev", "")


@pytest.mark.parametrize("command", ["describe", "offline", "tree"])
def test_without_it_whole_stacks_are_shown_every_error_is_told_and_the_exit_code_is_1(
    command: str, cli: Cli, broken: Path
) -> None:
    result = cli(*COMMANDS[command], "--base-path", broken)
    assert_exited(result, 1)
    assert "shop-dev" in result.stdout
    assert result.stderr.count("error: ") == (2 if command == "describe" else 3)
    assert "failed to find import" in result.stderr
    assert "stacks/no-yaml.yaml" in result.stderr


def test_strict_leaves_a_repository_without_errors_alone(cli: Cli, repository: Path) -> None:
    for command in ("describe", "offline", "tree"):
        arguments = (*COMMANDS[command], "--base-path", repository)
        assert cli(*arguments, "--strict").stdout == cli(*arguments).stdout


@pytest.mark.parametrize("arguments", [("stacks",), ("component", "secretsmanager/app")])
def test_a_broken_stack_that_is_asked_for_by_name_is_an_error_that_says_why(
    arguments: tuple[str, ...], cli: Cli, repository: Path
) -> None:
    write(
        repository / "stacks" / "bad.yaml",
        """
        vars: {context_name: shop, environment: bad}
        components: {terraform: {secretsmanager/app: {vars: {who: !env A B C}}}}
        """,
    )
    result = cli("describe", *arguments, "-s", "shop-bad", "--base-path", repository)
    assert_exited(result, 1)
    assert result.stderr.count("error: ") == 1
    assert "stacks/bad.yaml:3, stack shop-bad, component secretsmanager/app, key vars.who" in result.stderr
    other = cli("describe", *arguments, "-s", "shop-dev", "--base-path", repository)
    assert_exited(other)
    assert other.stderr == ""


def test_an_error_is_said_once(cli: Cli, repository: Path) -> None:
    write(repository / "stacks" / "bad.yaml", "import: [missing]")
    result = cli("describe", "stacks", "-s", "shop-bad", "--base-path", repository)
    assert_exited(result, 1)
    assert result.stderr.count("failed to find import") == 1
    assert "there is no stack 'shop-bad'" in result.stderr


def test_of_components_that_differ_describe_shows_the_first_and_says_so_and_plan_leaves_the_stack_out(
    cli: Cli, repository: Path
) -> None:
    for name, size in (("a", 1), ("b", 2)):
        write(
            repository / "stacks" / f"{name}.yaml",
            f"""
            vars: {{context_name: shop, environment: two}}
            components: {{terraform: {{secretsmanager/app: {{vars: {{size: {size}}}}}}}}}
            """,
        )
    result = cli(*COMMANDS["describe"], "-s", "shop-two", "--base-path", repository)
    assert_exited(result, 1)
    assert "Found duplicate config" in result.stderr
    shown = json.loads(result.stdout)["shop-two"]["components"]["terraform"]["secretsmanager/app"]
    assert shown["vars"]["size"] == 1
    planned = cli(*COMMANDS["offline"], "--base-path", repository)
    assert_exited(planned, 1)
    assert list(json.loads(planned.stdout)["stacks"]) == ["shop-dev"]
    component = cli("describe", "component", "secretsmanager/app", "-s", "shop-two", "--base-path", repository)
    assert (component.exit_code, component.stdout) == (1, "")
