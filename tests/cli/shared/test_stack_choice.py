"""`--stack` takes names and globs, with commas between them, in every command that takes stacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ATMOS, DEV, Cli, write
from tests.runs import assert_exited


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    """Stacks shop-dev, shop-prod, west-dev, and net-dev, which declares nothing of ours."""
    write(tmp_path / "atmos.yaml", ATMOS)
    for context, environment in (("shop", "dev"), ("shop", "prod"), ("west", "dev")):
        text = DEV.replace("context_name: shop", f"context_name: {context}")
        text = text.replace("environment: dev", f"environment: {environment}")
        write(tmp_path / "stacks" / f"{context}-{environment}.yaml", text)
    write(
        tmp_path / "stacks" / "net.yaml",
        "vars: {context_name: net, environment: dev}\ncomponents: {terraform: {vpc: {}}}",
    )
    return tmp_path


def stacks_of(cli: Cli, shops: Path, command: tuple[str, ...], *choice: str) -> set[str]:
    result = cli(*command, "--base-path", shops, *choice)
    assert_exited(result)
    shown = json.loads(result.stdout)
    return {row["stack"] for row in shown} if isinstance(shown, list) else set(shown.get("stacks", shown))


LISTED = [
    ("tree", "--format", "json"),
    ("plan", "--offline", "--format", "json"),
    ("describe", "stacks", "--format", "json"),
]


@pytest.mark.parametrize("command", LISTED)
def test_globs_and_commas_choose_stacks(cli: Cli, shops: Path, command: tuple[str, ...]) -> None:
    assert stacks_of(cli, shops, command, "-s", "shop-*") == {"shop-dev", "shop-prod"}
    assert stacks_of(cli, shops, command, "-s", "shop-p*,west-dev") == {"shop-prod", "west-dev"}
    assert stacks_of(cli, shops, command, "-s", "shop-dev", "-s", "west-*,shop-[dx]ev") == {"shop-dev", "west-dev"}


@pytest.mark.parametrize("command", LISTED)
def test_a_glob_that_matches_nothing_is_an_error_and_the_others_go_on(
    cli: Cli, shops: Path, command: tuple[str, ...]
) -> None:
    result = cli(*command, "--base-path", shops, "-s", "shp-p*,west-*")
    assert_exited(result, 1)
    assert "error: no stack matches 'shp-p*'\n  Did you mean shop-prod" in result.stderr
    assert "west-dev" in result.stdout
    assert "shop-" not in json.dumps([line for line in result.stdout.splitlines() if '"stack"' in line])


def test_what_declares_nothing_is_said_to_do_so(cli: Cli, shops: Path) -> None:
    result = cli("plan", "--offline", "--base-path", shops, "-s", "net-*")
    assert_exited(result, 1)
    assert "error: what matches 'net-*' declares nothing that this project knows: net-dev" in result.stderr


def test_an_unknown_name_without_a_near_miss_leads_to_the_list(cli: Cli, shops: Path) -> None:
    result = cli("plan", "--offline", "--base-path", shops, "-s", "qqqqqq")
    assert "See `secrets-pipeline list stacks`." in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("outputs",),
        ("access", "matrix"),
        ("access", "policy", "--consumer", "x"),
        ("access", "snapshot", "-o", "nowhere.json"),
        ("access", "reach", "--principal", "arn:aws:iam::111122223333:role/x"),
        ("describe", "component", "secretsmanager/app"),
    ],
)
def test_where_one_stack_is_taken_several_are_listed(cli: Cli, shops: Path, command: tuple[str, ...]) -> None:
    result = cli(*command, "--base-path", shops, "-s", "shop-*")
    assert_exited(result, 1)
    assert "'shop-*' means 2 stacks, and this command takes one: shop-dev, shop-prod" in " ".join(result.stderr.split())
    none = cli(*command, "--base-path", shops, "-s", "shp-p*")
    assert_exited(none, 1)
    assert "no stack matches 'shp-p*'\n  Did you mean shop-prod" in none.stderr


def test_where_one_stack_is_taken_a_glob_may_mean_it(cli: Cli, shops: Path) -> None:
    result = cli(
        "describe", "component", "secretsmanager/app", "--base-path", shops, "-s", "west-*", "--format", "json"
    )
    assert_exited(result)
    assert json.loads(result.stdout)["vars"]["context_name"] == "west"


@pytest.mark.parametrize("named", ["", " ", " , "])
@pytest.mark.parametrize(
    "command", [*LISTED, ("apply",), ("verify",), ("destroy", "--yes"), ("orphans",), ("list", "stacks")]
)
def test_a_variable_that_is_not_set_is_not_a_choice_of_no_stack(
    cli: Cli, shops: Path, command: tuple[str, ...], named: str
) -> None:
    result = cli(*command, "--base-path", shops, "-s", named)
    assert_exited(result, 1)
    assert "it names no stack" in result.stderr
