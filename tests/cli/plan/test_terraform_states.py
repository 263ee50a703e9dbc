"""From the first refusal to the second apply: a secret that is made of what Terraform keeps in its state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from secrets_pipeline.emulator import calls
from tests.cli.conftest import Cli, write
from tests.runs import assert_exited

if TYPE_CHECKING:
    from pathlib import Path

    from secrets_pipeline.emulator import LocalAws

CANARY = "canary-7d2f-in-the-state"
KEY = "vpc/shop-dev/terraform.tfstate"
STATES = """
    vars: {context_name: shop, environment: dev, account_id: "111122223333", region: eu-west-2}
    components:
      terraform:
        vpc:
          backend_type: s3
          backend: {s3: {bucket: shop-tfstate, key: terraform.tfstate, region: eu-west-2}}
        secretsmanager:
          vars:
            secrets:
              network: {secret_data: {vpc: !terraform.state vpc vpc_id, token: !terraform.output vpc token}}
"""


@pytest.fixture
def settings(repository: Path, cli: Cli) -> Path:
    """What `init` proposes for the stack, with every line that it leaves to the operator."""
    write(repository / "stacks" / "dev.yaml", STATES)
    proposed = cli("init", "--base-path", repository)
    assert_exited(proposed)
    line = f'# - {{stacks: "shop-dev", terraform_states: [{{"bucket": "shop-tfstate", "keys": ["{KEY}"]}}]}}'
    assert line in proposed.stdout
    file = repository.parent / "operator.yaml"
    file.write_text(proposed.stdout.replace("  # - {", "  - {"))
    return file


def put(**outputs: Any) -> None:  # noqa: ANN401 - JSON
    client = boto3.client("s3")
    if not client.list_buckets()["Buckets"]:
        client.create_bucket(Bucket="shop-tfstate", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    state = {"version": 4, "serial": 1, "outputs": outputs}
    client.put_object(Bucket="shop-tfstate", Key=KEY, Body=json.dumps(state))


def sensitive(value: str) -> dict[str, Any]:
    return {"value": value, "type": "string", "sensitive": True}


def plain(value: str) -> dict[str, Any]:
    return {"value": value, "type": "string"}


def test_without_the_grant_nothing_is_read(cli: Cli, repository: Path, aws: LocalAws) -> None:
    write(repository / "stacks" / "dev.yaml", STATES)
    refused = cli("plan", "--base-path", repository)
    assert_exited(refused, 1)
    assert f"Terraform state s3://shop-tfstate/{KEY} is not this stack's own, and no grant" in refused.stderr
    shown = cli("plan", "--offline", "--format", "json", "--base-path", repository)
    assert_exited(shown)
    references = json.loads(shown.stdout)["stacks"]["shop-dev"]["references"]
    assert [(one["reference"], one["state"]) for one in references] == [
        ("!terraform.state vpc vpc_id", "needs a grant"),
        ("!terraform.output vpc token", "needs a grant"),
    ]
    assert calls(aws) == ()


def test_what_needs_no_aws_shows_the_reference_and_reads_no_state(
    cli: Cli, repository: Path, settings: Path, aws: LocalAws
) -> None:
    where = ("--base-path", repository, "--config", settings)
    offline = cli("plan", "--offline", *where, "--format", "json")
    assert_exited(offline)
    assert f"read from Terraform's state s3://shop-tfstate/{KEY}" in offline.stdout
    assert_exited(cli("tree", *where))
    assert calls(aws) == ()


def test_a_first_plan_blocks_what_an_apply_could_not_make(
    cli: Cli, repository: Path, settings: Path, aws: LocalAws
) -> None:
    where = ("--base-path", repository, "--config", settings)
    put()
    missing = cli("plan", *where, "--format", "json")
    changes = json.loads(missing.stdout)["stacks"]["shop-dev"]["changes"]
    (change,) = [one for one in changes if one["kind"] == "secret"]
    assert change["action"] == "blocked"
    assert "component vpc of stack shop-dev: the state has no output vpc_id" in json.dumps(change)
    put(vpc_id=plain("vpc-1"), token=sensitive(CANARY))
    planned = cli("plan", *where, "--format", "json")
    assert CANARY not in planned.output
    stack = json.loads(planned.stdout)["stacks"]["shop-dev"]
    assert [one["action"] for one in stack["changes"] if one["kind"] == "secret"] == ["create"]
    crossed = [one for one in stack["crosses_a_boundary"] if one["boundary"] == "Terraform state"]
    assert {(one["name"], one["direction"]) for one in crossed} == {(f"s3://shop-tfstate/{KEY}", "in")}
    assert {one["allowed_by"] for one in crossed} == {"grants: stacks shop-dev"}


@pytest.mark.usefixtures("aws", "dagster_home")
def test_an_apply_of_an_approved_plan_says_what_blocks_a_secret(cli: Cli, repository: Path, settings: Path) -> None:
    put(token=sensitive(CANARY))
    where = ("--base-path", repository, "--config", settings)
    assert_exited(cli("plan", "-o", repository / "plan.json", *where))
    applied = cli("apply", repository / "plan.json", *where)
    assert_exited(applied, 1)
    assert "run failed" in applied.output
    assert "the state has no output vpc_id" in " ".join(applied.stdout.split())
    assert "not in the plan that was approved" not in applied.output
    assert CANARY not in applied.output
