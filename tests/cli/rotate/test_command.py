"""`rotate`: by name and by reader, what follows in the same stack and in others, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws
from tests.cli.shop import Shop, opened
from tests.embedded import operator
from tests.runs import assert_exited

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

TOKEN, HEADER, PIN = "shop/dev/api/token", "shop/dev/api/header", "shop/dev/api/pin"
ELSEWHERE = "shop/web/api/header"
STACK = """
    vars: {context_name: shop, environment: ENVIRONMENT, account_id: "111122223333", region: eu-west-2}
    components:
      terraform:
        secretsmanager/app:
          vars:
            create_kms_key: true
            secrets:
"""
DEV = (
    STACK.replace("ENVIRONMENT", "dev")
    + """
              token: {path: api, generate_random_password: true}
              pin: {path: api, secret_data: "4711-typed"}
              header:
                path: api
                secret_data: {authorization: "Bearer ${output.secretsmanager/app.generated_passwords.token}"}
"""
)
WEB = (
    STACK.replace("ENVIRONMENT", "web")
    + """
              header:
                path: api
                secret_data: {authorization: "!terraform.output secretsmanager/app shop-dev secret_values.token"}
"""
)
READER = "arn:aws:iam::111122223333:role/reader"


@pytest.fixture(scope="module")
def shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Two stacks, applied, of which one follows the other."""
    granting = "grants: {stacks: shop-web, values: shop-dev}"
    shop = opened(embedded_aws, tmp_path_factory.mktemp("rotate"), settings=granting, dev=DEV, web=WEB)
    applied = shop.run("apply", "-s", "shop-dev", "-s", "shop-web")
    assert_exited(applied)
    return shop


@pytest.fixture(scope="module")
def iam(shop: Shop) -> IAMClient:
    return operator(shop.aws).client("iam", endpoint_url=shop.aws.endpoint_url)


def value(shop: Shop, name: str) -> str:
    return shop.secrets.get_secret_value(SecretId=name)["SecretString"]


def test_a_rotated_secret_is_followed_by_all_that_is_rendered_from_it_in_every_stack(shop: Shop) -> None:
    before = value(shop, TOKEN)
    result = shop.run("rotate", TOKEN)
    assert_exited(result)
    token = value(shop, TOKEN)
    assert token != before
    assert json.loads(value(shop, HEADER)) == {"authorization": f"Bearer {token}"}
    assert json.loads(value(shop, ELSEWHERE)) == {"authorization": token}
    assert f"{TOKEN}: createSecret ✓" in result.stderr
    assert "shop-dev: rotated" in result.stdout
    assert "shop-web: what followed" in result.stdout
    assert "0 warning, 0 failed" in result.stdout
    for secret in (before, token):
        assert secret not in result.output


def test_what_follows_does_not_rely_on_lists_that_lag_behind(shop: Shop) -> None:
    emulator.freeze_lists(shop.aws)
    try:
        assert_exited(shop.run("rotate", TOKEN))
    finally:
        emulator.thaw_lists(shop.aws)
    assert json.loads(value(shop, HEADER)) == {"authorization": f"Bearer {value(shop, TOKEN)}"}
    assert json.loads(value(shop, ELSEWHERE)) == {"authorization": value(shop, TOKEN)}


def test_what_follows_is_a_run_of_the_code_location_that_the_environment_names(shop: Shop) -> None:
    assert_exited(shop.run("rotate", TOKEN, SECRETS_PIPELINE_NAME="payments"))
    assert json.loads(value(shop, ELSEWHERE)) == {"authorization": value(shop, TOKEN)}


def test_json_tells_what_was_rotated_and_what_followed(shop: Shop) -> None:
    shown = json.loads(shop.run("rotate", TOKEN, "--format", "json").stdout)
    assert shown["errors"] == {}
    rotated = shown["rotated"]["shop-dev"]
    assert [(row["name"], row["outcome"]) for row in rotated["outcomes"]] == [(TOKEN, "applied")]
    followed = {row["name"] for row in shown["followed"]["shop-dev"]["outcomes"] if row["outcome"] == "applied"}
    assert HEADER in followed
    assert ELSEWHERE in {row["name"] for row in shown["followed"]["shop-web"]["outcomes"]}


def test_what_cannot_be_rotated_says_so_and_a_dry_run_touches_nothing(shop: Shop) -> None:
    before = value(shop, TOKEN)
    result = shop.run("rotate", TOKEN, PIN, HEADER, "--dry-run", "--format", "json")
    assert_exited(result)
    told = {row["secret"]: (row["rotates"], row["how, or why not"]) for row in json.loads(result.stdout)["secrets"]}
    assert told == {
        TOKEN: ("yes", "by this pipeline"),
        PIN: ("no", "its value stands in the YAML"),
        HEADER: ("no", f"it is rendered from {TOKEN}"),
    }
    assert shop.counts.idle, shop.counts
    assert value(shop, TOKEN) == before


def test_the_table_is_headed_by_what_became_of_the_secrets(shop: Shop) -> None:
    refused = shop.run("rotate", PIN)
    assert "shop-dev: not rotated" in refused.stdout
    assert "shop-dev: rotated" not in refused.stdout
    some = shop.run("rotate", PIN, TOKEN)
    assert "shop-dev: 1 of 2 rotated" in some.stdout


def test_after_a_compromise_the_roots_of_all_that_a_principal_could_read_are_rotated(
    shop: Shop, iam: IAMClient
) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = shop.secrets.describe_secret(SecretId=HEADER)["ARN"]
    read = [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
    ]
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=document(*read))
    before = value(shop, TOKEN)
    result = shop.run("rotate", "--readable-by", READER, "--format", "json")
    # The role is nobody's consumer, which the checks say.
    assert_exited(result, 1)
    shown = json.loads(result.stdout)
    assert [row["name"] for row in shown["rotated"]["shop-dev"]["outcomes"]] == [TOKEN]
    assert value(shop, TOKEN) != before
    failed = {check["check"] for check in shown["followed"]["shop-dev"]["checks"] if not check["passed"]}
    assert failed == {"nobody_else_can_read"}
    iam.delete_role_policy(RoleName="reader", PolicyName="read")
    nothing = shop.run("rotate", "--readable-by", READER)
    assert_exited(nothing)
    assert "nothing to rotate" in nothing.stderr


def document(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name secrets, or a principal"),
        ((TOKEN, "--readable-by", READER), "name secrets, or a principal"),
        (("nobody/s",), "no stack declares a secret nobody/s"),
        (("--readable-by", "reader"), "is no ARN"),
    ],
)
def test_bad_input_is_refused_before_any_call(shop: Shop, arguments: tuple[str, ...], said: str) -> None:
    result = shop.run("rotate", *arguments)
    assert_exited(result, 1)
    assert said in " ".join(result.stderr.split())
    assert shop.counts.total == 0


def test_nothing_is_rotated_in_a_read_only_run(shop: Shop) -> None:
    result = shop.run("rotate", TOKEN, SECRETS_PIPELINE_READ_ONLY="1")
    assert_exited(result, 1)
    assert "SECRETS_PIPELINE_READ_ONLY is set" in result.stderr
    assert shop.counts.total == 0
