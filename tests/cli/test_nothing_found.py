"""A repository that never heard of this project: what commands say, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ATMOS, DEV, Cli
from tests.runs import assert_exited

THEIRS = """
vars: {context_name: shop, environment: qa, region: eu-west-2}
components:
  terraform:
    vpc: {vars: {id: "{{ atmos.Store \\"ssm\\" .stack \\"vpc\\" \\"id\\" }}"}}
    secretsmanager_app_db: {vars: {secrets: {credentials: {path: rds, generate_random_password: true}}}}
    kms/app: {vars: {aliases: [alias/shop]}}
"""
HINT = (
    "secretsmanager_app_db has vars.secrets. If they are for this project, add settings.secrets_pipeline.components: "
    "{secretsmanager_app_db: secretsmanager}."
)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A repository with one stack, `shop-qa`, whose component with secrets has a name of its own."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "atmos.yaml").write_text(f"{ATMOS}\n    templates: {{settings: {{enabled: true}}}}\n")
    (tmp_path / "stacks" / "qa.yaml").write_text(THEIRS)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (("tree", "--format", "json"), []),
        (("plan", "--offline", "--format", "json"), {"stacks": {}, "errors": {}}),
        (("plan", "--format", "json"), {"stacks": {}, "errors": {}}),
        (("verify", "--format", "json"), {"checks": [], "not_asked": [], "errors": {}}),
        (("doctor", "--format", "json"), {"answers": [], "errors": {}}),
    ],
)
def test_what_was_read_and_looks_like_secrets_is_said_beside_the_result(
    cli: Cli, theirs: Path, command: tuple[str, ...], printed: object
) -> None:
    result = cli(*command, "--base-path", theirs)
    assert_exited(result)
    assert json.loads(result.stdout) == printed
    assert "No secret is declared yet. The pipeline read 1 stack and 3 components:\n  shop-qa\n" in result.stderr
    assert HINT in " ".join(result.stderr.split())
    assert "kms/app stays with Terraform" in result.stderr
    assert result.stderr.count(f"\nNext: secrets-pipeline init --example shop-qa --base-path {theirs}\n") == 1


@pytest.mark.parametrize("command", [("apply", "--all"), ("init",)])
def test_commands_that_print_text_say_it_too(cli: Cli, theirs: Path, command: tuple[str, ...]) -> None:
    result = cli(*command, "--base-path", theirs)
    assert_exited(result)
    assert HINT in " ".join(result.stderr.split())
    assert "vars.secrets" not in result.stdout


def test_a_stack_that_was_asked_for_and_has_nothing_is_an_error_and_the_only_one_that_is_told_of(
    cli: Cli, theirs: Path
) -> None:
    (theirs / "stacks" / "dev.yaml").write_text(DEV)
    result = cli("plan", "--offline", "-s", "shop-qa", "--base-path", theirs)
    assert_exited(result, 1)
    assert (
        "error: stack shop-qa declares no secret\nStack shop-qa declares no secret. It has 3 components.\n"
        in result.stderr
    )
    assert "No secret is declared yet" not in result.stderr
    assert HINT in " ".join(result.stderr.split())
    *_, following, last = result.stderr.splitlines()
    assert following.startswith("Next: secrets-pipeline init --example shop-qa")
    assert last == "`secrets-pipeline orphans -s shop-qa` lists what stack shop-qa made before."


def test_a_repository_without_a_component_says_so_and_a_tree_of_nothing_is_not_drawn(cli: Cli, theirs: Path) -> None:
    drawn = cli("tree", "--base-path", theirs)
    assert_exited(drawn)
    assert drawn.stdout == ""
    (theirs / "stacks" / "qa.yaml").write_text("vars: {context_name: shop, environment: qa}\n")
    shown = cli("tree", "--base-path", theirs)
    assert_exited(shown)
    assert shown.stderr == "No stack has a component yet. Add one to a manifest first.\n"
    assert shown.stdout == ""


def test_where_another_stack_has_secrets_nobody_is_told_of_those_without(cli: Cli, theirs: Path) -> None:
    (theirs / "stacks" / "dev.yaml").write_text(DEV)
    result = cli("tree", "--base-path", theirs)
    assert_exited(result)
    assert "The pipeline read" not in result.stderr
