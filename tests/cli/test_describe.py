from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from secrets_pipeline.cli.masking import MASK, masked, plain
from secrets_pipeline.stacks import FunctionCall
from tests.cli.conftest import CANARY, EXAMPLES, Cli, write


def test_stacks_are_printed_in_atmos_shape(cli: Cli, repository: Path) -> None:
    result = cli("describe", "stacks", "--base-path", repository, "--format", "json")
    assert result.exit_code == 0
    component = json.loads(result.stdout)["shop-dev"]["components"]["terraform"]["secretsmanager/app"]
    assert component["vars"]["secrets"]["token"] == {"generate_random_password": True, "path": "api"}
    assert component["atmos_stack"] == "shop-dev"


def test_literal_values_are_masked_in_every_format(cli: Cli, repository: Path) -> None:
    for output in ("json", "yaml", "table"):
        result = cli("describe", "stacks", "--base-path", repository, "--format", output)
        assert CANARY not in result.output
    shown = yaml.safe_load(
        cli("describe", "component", "secretsmanager/app", "-s", "shop-dev", "--base-path", repository).stdout
    )
    assert shown["vars"]["secrets"]["config"]["secret_data"] == {"endpoint": MASK, "pin": MASK}


def test_values_are_shown_when_asked_for(cli: Cli, repository: Path) -> None:
    for command in (["stacks"], ["component", "secretsmanager/app", "-s", "shop-dev"]):
        assert CANARY in cli("describe", *command, "--base-path", repository, "--show-values").stdout


def test_every_leaf_below_secret_data_is_masked_wherever_it_stands() -> None:
    tree = {"a": [{"secret_data": {"x": ["one", {"y": 2}], "none": None}}], "secret_data": "two", "kept": "three"}
    assert masked(tree) == {
        "a": [{"secret_data": {"x": [MASK, {"y": MASK}], "none": None}}],
        "secret_data": MASK,
        "kept": "three",
    }


def test_functions_become_their_text() -> None:
    made = plain({"x": (FunctionCall("!env", "HOME"), 1)})
    assert made == {"x": ["!env HOME", 1]}
    assert type(made["x"][0]) is str


def test_functions_are_left_alone_on_request(cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHO", "me")
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {app: {vars: {who: !env WHO}}}}
        """,
    )
    arguments = ("describe", "component", "app", "-s", "shop-dev", "--base-path", repository)
    assert yaml.safe_load(cli(*arguments).stdout)["vars"]["who"] == "me"
    left = yaml.safe_load(cli(*arguments, "--process-functions=false").stdout)
    assert left["vars"]["who"] == "!env WHO"


def test_exec_runs_only_when_allowed(cli: Cli, repository: Path) -> None:
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {app: {vars: {who: !exec "echo ran"}}}}
        """,
    )
    arguments = ("describe", "component", "app", "-s", "shop-dev", "--base-path", repository)
    refused = cli(*arguments)
    assert "ran" not in refused.stdout.replace("echo ran", "")
    assert yaml.safe_load(cli(*arguments, "--allow-exec").stdout)["vars"]["who"] == "ran"


def test_one_broken_stack_does_not_hide_the_other(cli: Cli, repository: Path) -> None:
    write(
        repository / "stacks" / "bad.yaml",
        """
        import: [missing]
        vars: {context_name: shop, environment: bad}
        """,
    )
    result = cli("describe", "stacks", "--base-path", repository, "--format", "json")
    assert result.exit_code == 1
    assert list(json.loads(result.stdout)) == ["shop-dev"]
    assert "missing" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_stack_names_near_misses_and_an_unknown_component_the_known_ones(cli: Cli, repository: Path) -> None:
    stack = cli("describe", "stacks", "--base-path", repository, "-s", "shop-de")
    assert stack.exit_code == 1
    assert "Did you mean shop-dev?" in stack.stderr
    component = cli("describe", "component", "nope", "--base-path", repository, "-s", "shop-dev")
    assert component.exit_code == 1
    assert component.stdout == ""
    assert "It has: secretsmanager/app." in component.stderr


def test_the_table_lists_components_without_reading_markup_in_their_names(cli: Cli, repository: Path) -> None:
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {"[red]x[/red]": {}, ":smile:": {}}}
        """,
    )
    result = cli("describe", "stacks", "--base-path", repository, "--format", "table")
    assert "[red]x[/red]" in result.stdout
    assert ":smile:" in result.stdout


def test_a_named_folder_wins_over_the_variable(cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATMOS_BASE_PATH", str(EXAMPLES))
    assert "shop-dev" not in cli("describe", "stacks", "--format", "table").stdout
    assert "shop-dev" in cli("describe", "stacks", "--format", "table", "--base-path", repository).stdout
    monkeypatch.setenv("ATMOS_BASE_PATH", str(EXAMPLES))
    monkeypatch.chdir(repository)
    assert "shop-dev" not in cli("describe", "stacks", "--format", "table").stdout
    monkeypatch.delenv("ATMOS_BASE_PATH")
    assert "shop-dev" in cli("describe", "stacks", "--format", "table").stdout
