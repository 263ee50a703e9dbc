"""`verify` where nobody can ask AWS says so once and names the stacks, and no check failed; a refusal is a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secrets_pipeline.aws import session as sessions
from secrets_pipeline.emulator import LocalAws
from tests.cli.shop import Shop, opened
from tests.embedded import operator
from tests.ports import free_port
from tests.runs import assert_exited

ACCOUNT = "111122223333"
NAMES = ("shop-dev", "shop-live", "shop-test")
STACK = f"""
    vars: {{context_name: shop, environment: ENVIRONMENT, account_id: "{ACCOUNT}", region: eu-west-2}}
    components:
      terraform:
        secretsmanager/app:
          vars:
            secrets:
              token: {{path: api, generate_random_password: true}}
"""
GRANTS = "repository: github.com/acme/infra\ngrants: {preset: single-team}\n"


@pytest.fixture(scope="module")
def shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three stacks, applied."""
    stacks = {name.partition("-")[2]: STACK.replace("ENVIRONMENT", name.partition("-")[2]) for name in NAMES}
    made = opened(embedded_aws, tmp_path_factory.mktemp("unasked"), settings=GRANTS, **stacks)
    assert_exited(made.run("apply", "--all", "--yes"))
    return made


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    # Eight tries take a quarter of a minute.
    monkeypatch.setattr(sessions, "_MAX_ATTEMPTS", 2)


@pytest.fixture
def away() -> dict[str, str]:
    """Nobody listens where AWS was."""
    return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}


def test_an_account_that_cannot_be_asked_is_said_once_with_the_stacks_that_were_not_looked_at(
    shop: Shop, away: dict[str, str]
) -> None:
    found = shop.run("verify", COLUMNS="200", **away)
    assert found.exit_code == 1
    said = f"AWS account {ACCOUNT} cannot be asked, as AWS does not answer: GetCallerIdentity"
    assert found.stdout.count(said) == 1
    assert f"not looked at: {', '.join(NAMES)}. What was known of them stands." in found.stdout
    assert "nobody_else_can_read" not in found.stdout
    assert "0 passed, 0 warning, 0 failed, 69 unknown" in found.stdout + found.stderr


def test_json_says_unknown_of_each_check_and_why_once(shop: Shop, away: dict[str, str]) -> None:
    found = shop.run("verify", "--format", "json", **away)
    assert found.exit_code == 1
    document = json.loads(found.stdout)
    assert {one["result"] for one in document["checks"]} == {"unknown"}
    assert {group["verdict"] for one in document["checks"] for group in one["open"]} == {"unknown"}
    (why,) = document["not_asked"]
    assert (why["who"], why["cause"], set(why["stacks"])) == (f"account {ACCOUNT}", "no-answer", set(NAMES))


def test_a_deny_for_the_pipeline_on_one_secret_is_a_failed_check_that_names_the_call(shop: Shop) -> None:
    caller = operator(shop.aws).client("sts", endpoint_url=shop.aws.endpoint_url).get_caller_identity()["Arn"]
    deny = {"Effect": "Deny", "Principal": {"AWS": caller}, "Action": "secretsmanager:GetResourcePolicy"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**deny, "Resource": "*"}]})
    shop.secrets.put_resource_policy(SecretId="shop/dev/api/token", ResourcePolicy=policy)
    found = shop.run("verify", "-s", "shop-dev", "--format", "json")
    assert found.exit_code == 1
    red = {one["check"]: one["open"] for one in json.loads(found.stdout)["checks"] if one["result"] == "failed"}
    assert {"secret_policies_as_declared", "nobody_else_can_read", "policies_are_not_public"} <= set(red)
    assert all("GetResourcePolicy" in groups[0]["sentence"] for groups in red.values())
    assert json.loads(found.stdout)["not_asked"] == []
    # The next test uses the same shop: without a verify, the check stays red there.
    shop.secrets.delete_resource_policy(SecretId="shop/dev/api/token")
    assert_exited(shop.run("verify", "-s", "shop-dev"))


def test_a_role_that_may_not_be_assumed_is_the_cause_and_no_secret_is_red_for_it(shop: Shop, tmp_path: Path) -> None:
    trust = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    role = (
        operator(shop.aws)
        .client("iam", endpoint_url=shop.aws.endpoint_url)
        .create_role(
            RoleName="pipeline", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
    )
    settings = tmp_path / "operator.yaml"
    settings.write_text(f'{GRANTS}targets: [{{stacks: "*", role_arn: "{role}"}}]\n')
    found = shop.run("verify", "--format", "json", SECRETS_PIPELINE_CONFIG=str(settings))
    assert found.exit_code == 1
    document = json.loads(found.stdout)
    assert {one["result"] for one in document["checks"]} == {"unknown"}
    (why,) = document["not_asked"]
    assert (why["who"], why["cause"], set(why["stacks"])) == (f"account {ACCOUNT}", "role", set(NAMES))
    assert "AssumeRole" in why["said"]
