"""`iam-policy`: what it prints of examples/, in both formats, and what AWS's own linter says of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from secrets_pipeline.operations.rights.documents import LONGEST
from tests.cli.conftest import EXAMPLES, Cli
from tests.runs import assert_exited


@pytest.fixture(autouse=True)
def examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(EXAMPLES / "operator.yaml"))


def roles(cli: Cli, *options: str) -> list[dict[str, Any]]:
    done = cli("iam-policy", *options, "--base-path", EXAMPLES)
    assert_exited(done)
    found: list[dict[str, Any]] = json.loads(done.stdout)["roles"]
    return found


def test_it_prints_the_policies_of_each_role_alone_on_stdout_without_a_call_to_aws(cli: Cli) -> None:
    own, audit = roles(cli)
    assert (own["account_id"], own["role_arn"]) == ("111122223333", None)
    assert own["stacks"] == ["infra-shared", "myapp-dev", "myapp-prod"]
    assert list(own["policies"]) == [f"secrets-pipeline-{number}" for number in (1, 2, 3)]
    assert all(len(json.dumps(one, separators=(",", ":"))) <= LONGEST for one in own["policies"].values())
    assert audit["role_arn"] == "arn:aws:iam::444455556666:role/secrets-audit"
    assert list(audit["policies"]) == ["secrets-pipeline-secrets-audit-1"]


def test_a_stack_that_uses_less_needs_less(cli: Cli) -> None:
    [own] = roles(cli, "-s", "infra-shared")
    text = json.dumps(own)
    assert "myapp" not in text
    assert not re.search("rds:|lambda:|ecs:|apigateway:", text)


def test_a_role_that_plans_only_may_change_nothing(cli: Cli) -> None:
    own, _ = roles(cli, "--plan-only")
    actions = [one for document in own["policies"].values() for each in document["Statement"] for one in each["Action"]]
    changing = ("Create", "Put", "Update", "Delete", "Tag", "Rotate", "Pass", "Publish", "Register", "Modify")
    assert not [one for one in actions if one.partition(":")[2].startswith(changing)]


def test_it_says_that_without_a_boundary_the_pipeline_may_become_the_function(cli: Cli, tmp_path: Path) -> None:
    said = cli("iam-policy", "--base-path", EXAMPLES)
    assert "permissions_boundary" in said.stderr
    assert "permissions_boundary" not in cli("iam-policy", "--plan-only", "--base-path", EXAMPLES).stderr


def test_an_unknown_stack_is_an_error(cli: Cli) -> None:
    done = cli("iam-policy", "-s", "nobody", "--base-path", EXAMPLES)
    assert done.exit_code == 1
    assert "nobody" in done.stderr


def test_terraform_gets_one_resource_a_policy_with_the_same_documents(cli: Cli) -> None:
    done = cli("iam-policy", "--format", "terraform", "--base-path", EXAMPLES)
    assert_exited(done)
    found = dict(re.findall(r'  name   = "([^"]+)"\n  policy = jsonencode\((.+?)\)\n\}\n', done.stdout, re.DOTALL))
    printed = {name: one for role in roles(cli) for name, one in role["policies"].items()}
    assert {name: json.loads(text) for name, text in found.items()} == printed
    labels = re.findall(r'^resource "aws_iam_policy" "([A-Za-z0-9_-]+)" \{$', done.stdout, re.MULTILINE)
    assert len(labels) == len(set(labels)) == len(printed)
    # Nothing in it is a template of HCL's.
    assert "${" not in done.stdout


@pytest.mark.parametrize("options", [(), ("--plan-only",)], ids=["whole", "plan only"])
def test_cloudformations_linter_knows_every_action_and_the_form_of_every_statement(
    cli: Cli, options: tuple[str, ...]
) -> None:
    documents = [one for role in roles(cli, *options) for one in role["policies"].values()]
    resources = {
        f"Policy{number}": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": one}}
        for number, one in enumerate(documents)
    }
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
    found = lint(template, config=ManualArgs(regions=["eu-west-2"], ignore_checks=["I"]))
    assert [str(one) for one in found] == []


def test_the_linter_finds_an_action_that_aws_has_not() -> None:
    statement = {"Effect": "Allow", "Action": ["secretsmanager:ReadSecret"], "Resource": ["*"]}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Policy": policy}})
    assert "ReadSecret".lower() in str(lint(template, config=ManualArgs(regions=["eu-west-2"]))).lower()
