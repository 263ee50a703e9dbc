"""`access explain` and `access reach`: one principal, in words, and everything that it could read."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.cli.demo.call_counts import call_counts
from tests.cli.access.access_shop import (
    ACCOUNT,
    AUDITOR,
    CONFIG,
    DECRYPT,
    LEGACY,
    OTHER,
    PARTNER,
    READ,
    STACK,
    STRANGER,
    TOKEN,
    WORKER,
    AccessShop,
    allow,
    deny,
    document,
)

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
MISSING = f"arn:aws:iam::{ACCOUNT}:role/worker"
"""The worker without its path."""
NO_SUCH_ROLE = f"role worker does not exist in account {ACCOUNT}"


def explain(arn: str, secret: str, *more: str) -> tuple[str, ...]:
    return ("access", "explain", "--principal", arn, "--secret", secret, *more)


def reach(arn: str, *more: str) -> tuple[str, ...]:
    return ("access", "reach", "--principal", arn, "-s", STACK, *more)


def test_a_sentence_names_who_what_and_why_and_each_layer_has_a_line(access_shop: AccessShop) -> None:
    with access_shop.policy(AUDITOR, allow(READ, sid="Look"), deny(DECRYPT, sid="Blind")):
        lines = access_shop.run(*explain(AUDITOR, TOKEN)).stdout.splitlines()
        assert access_shop.answer(AUDITOR, TOKEN) == "AccessDeniedException: Access to KMS is not allowed"
    assert lines[0] == (
        f"role auditor of {ACCOUNT} cannot read {TOKEN}: Secrets Manager lets it, but the identity policy "
        f"(inline policy reading, statement Blind) denies {DECRYPT}."
    )
    votes = [line.split(maxsplit=3) for line in lines if line.startswith((READ, DECRYPT))]
    assert [READ, "identity", "policy", "allows (inline policy reading, statement Look)"] in votes
    assert [DECRYPT, "identity", "policy", "denies (inline policy reading, statement Blind)"] in votes


def test_the_json_is_the_row_of_the_matrix(access_shop: AccessShop) -> None:
    with access_shop.policy(WORKER, allow(READ, DECRYPT)):
        row = access_shop.readings()[WORKER, TOKEN]
        said = access_shop.read(*explain(WORKER, TOKEN, "--format", "json"))
    assert said == {name: value for name, value in row.items() if name not in {"expected", "administrator"}}
    assert said["verdict"] == "Allowed"


def test_a_secret_of_nobodys_stack_is_explained_for_a_stack_that_is_named(access_shop: AccessShop) -> None:
    with access_shop.policy(STRANGER, allow(READ)):
        said = access_shop.read(*explain(STRANGER, LEGACY, "-s", STACK, "--format", "json"))
        assert (said["verdict"], access_shop.answer(STRANGER, LEGACY)) == ("Allowed", "read")


def test_a_role_that_does_not_exist_is_said_to_be_none(access_shop: AccessShop) -> None:
    assert f"note: {NO_SUCH_ROLE}" in access_shop.run(*explain(MISSING, TOKEN)).stdout
    assert access_shop.read(*explain(MISSING, TOKEN, "--format", "json"))["note"] == NO_SUCH_ROLE
    assert "note" not in access_shop.read(*explain(WORKER, TOKEN, "--format", "json"))
    assert f"note: {NO_SUCH_ROLE}" in access_shop.run(*reach(MISSING)).stdout
    assert access_shop.read(*reach(MISSING, "--format", "json"))["note"] == NO_SUCH_ROLE


def test_a_root_user_reads_without_a_policy_and_the_sentence_does_not_blame_one(access_shop: AccessShop) -> None:
    said = access_shop.read(*explain(ROOT, TOKEN, "--format", "json"))
    assert said["verdict"] == "Allowed"
    assert said["reason"] == f"a root user needs no identity policy for {READ}"
    assert said["sentence"].startswith(f"account {ACCOUNT} can read {TOKEN}: a root user needs no identity policy")


@pytest.mark.parametrize("arn", [WORKER, PARTNER, AUDITOR, STRANGER])
def test_reach_lists_exactly_the_secrets_that_aws_gives_out(access_shop: AccessShop, arn: str) -> None:
    """The worker reads all, the partner what is shared, the auditor what no key protects from it, the stranger none."""
    pages = access_shop.client("secretsmanager").get_paginator("list_secrets").paginate()
    every = [secret["Name"] for page in pages for secret in page["SecretList"]]
    assert set(every) >= {TOKEN, CONFIG, LEGACY}
    with (
        access_shop.policy(WORKER, allow(READ, DECRYPT)),
        access_shop.policy(PARTNER, allow(READ, DECRYPT)),
        access_shop.policy(AUDITOR, allow(READ), deny(DECRYPT, resource=access_shop.key())),
    ):
        found = access_shop.read(*reach(arn, "--format", "json"))
        idle = call_counts(access_shop.calls).idle
        given_out = {secret for secret in every if access_shop.answer(arn, secret) == "read"}
    assert found["principal"] == arn
    assert {one["secret"] for one in found["readings"]} == given_out
    assert given_out == {WORKER: {TOKEN, CONFIG, LEGACY}, PARTNER: {CONFIG}, AUDITOR: {LEGACY}, STRANGER: set()}[arn]
    assert idle


def test_a_user_reaches_what_its_own_access_key_opens(access_shop: AccessShop) -> None:
    iam, name = access_shop.client("iam"), "ann"
    arn = iam.create_user(UserName=name, Path="/people/")["User"]["Arn"]
    reading = document(allow(READ, DECRYPT, resource="*"), deny(READ, resource=access_shop.arn(CONFIG)))
    iam.put_user_policy(UserName=name, PolicyName="reading", PolicyDocument=reading)
    issued = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(issued["AccessKeyId"], issued["SecretAccessKey"], region_name="eu-west-2")
    try:
        found = access_shop.read(*reach(arn, "--format", "json"))["readings"]
        own = access_shop.client("secretsmanager", session)
        answered = {own.get_secret_value(SecretId=access_shop.arn(secret))["Name"] for secret in (TOKEN, LEGACY)}
        with pytest.raises(ClientError, match="AccessDeniedException"):
            own.get_secret_value(SecretId=access_shop.arn(CONFIG))
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=issued["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="reading")
        iam.delete_user(UserName=name)
    assert arn == f"arn:aws:iam::{ACCOUNT}:user/people/{name}"
    assert {one["secret"] for one in found} == answered


def test_reach_in_words_has_a_sentence_for_each_secret_and_one_for_none(access_shop: AccessShop) -> None:
    assert access_shop.run(*reach(STRANGER)).stdout == f"role stranger of {ACCOUNT} can read none of 3 secrets.\n"
    with access_shop.policy(STRANGER, allow(READ, DECRYPT)):
        lines = access_shop.run(*reach(STRANGER)).stdout.splitlines()
    starts = sorted(line.split(":")[0] for line in lines)
    assert starts == [f"role stranger of {ACCOUNT} can read {secret}" for secret in sorted((TOKEN, CONFIG, LEGACY))]


def test_what_may_be_readable_counts_as_reachable(access_shop: AccessShop) -> None:
    """From which network the role asks is not in any policy."""
    inside = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    read = allow(READ, sid="Inside", resource=access_shop.arn(TOKEN), Condition=inside)
    with access_shop.policy(STRANGER, read, allow(DECRYPT)):
        (one,) = access_shop.read(*reach(STRANGER, "--format", "json"))["readings"]
    assert (one["secret"], one["verdict"]) == (TOKEN, "Unknown")
    assert "aws:sourcevpce" in one["reason"].lower()


def test_a_role_of_an_account_that_nobody_may_look_at_is_judged_by_what_is_known(access_shop: AccessShop) -> None:
    unseen = f"arn:aws:iam::{OTHER[::-1]}:role/unseen"
    said = access_shop.read(*explain(unseen, TOKEN, "--format", "json"))
    assert (said["verdict"], said["layer"]) == ("DeniedBySecretsManager", "secret policy")
