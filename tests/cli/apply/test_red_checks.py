"""A check that is red stays red, and `apply` ends with exit code 1, until somebody looked again and found it right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import Result

from secrets_pipeline.emulator import LocalAws, calls
from tests.cli.shop import Shop, opened
from tests.embedded import operator
from tests.runs import assert_exited

ACCOUNT = "111122223333"
NAME = "shop/dev/api/token"
STACK = f"""
    vars: {{context_name: shop, environment: dev, account_id: "{ACCOUNT}", region: eu-west-2}}
    components:
      terraform:
        secretsmanager/app:
          vars:
            create_kms_key: true
            secrets:
              token:
                path: api
                generate_random_password: true
                policy:
                  Statement:
                    - {{Sid: Kept, Effect: Deny, Principal: "*", Action: "secretsmanager:DeleteSecret", Resource: "*"}}
            consumers:
              reports: {{type: app, role_arn: "arn:aws:iam::{ACCOUNT}:role/reports", secrets: [token]}}
"""


@pytest.fixture(scope="module")
def shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A stack with a consumer whose role does not exist."""
    settings = "repository: github.com/acme/infra\ngrants: {preset: single-team}\n"
    return opened(embedded_aws, tmp_path_factory.mktemp("red"), settings=settings, dev=STACK)


def checks(result: Result) -> dict[str, bool]:
    """Whether each check that was evaluated passed."""
    return {one["check"]: one["passed"] for one in json.loads(result.stdout)["stacks"]["shop-dev"]["checks"]}


def apply(shop: Shop, *options: str, **environment: str) -> Result:
    return shop.run("apply", "-s", "shop-dev", "--format", "json", *options, **environment)


def reads(shop: Shop) -> set[str]:
    """What the last command read of policies and values."""
    asked = {call.operation for call in calls(shop.aws)}
    return asked & {"GetAccountAuthorizationDetails", "GetResourcePolicy", "GetSecretValue"}


def make_role(shop: Shop) -> None:
    iam = operator(shop.aws).client("iam", endpoint_url=shop.aws.endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    read = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "kms:Decrypt"], "Resource": "*"}
    trusted, reads = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trust, read))
    iam.create_role(RoleName="reports", AssumeRolePolicyDocument=trusted)
    iam.put_role_policy(RoleName="reports", PolicyName="reads", PolicyDocument=reads)


def test_a_red_check_is_judged_again_until_it_is_mended_and_then_no_more(shop: Shop, tmp_path: Path) -> None:
    for _ in range(2):
        red = apply(shop)
        assert_exited(red, 1)
        assert checks(red)["consumers_can_read"] is False
    assert shop.counts.idle, shop.counts
    make_role(shop)
    mended = apply(shop)
    assert_exited(mended)
    assert checks(mended)["consumers_can_read"] is True
    quiet = apply(shop)
    assert_exited(quiet)
    assert "consumers_can_read" not in checks(quiet)
    assert reads(shop) == set()
    # Nothing is on record there: what costs reads is judged once, without a value.
    elsewhere = apply(shop, DAGSTER_HOME=str(tmp_path / "home"))
    assert_exited(elsewhere)
    assert checks(elsewhere)["consumers_can_read"] is True
    assert shop.counts.idle, shop.counts


def test_what_only_a_close_look_can_see_is_not_right_at_the_next_glance(shop: Shop) -> None:
    shop.secrets.delete_resource_policy(SecretId=NAME)
    assert_exited(shop.run("verify", "-s", "shop-dev"), 1)
    red = apply(shop)
    assert_exited(red, 1)
    assert checks(red)["secret_policies_as_declared"] is False
    mended = apply(shop, "--deep")
    assert_exited(mended)
    assert checks(mended)["secret_policies_as_declared"] is True
    assert checks(apply(shop))["secret_policies_as_declared"] is True
    assert reads(shop) == set()
