"""`--affected`: which stacks a command takes, and what is said of it in each format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ATMOS, CANARY, DEV, Cli, write
from tests.gits import committed, git
from tests.runs import assert_exited


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`shop-dev`, `shop-old` and `shop-test`; a topic changed a secret of the first, and took the second out."""
    for name in ("SECRETS_PIPELINE_CONFIG", "GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "ATMOS_BASE_PATH"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "clone"
    write(folder / "atmos.yaml", ATMOS)
    for name in ("dev", "old", "test"):
        write(folder / "stacks" / f"{name}.yaml", DEV.replace("environment: dev", f"environment: {name}"))
    committed(folder)
    git(folder, "checkout", "-q", "-b", "topic")
    write(folder / "stacks" / "dev.yaml", DEV.replace(CANARY, "another"))
    (folder / "stacks" / "old.yaml").unlink()
    return folder


def test_only_what_differs_is_planned_and_why_is_said_in_each_format(cli: Cli, clone: Path) -> None:
    base = git(clone, "rev-parse", "main")
    asked = ("plan", "--offline", "--base-path", clone, "--affected", "--base", "main")
    assert_exited(result := cli(*asked, "--format", "json"))
    shown = json.loads(result.stdout)
    why = "secretsmanager/app vars.secrets.config.secret_data.pin differs"
    assert list(shown["stacks"]) == ["shop-dev"]
    assert shown["affected"] == {"base": base, "stacks": {"shop-dev": [why]}, "gone": ["shop-old"], "unreadable": []}
    notes = [
        f"1 of 2 stacks is affected since {base[:12]}, the merge base with main",
        f"shop-dev: {why}",
        "stack shop-old left the repository: `secrets-pipeline orphans` lists its secrets",
    ]
    assert [line for line in result.stderr.splitlines() if "repository has no id" not in line] == [
        f"note: {note}" for note in notes
    ]
    assert_exited(result := cli(*asked, "--format", "markdown"))
    head, blank, *rows = result.stdout.splitlines()[:5]
    assert (head, blank) == (notes[0], "")
    assert rows[0].startswith("- shop-dev: secretsmanager/app vars.secrets.config.secret")
    assert "&#96;secrets-pipeline orphans&#96;" in rows[1]
    assert "### `shop-dev`" in result.stdout
    assert "shop-test" not in result.stdout
    assert_exited(result := cli(*asked))
    assert "shop-dev: " in result.stdout
    assert "shop-test" not in result.stdout
    assert CANARY not in result.output


def test_nothing_affected_is_said_and_succeeds(cli: Cli, clone: Path) -> None:
    git(clone, "stash", "-q")
    asked = ("plan", "--offline", "--base-path", clone, "--affected", "--base", "main")
    assert_exited(result := cli(*asked, "--format", "markdown"))
    assert result.stdout.startswith("none of 3 stacks is affected since ")
    assert "note: none of 3 stacks is affected since " in result.stderr
    assert_exited(result := cli(*asked, "--format", "json"))
    assert json.loads(result.stdout)["stacks"] == {}


def test_stacks_that_were_named_are_narrowed_and_one_that_is_not_there_is_said(cli: Cli, clone: Path) -> None:
    asked = ("plan", "--offline", "--base-path", clone, "--affected", "--base", "main", "--format", "json")
    assert_exited(result := cli(*asked, "-s", "*-test"))
    assert json.loads(result.stdout)["stacks"] == {}
    assert_exited(result := cli(*asked, "-s", "shop-dve"), 1)
    assert "there is no stack 'shop-dve'" in result.stderr


@pytest.mark.parametrize("variable", ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA"])
def test_ci_says_the_base_and_without_it_the_remotes_default_branch_is_it(
    cli: Cli, clone: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    asked = ("list", "stacks", "--base-path", clone, "--affected", "--format", "plain")
    assert_exited(result := cli(*asked), 1)
    assert "the base origin/HEAD cannot be compared with" in result.stderr
    by_commit = variable == "CI_MERGE_REQUEST_DIFF_BASE_SHA"
    monkeypatch.setenv(variable, git(clone, "rev-parse", "main") if by_commit else "main")
    assert_exited(result := cli(*asked))
    assert result.stdout == "shop-dev\n"


def test_what_it_cannot_go_with_is_refused(cli: Cli, clone: Path, tmp_path: Path) -> None:
    assert_exited(result := cli("plan", "--offline", "--base-path", clone, "--base", "main"), 1)
    assert "--affected" in result.stderr
    write(tmp_path / "stacks.json", '{"shop-dev": {"components": {"terraform": {"vpc": {"vars": {}}}}}}')
    assert_exited(result := cli("plan", "--offline", "--affected", "--from-file", tmp_path / "stacks.json"), 1)
    assert "manifests of two commits" in result.stderr
    assert_exited(result := cli("apply", "--base-path", clone), 1)
    assert "--all" in result.stderr


def test_apply_takes_the_affected_stacks_alone(cli: Cli, clone: Path) -> None:
    git(clone, "stash", "-q")
    result = cli("apply", "--base-path", clone, "--affected", "--base", "main", "--format", "json")
    assert_exited(result)
    assert json.loads(result.stdout)["stacks"] == {}
    assert "none of 3 stacks is affected" in result.stderr
