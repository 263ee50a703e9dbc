from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES, Cli
from tests.runs import assert_exited

HIERARCHY = {
    "myapp/dev/database/credentials",
    "myapp/dev/database/connection",
    "myapp/dev/api/api-key",
    "myapp/dev/api/oauth-config",
    "myapp/prod/database/credentials",
    "myapp/prod/database/connection",
    "myapp/prod/api/api-key",
    "myapp/prod/api/oauth-config",
    "infra/shared/network/vpn-config",
}


@pytest.mark.usefixtures("trusted")
def test_the_examples_are_the_hierarchy_of_the_architecture(cli: Cli) -> None:
    result = cli("tree", "--base-path", EXAMPLES, "--format", "json")
    assert_exited(result)
    assert {row["name"] for row in json.loads(result.stdout)} >= HIERARCHY


def test_a_tree_shows_each_part_of_a_name_once_with_stack_and_value(cli: Cli, repository: Path) -> None:
    result = cli("tree", "--base-path", repository)
    assert_exited(result)
    assert [line.lstrip("│├└─ ") for line in result.stdout.splitlines()] == [
        "Secrets Manager",
        "shop",
        "dev",
        "api",
        "config  shop-dev  JSON from YAML",
        "token  shop-dev  generated password",
    ]


def test_one_stack_may_be_chosen(cli: Cli) -> None:
    rows = json.loads(cli("tree", "--base-path", EXAMPLES, "-s", "infra-shared", "--format", "json").stdout)
    assert {row["stack"] for row in rows} == {"infra-shared"}


def test_a_stack_with_errors_is_told_and_the_others_are_shown(cli: Cli, half_broken: Path) -> None:
    result = cli("tree", "--base-path", half_broken)
    assert_exited(result, 1)
    assert "shop-dev" in result.stdout
    assert "shop-broken" in result.stderr
    assert "vars.secrets.nothing" in result.stderr


def test_a_terminal_shows_the_same_in_colours(cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = cli("tree", "--base-path", repository).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = cli("tree", "--base-path", repository).stdout
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
