"""A stack of several manifests that no rule of the operator lists is a warning of `plan` in each format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secrets_pipeline.emulator import LocalAws
from tests.cli.conftest import Cli, write
from tests.runs import assert_exited

JOINING = """
    vars: {context_name: shop, environment: dev}
    components:
      terraform:
        secretsmanager/evil:
          vars: {secrets: {copy: {secret_data: "!terraform.output secretsmanager/app secret_values.token"}}}
"""
RULE = '{{stacks: "shop-*", account_id: "111122223333"{}}}'
PROBLEM = "any manifest can make itself part of stack shop-dev"


@pytest.mark.parametrize("more", [(), ("--offline",)])
def test_it_is_a_warning_in_each_format(cli: Cli, repository: Path, aws: LocalAws, more: tuple[str, ...]) -> None:
    assert aws
    (repository / "operator.yaml").write_text(f"targets: [{RULE.format('')}]")
    at = ("plan", *more, "--base-path", repository, "--config", repository / "operator.yaml")
    alone = cli(*at)
    assert_exited(alone)
    assert PROBLEM not in alone.stderr
    write(repository / "stacks" / "evil.yaml", JOINING)
    table, found, markdown = cli(*at), cli(*at, "--format", "json"), cli(*at, "--format", "markdown")
    for result in (table, found, markdown):
        assert_exited(result)
        assert f"warning: {PROBLEM}" in result.stderr
        assert "stacks/dev.yaml, stacks/evil.yaml" in result.stderr
    (stack,) = json.loads(found.stdout)["stacks"].values()
    assert stack["unguarded_manifests"] == ["stacks/dev.yaml", "stacks/evil.yaml"]
    assert f"**⚠️ Any manifest can join this stack**\n\n{PROBLEM}" in markdown.stdout


@pytest.mark.parametrize("manifests", [', manifests: "stacks/*"', ", manifests: [stacks/dev.yaml, stacks/evil.yaml]"])
def test_a_rule_that_lists_them_ends_it(cli: Cli, repository: Path, manifests: str) -> None:
    write(repository / "stacks" / "evil.yaml", JOINING)
    (repository / "operator.yaml").write_text(f"targets: [{RULE.format(manifests)}]")
    at = ("plan", "--offline", "--base-path", repository, "--config", repository / "operator.yaml")
    assert_exited(cli(*at))
    assert PROBLEM not in cli(*at).stderr
    assert not json.loads(cli(*at, "--format", "json").stdout)["stacks"]["shop-dev"]["unguarded_manifests"]
