"""`access policy`: what it prints, once attached, lets the role read its secrets in AWS, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.cli.demo.call_counts import call_counts
from tests.cli.access.access_shop import ACCOUNT, CONFIG, LEGACY, OTHER, PARTNER, STACK, TOKEN, WORKER, AccessShop
from tests.runs import assert_exited

SECRETS = (TOKEN, CONFIG, LEGACY)
READERS = "SecretsPipelineReaders"
ONLINE_AND_OFFLINE = pytest.mark.parametrize("more", [(), ("--offline",)], ids=["online", "offline"])


def documents(shop: AccessShop, consumer: str, *more: str) -> dict[str, Any]:
    (found,) = shop.read("access", "policy", "-s", STACK, "--consumer", consumer, *more)
    assert found["consumer"] == consumer
    return dict(found)


def readable(shop: AccessShop, arn: str) -> set[str]:
    """The secrets that AWS gives out to a role."""
    return {secret for secret in SECRETS if shop.answer(arn, secret) == "read"}


def refused(call: Callable[..., object], **parameters: object) -> str:
    """The code of AWS's refusal; empty for none."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@ONLINE_AND_OFFLINE
def test_a_role_of_the_account_reads_its_secret_and_nothing_else(
    access_shop: AccessShop, more: tuple[str, ...]
) -> None:
    found = documents(access_shop, "worker", *more)
    assert readable(access_shop, WORKER) == set()
    with access_shop.policy(WORKER, *found["identity"][WORKER]["Statement"]):
        assert readable(access_shop, WORKER) == {TOKEN}
        session = access_shop.assume(WORKER)
        secrets, kms = access_shop.client("secretsmanager", session), access_shop.client("kms", session)
        denied = {
            refused(secrets.put_secret_value, SecretId=TOKEN, SecretString="x"),
            refused(secrets.delete_secret, SecretId=TOKEN),
            refused(secrets.list_secrets),
            refused(secrets.batch_get_secret_value, SecretIdList=[TOKEN]),
            refused(kms.encrypt, KeyId=access_shop.key(), Plaintext=b"x"),
            refused(kms.generate_data_key, KeyId=access_shop.key(), KeySpec="AES_256"),
        }
        ciphertext = access_shop.client("kms").encrypt(KeyId=access_shop.key(), Plaintext=b"x")["CiphertextBlob"]
        denied.add(refused(kms.decrypt, CiphertextBlob=ciphertext))
    assert denied == {"AccessDeniedException"}
    assert readable(access_shop, WORKER) == set()


@ONLINE_AND_OFFLINE
def test_a_secret_of_a_longer_name_is_not_opened_by_the_way(access_shop: AccessShop, more: tuple[str, ...]) -> None:
    """`token-spares` begins as the ARN of `token` does."""
    client = access_shop.client("secretsmanager")
    client.create_secret(Name=f"{TOKEN}-spares", SecretString="x", KmsKeyId=access_shop.key())
    found = documents(access_shop, "worker", *more)
    try:
        with access_shop.policy(WORKER, *found["identity"][WORKER]["Statement"]):
            assert access_shop.answer(WORKER, f"{TOKEN}-spares").startswith("AccessDeniedException")
            assert access_shop.answer(WORKER, TOKEN) == "read"
    finally:
        client.delete_secret(SecretId=f"{TOKEN}-spares", ForceDeleteWithoutRecovery=True)


@ONLINE_AND_OFFLINE
def test_a_role_of_another_account_reads_once_all_three_documents_are_attached(
    access_shop: AccessShop, more: tuple[str, ...]
) -> None:
    """Whichever is attached first: with two of the three, it reads nothing."""
    found = documents(access_shop, "partner", *more)
    assert found["identity"] == {}
    assert list(found["handover"]) == [OTHER]
    assert list(found["secret_policies"]) == [CONFIG]
    ((key, key_policy),) = found["key_policies"].items()
    assert access_shop.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"] == access_shop.key()
    attach: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "identity": lambda: access_shop.policy(PARTNER, *found["handover"][OTHER][PARTNER]["Statement"]),
        "secret": lambda: secret_policy(access_shop, found["secret_policies"][CONFIG]),
        "key": lambda: access_shop.key_policy(*own_statements(access_shop), *key_policy["Statement"]),
    }
    with unshared(access_shop):
        for left_out in attach:
            first, second = (one for name, one in attach.items() if name != left_out)
            with first(), second():
                assert readable(access_shop, PARTNER) == set(), left_out
        with attach["identity"](), attach["secret"](), attach["key"]():
            assert readable(access_shop, PARTNER) == {CONFIG}
    assert readable(access_shop, PARTNER) == set()


def test_what_the_pipeline_put_on_secret_and_key_is_what_is_printed(access_shop: AccessShop) -> None:
    found = documents(access_shop, "partner")
    put = access_shop.client("secretsmanager").get_resource_policy(SecretId=CONFIG)["ResourcePolicy"]
    assert json.loads(put) == found["secret_policies"][CONFIG]
    statements = json.loads(
        access_shop.client("kms").get_key_policy(KeyId=access_shop.key(), PolicyName="default")["Policy"]
    )["Statement"]
    assert found["key_policies"][access_shop.key()]["Statement"][0] in statements
    with access_shop.policy(PARTNER, *found["handover"][OTHER][PARTNER]["Statement"]):
        assert readable(access_shop, PARTNER) == {CONFIG}
        assert access_shop.readings()[PARTNER, CONFIG]["verdict"] == "Allowed"


def test_a_secret_of_somebody_else_is_not_handed_out_without_a_word(access_shop: AccessShop) -> None:
    client = access_shop.client("secretsmanager")
    tags = client.describe_secret(SecretId=TOKEN)["Tags"]
    assert documents(access_shop, "worker")["open"] == []
    client.untag_resource(SecretId=TOKEN, TagKeys=[one["Key"] for one in tags])
    try:
        said = documents(access_shop, "worker")["open"]
    finally:
        client.tag_resource(SecretId=TOKEN, Tags=tags)
    assert said[0] == f"secret {TOKEN} is not ours"
    assert documents(access_shop, "worker")["open"] == []


def test_online_names_arns_and_writes_nothing(access_shop: AccessShop) -> None:
    found = documents(access_shop, "worker")
    assert call_counts(access_shop.calls).idle
    assert access_shop.key() in json.dumps(found)
    assert found["open"] == []
    handed_over = documents(access_shop, "partner")["handover"]
    assert access_shop.arn(CONFIG) in json.dumps(handed_over)


def test_offline_makes_no_call_and_says_what_is_open(access_shop: AccessShop) -> None:
    for consumer, secret in (("worker", TOKEN), ("partner", CONFIG)):
        found = documents(access_shop, consumer, "--offline")
        assert access_shop.calls == ()
        text = json.dumps({**found, "open": []})
        assert f"arn:aws:secretsmanager:eu-west-2:{ACCOUNT}:secret:{secret}-??????" in text
        assert "alias/secrets/shop/dev" in text
        assert any("alias/secrets/shop/dev is not known" in one for one in found["open"])


def test_offline_needs_neither_credentials_nor_a_network(access_shop: AccessShop) -> None:
    ask = ("access", "policy", "-s", STACK, "--consumer", "worker")
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    known, unknown = access_shop.run(*ask, "--offline"), access_shop.run(*ask, "--offline", **nowhere)
    assert (known.exit_code, unknown.exit_code) == (0, 0), known.output + unknown.output
    assert known.stdout == unknown.stdout
    assert_exited(access_shop.run(*ask, **nowhere), 1)


def test_offline_has_to_know_the_account(access_shop: AccessShop) -> None:
    result = access_shop.run(
        "access", "policy", "-s", STACK, "--consumer", "worker", "--offline", SECRETS_PIPELINE_CONFIG=""
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"nobody says in which account stack {STACK} lives" in result.stderr


@contextmanager
def unshared(shop: AccessShop) -> Iterator[None]:
    """Neither secret nor key let the other account in, as if the pipeline had not shared them."""
    client = shop.client("secretsmanager")
    kept = client.get_resource_policy(SecretId=CONFIG)["ResourcePolicy"]
    client.delete_resource_policy(SecretId=CONFIG)
    try:
        with shop.key_policy(*own_statements(shop)):
            yield
    finally:
        client.put_resource_policy(SecretId=CONFIG, ResourcePolicy=kept)


@contextmanager
def secret_policy(shop: AccessShop, policy: Mapping[str, Any]) -> Iterator[None]:
    client = shop.client("secretsmanager")
    client.put_resource_policy(SecretId=CONFIG, ResourcePolicy=json.dumps(policy), BlockPublicPolicy=True)
    try:
        yield
    finally:
        client.delete_resource_policy(SecretId=CONFIG)


def own_statements(shop: AccessShop) -> list[dict[str, Any]]:
    """The statements of the key's policy that are about our own account."""
    text = shop.client("kms").get_key_policy(KeyId=shop.key(), PolicyName="default")["Policy"]
    return [one for one in json.loads(text)["Statement"] if one["Sid"] != READERS]
