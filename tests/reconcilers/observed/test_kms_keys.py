"""Keys as one run sees them: any spelling, one call, and what the run itself made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.awsrequest import AWSResponse

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Target
from secrets_pipeline.reconcilers.observed.key_state import UNKNOWN_STATE, KeyState
from secrets_pipeline.reconcilers.observed.kms_keys import KeyInventory
from tests.bench import unpaced

if TYPE_CHECKING:
    from tests.bench import Bench

MISSING = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def account(bench: Bench) -> AwsAccount:
    return unpaced(bench.session).for_target(Target(region=bench.aws.region, account_id=bench.aws.account_id))


@pytest.fixture
def key(bench: Bench) -> tuple[str, str]:
    """A key behind the bench's alias; its id and ARN."""
    made = bench.kms.create_key()["KeyMetadata"]
    bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=made["KeyId"])
    return made["KeyId"], made["Arn"]


def spellings(bench: Bench, key: tuple[str, str]) -> list[str]:
    key_id, arn = key
    return [key_id, arn, bench.alias, f"{arn.rpartition(':')[0]}:{bench.alias}"]


def problem(keys: KeyInventory, name: str) -> str:
    found = keys.problem(name)
    return found.problem if found else ""


@pytest.mark.parametrize("lists_aliases", [True, False])
def test_every_spelling_is_the_same_key_and_none_is_asked_for_twice(
    bench: Bench, account: AwsAccount, key: tuple[str, str], lists_aliases: bool
) -> None:
    keys = KeyInventory(account, lists_aliases=lists_aliases)
    bench.reset_calls()
    names = spellings(bench, key)
    for name in (*names, *names):
        assert keys.key_id(name) == key[0]
        about = keys.about(name)
        assert about is not None
        assert (about.key_id, about.arn, keys.problem(name)) == (*key, None)
    calls = bench.calls("kms")
    # Without the list, each spelling is a question of its own.
    assert (calls["ListAliases"], calls["DescribeKey"]) == ((1, 1) if lists_aliases else (0, len(names)))


@pytest.mark.parametrize("lists_aliases", [True, False])
def test_a_key_that_does_not_exist_is_asked_for_once_and_until_it_is_noted(
    bench: Bench, account: AwsAccount, lists_aliases: bool
) -> None:
    keys = KeyInventory(account, lists_aliases=lists_aliases)
    for _ in range(2):
        assert keys.about(bench.alias) is None
        assert keys.key_id(bench.alias) is None
        assert str(keys.problem(bench.alias)).startswith("does not exist: ")
    made = bench.kms.create_key()["KeyMetadata"]
    bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=made["KeyId"])
    assert keys.about(bench.alias) is None
    keys.note_alias(bench.alias, made["KeyId"])
    about = keys.about(bench.alias)
    assert about is not None
    assert about.key_id == made["KeyId"]


def test_what_a_run_made_is_known_though_kms_does_not_show_it_yet(bench: Bench, account: AwsAccount) -> None:
    keys = KeyInventory(account)
    assert keys.about(MISSING) is None
    thought = keys.concluded("x", lambda: "before")
    keys.note(KeyState(MISSING, f"arn:{MISSING}", "Enabled"), {"a": "b"})
    keys.note_alias(bench.alias, MISSING)
    assert keys.key_id(bench.alias) == MISSING
    assert keys.problem(bench.alias) is None
    assert keys.tags(MISSING) == {"a": "b"}
    assert (thought, keys.concluded("x", lambda: "after")) == ("before", "after")


def test_what_is_forgotten_is_read_again_and_nothing_else(
    bench: Bench, account: AwsAccount, key: tuple[str, str]
) -> None:
    keys, (key_id, _) = KeyInventory(account), key
    other = bench.kms.create_key()["KeyMetadata"]["KeyId"]
    for one in (key_id, other):
        assert keys.problem(one) is None
        assert keys.tags(one) == {}
        assert not keys.rotation(one).enabled
        bench.kms.disable_key(KeyId=one)
        bench.kms.tag_resource(KeyId=one, Tags=[{"TagKey": "a", "TagValue": "b"}])
    keys.forget(key_id)
    assert (problem(keys, key_id), keys.tags(key_id)) == ("is Disabled", {"a": "b"})
    assert (keys.problem(other), keys.tags(other)) == (None, {})


def test_a_key_of_another_region_encrypts_nothing_here_and_is_not_asked_for(bench: Bench, account: AwsAccount) -> None:
    keys, far = KeyInventory(account), f"arn:aws:kms:us-east-1:{bench.aws.account_id}:key/{MISSING}"
    bench.reset_calls()
    assert keys.about(far) is None
    assert problem(keys, far) == f"is in us-east-1, and the secret in {bench.aws.region}"
    assert not bench.calls("kms")
    # AWS makes it when it is first used.
    assert keys.problem("alias/aws/secretsmanager") is None


def test_an_alias_of_another_account_is_not_looked_up_among_ours(
    bench: Bench, account: AwsAccount, key: tuple[str, str]
) -> None:
    theirs = f"arn:aws:kms:{bench.aws.region}:444455556666:{bench.alias}"
    assert KeyInventory(account).key_id(theirs) != key[0]


def test_a_key_that_we_may_not_look_at_is_left_to_secrets_manager(
    bench: Bench, account: AwsAccount, key: tuple[str, str]
) -> None:
    keys = KeyInventory(account)
    account.botocore_session.get_component("event_emitter").register("after-call.kms.DescribeKey", denied)
    about = keys.about(bench.alias)
    assert about is not None
    assert (about.key_id, about.state) == (key[0], UNKNOWN_STATE)
    assert keys.problem(bench.alias) is None


def denied(http_response: AWSResponse, parsed: dict[str, object], **_: object) -> None:
    """What KMS answers to a caller that its policy does not name.

    Source: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
    """
    parsed["Error"] = {"Code": "AccessDeniedException", "Message": "not authorized"}
    http_response.status_code = 400


def test_keys_without_alias_are_found_by_their_tag_until_one_is_searched_again(
    bench: Bench, account: AwsAccount, key: tuple[str, str]
) -> None:
    keys, tag = KeyInventory(account), f"of-{bench.stack}"
    bare = [
        bench.kms.create_key(Tags=[{"TagKey": tag, "TagValue": str(number)}])["KeyMetadata"]["KeyId"]
        for number in range(2)
    ]
    bench.kms.tag_resource(KeyId=key[0], Tags=[{"TagKey": tag, "TagValue": "aliased"}])
    assert keys.without_alias(tag) == {one: {tag: str(number)} for number, one in enumerate(bare)}
    late = bench.kms.create_key(Tags=[{"TagKey": tag, "TagValue": "late"}])["KeyMetadata"]["KeyId"]
    assert late not in keys.without_alias(tag)
    keys.forget_search(tag)
    assert late in keys.without_alias(tag)
