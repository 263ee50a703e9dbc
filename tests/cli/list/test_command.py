from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES, Cli, write
from tests.runs import assert_exited

OTHERS = """
    vars: {context_name: net, environment: dev}
    components: {terraform: {vpc: {vars: {cidr: 10.0.0.0/8}}}}
"""

WRONG = "error: shop-broken has errors: `secrets-pipeline tree` says each\n"


@pytest.fixture
def several(half_broken: Path) -> Path:
    """Stacks shop-dev, shop-broken, and net-dev, which declares nothing of ours."""
    write(half_broken / "stacks" / "net.yaml", OTHERS)
    return half_broken


def test_the_exit_code_is_that_of_tree(cli: Cli, several: Path) -> None:
    for choice in (("-s", "shop-dev"), ("-s", "shop-broken"), ()):
        listed, drawn = (cli(*command, "--base-path", several, *choice) for command in (("list", "stacks"), ("tree",)))
        assert listed.exit_code == drawn.exit_code == (0 if "shop-dev" in choice else 1)


UNRESOLVABLE = """
    vars: {context_name: shop, environment: lost, account_id: "111122223333", region: eu-west-2}
    components:
      terraform:
        bucket: {backend_type: gcs, vars: {name: b}}
        secretsmanager/app:
          vars:
            secrets:
              url: {secret_data: {v: !terraform.state bucket name}}
              again: {secret_data: {v: !terraform.state bucket name}}
              token: {secret_data: {v: "${env:TOKEN}"}}
"""


def test_a_reference_that_nobody_can_resolve_is_an_error_and_a_variable_is_none(cli: Cli, repository: Path) -> None:
    write(repository / "stacks" / "lost.yaml", UNRESOLVABLE)
    result = cli("list", "stacks", "--base-path", repository, "--format", "json")
    assert_exited(result, 1)
    assert [(row["stack"], row["errors"]) for row in json.loads(result.stdout)] == [("shop-dev", 0), ("shop-lost", 1)]
    assert WRONG.replace("broken", "lost") in result.stderr
    drawn = cli("tree", "--base-path", repository)
    assert_exited(drawn, 1)
    assert drawn.stderr.count("error:") == 1
    write(repository / "stacks" / "lost.yaml", UNRESOLVABLE.replace("!terraform.state bucket name", "x"))
    for command in (("list", "stacks"), ("tree",)):
        assert_exited(cli(*command, "--base-path", repository))


def test_the_examples_are_listed_with_where_they_live(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(EXAMPLES / "operator.yaml"))
    result = cli("list", "stacks", "--base-path", EXAMPLES)
    assert_exited(result)
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["stack", "account", "region", "role", "secrets", "protected", "errors"]
    assert [row.split() for row in rows] == [
        ["infra-shared", "111122223333", "eu-west-2", "2", "0"],
        ["myapp-dev", "111122223333", "eu-west-2", "4", "0"],
        ["myapp-prod", "111122223333", "eu-west-2", "4", "yes", "0"],
    ]


def test_what_is_wrong_is_counted_and_what_is_not_ours_is_left_out(cli: Cli, several: Path) -> None:
    result = cli("list", "stacks", "--base-path", several, "--format", "json")
    assert_exited(result, 1)
    broken, dev = json.loads(result.stdout)
    place = {"account_id": "111122223333", "region": "eu-west-2"}
    nothing = {"role_arn": None, "secrets": None, "protected": None}
    assert broken == {"stack": "shop-broken", **place, **nothing, "errors": 1, "needs_grants": 0}
    assert (dev["stack"], dev["account_id"], dev["secrets"], dev["protected"]) == ("shop-dev", "111122223333", 2, False)
    assert result.stderr == f"note: 1 more stack declares nothing that this project knows: --all lists them\n{WRONG}"


def test_where_no_stack_declares_anything_all_are_listed(cli: Cli, repository: Path) -> None:
    write(repository / "stacks" / "dev.yaml", OTHERS)
    result = cli("list", "stacks", "--base-path", repository)
    assert_exited(result)
    assert result.stdout.splitlines()[1].split() == ["net-dev", "0", "0"]
    assert "read 1 stack and 1 component:" in result.stderr


def test_all_lists_every_stack_and_globs_choose(cli: Cli, several: Path) -> None:
    listed = cli("list", "stacks", "--base-path", several, "--all", "--format", "plain")
    assert (listed.stdout, listed.stderr) == ("net-dev\nshop-broken\nshop-dev\n", WRONG)
    chosen = cli("list", "stacks", "--base-path", several, "-s", "*-dev,shop-b*", "--all", "--format", "plain")
    assert chosen.stdout == "net-dev\nshop-broken\nshop-dev\n"
    assert cli("list", "stacks", "--base-path", several, "-s", "net-dev", "--format", "plain").stdout == "net-dev\n"
    assert_exited(unknown := cli("list", "stacks", "--base-path", several, "-s", "shop-bro"), 1)
    assert unknown.stdout == ""
    assert "Did you mean shop-broken" in unknown.stderr


def test_the_operator_says_where_a_stack_with_errors_lives(
    cli: Cli, several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "arn:aws:iam::444455556666:role/pipeline"
    rule = f"{{stacks: '*-broken', account_id: '444455556666', region: us-east-1, role_arn: '{role}'}}"
    write(several / "operator.yaml", f"targets: [{rule}]")
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(several / "operator.yaml"))
    result = cli("list", "stacks", "--base-path", several, "--format", "json", "-s", "*-broken")
    (row,) = json.loads(result.stdout)
    # One more: its variables say another place.
    assert row == {
        "stack": "shop-broken",
        "account_id": "444455556666",
        "region": "us-east-1",
        "role_arn": role,
        "secrets": None,
        "protected": None,
        "errors": 3,
        "needs_grants": 0,
    }


def test_strict_stops_at_any_error(cli: Cli, several: Path) -> None:
    result = cli("list", "stacks", "--base-path", several, "--strict")
    assert_exited(result, 1)
    assert "vars.secrets.nothing" in result.stderr
