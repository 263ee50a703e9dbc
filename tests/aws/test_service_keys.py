from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from urllib3 import HTTPResponse

from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.patience import Patience
from secrets_pipeline.aws.service_keys import (
    FINGERPRINT_ALIAS,
    PURPOSE_TAG,
    SEAL_ALIAS,
    ServiceKey,
    _create,
    ensure_key,
    ensure_service_keys,
    find_key,
    fingerprint_key,
    seal_key,
)
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import AwsError, GuardError
from secrets_pipeline.values.fingerprint import Fingerprinter
from tests.aws.conftest import REGION

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient

    from tests.aws.conftest import Emulator


@pytest.fixture
def kms(account: AwsAccount) -> KMSClient:
    return account.client("kms")


def tagged(kms: KMSClient, purpose: str, state: str = "Enabled") -> list[str]:
    return [
        key["KeyArn"]
        for key in pages(kms, "list_keys")
        if {"TagKey": PURPOSE_TAG, "TagValue": purpose} in pages(kms, "list_resource_tags", KeyId=key["KeyArn"])
        and kms.describe_key(KeyId=key["KeyArn"])["KeyMetadata"]["KeyState"] == state
    ]


def before_alias(kms: KMSClient, act: Callable[[], object], call: str = "CreateAlias") -> None:
    """Let another run act once, between CreateKey and CreateAlias of ours, or another call."""
    done = threading.Event()

    def handler(**_: object) -> None:
        if not done.is_set():
            done.set()
            act()

    kms.meta.events.register(f"before-call.kms.{call}", handler)


def test_the_keys_are_made_with_what_each_is_for(kms: KMSClient) -> None:
    keys = ensure_service_keys(kms)
    seal = kms.describe_key(KeyId=SEAL_ALIAS)["KeyMetadata"]
    fingerprint = kms.describe_key(KeyId=FINGERPRINT_ALIAS)["KeyMetadata"]
    assert (seal["Arn"], fingerprint["Arn"]) == (keys.seal, keys.fingerprint)
    assert (seal["KeySpec"], seal["KeyUsage"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    assert (fingerprint["KeySpec"], fingerprint["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")
    assert kms.get_key_rotation_status(KeyId=keys.seal)["KeyRotationEnabled"]
    assert tagged(kms, "seal") == [keys.seal]
    assert tagged(kms, "fingerprint") == [keys.fingerprint]


def test_a_second_run_finds_both_with_two_reads(kms: KMSClient, emulator: Emulator) -> None:
    keys = ensure_service_keys(kms)
    emulator.forget_calls()
    assert ensure_service_keys(kms) == keys
    assert emulator.calls == {"DescribeKey": 2}


def test_a_key_left_over_by_a_crash_is_used(kms: KMSClient) -> None:
    kms.create_key(Description="somebody else's")
    left_over = _create(kms, seal_key())
    assert ensure_key(kms, seal_key()) == left_over
    assert find_key(kms, SEAL_ALIAS) == left_over
    assert kms.get_key_rotation_status(KeyId=left_over)["KeyRotationEnabled"]
    assert tagged(kms, "seal") == [left_over]


def test_a_key_left_over_for_the_other_purpose_or_deleted_is_not_used(kms: KMSClient) -> None:
    other = _create(kms, fingerprint_key())
    gone = _create(kms, seal_key())
    kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)
    assert ensure_key(kms, seal_key()) not in {other, gone}


def test_two_runs_that_find_the_same_left_over_key_agree(kms: KMSClient, emulator: Emulator) -> None:
    others = Sessions().for_target(Target(region="eu-west-1")).client("kms")
    before_alias(kms, lambda: ensure_key(others, seal_key()))
    assert ensure_key(kms, seal_key()) == find_key(others, SEAL_ALIAS)
    assert len(tagged(kms, "seal")) == 1
    assert emulator.calls["ScheduleKeyDeletion"] == 0


@pytest.mark.needs("kms:ScheduleKeyDeletion")
def test_the_key_that_loses_the_race_is_deleted_and_the_winner_used(kms: KMSClient, emulator: Emulator) -> None:
    others = Sessions().for_target(Target(region="eu-west-1")).client("kms")

    def win() -> None:
        others.create_alias(AliasName=SEAL_ALIAS, TargetKeyId=_create(others, seal_key()))

    before_alias(kms, win)
    winner = ensure_key(kms, seal_key())
    assert winner == find_key(others, SEAL_ALIAS)
    assert tagged(kms, "seal") == [winner]
    assert len(tagged(kms, "seal", "PendingDeletion")) == 1


@pytest.mark.parametrize(
    ("key", "call"),
    [(seal_key(), "EnableKeyRotation"), (seal_key(), "CreateAlias"), (fingerprint_key(), "CreateAlias")],
    ids=lambda one: getattr(one, "purpose", one),
)
def test_a_run_that_took_over_the_key_which_another_run_deletes_as_it_lost_the_race_uses_the_winner(
    kms: KMSClient, key: ServiceKey, call: str
) -> None:
    others = Sessions().for_target(Target(region="eu-west-1")).client("kms")
    lost = _create(others, key)

    def win() -> None:
        others.create_alias(AliasName=key.alias, TargetKeyId=_create(others, key))
        others.schedule_key_deletion(KeyId=lost, PendingWindowInDays=7)

    before_alias(kms, win, call)
    assert ensure_key(kms, key) == find_key(others, key.alias)
    assert tagged(kms, key.purpose, "PendingDeletion") == [lost]


def test_a_left_over_key_that_somebody_deletes_meanwhile_is_said(kms: KMSClient) -> None:
    others = Sessions().for_target(Target(region="eu-west-1")).client("kms")
    left_over = _create(others, seal_key())
    before_alias(kms, lambda: others.schedule_key_deletion(KeyId=left_over, PendingWindowInDays=7))
    with pytest.raises(AwsError, match="pending deletion") as said:
        ensure_key(kms, seal_key())
    assert said.value.operation == "CreateAlias"


def test_a_key_that_the_operator_provides_is_taken_and_never_made(kms: KMSClient, emulator: Emulator) -> None:
    own = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    emulator.forget_calls()
    assert ensure_key(kms, fingerprint_key(own)) == own
    missing = own[:-12] + "000000000000"
    with pytest.raises(AwsError, match="does not exist"):
        ensure_key(kms, fingerprint_key(missing))
    assert emulator.calls == {"DescribeKey": 2}


def test_a_missing_key_is_none(kms: KMSClient) -> None:
    assert find_key(kms, SEAL_ALIAS) is None


def test_a_disabled_or_deleted_key_is_said_and_not_replaced(kms: KMSClient) -> None:
    arn = ensure_key(kms, fingerprint_key())
    kms.disable_key(KeyId=arn)
    with pytest.raises(AwsError, match="is Disabled") as failure:
        ensure_key(kms, fingerprint_key())
    assert failure.value.code == "KMSInvalidStateException"
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    with pytest.raises(AwsError, match="is PendingDeletion"):
        find_key(kms, FINGERPRINT_ALIAS)


def test_a_read_only_run_makes_no_key(emulator: Emulator) -> None:
    kms = Sessions(read_only=True).for_target(Target(region="eu-west-1")).client("kms")
    with pytest.raises(GuardError, match="CreateKey"):
        ensure_service_keys(kms)
    assert emulator.calls["CreateKey"] == 0


def unknown_at_first(kms: KMSClient, *operations: str) -> Counter[str]:
    """Let KMS not know a key at the first try of some operations, as it may right after CreateKey; counts the tries."""
    tries: Counter[str] = Counter()

    def answer(request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        operation = event_name.rsplit(".", 1)[-1]
        tries[operation] += 1
        if tries[operation] > 1:
            return None
        body = BytesIO(b'{"__type": "NotFoundException", "message": "Key does not exist"}')
        return AWSResponse(request.url, 400, HTTPHeaders(), HTTPResponse(body, preload_content=False))

    events: Any = kms.meta.events
    for operation in operations:
        events.register(f"before-send.kms.{operation}", answer)
    return tries


def test_a_key_that_was_just_made_is_waited_for(emulator: Emulator) -> None:
    slept: list[float] = []
    sessions = Sessions(patience=Patience(clock=lambda: sum(slept), sleep=slept.append))
    kms = sessions.for_target(Target(region=REGION)).client("kms")
    tries = unknown_at_first(kms, "EnableKeyRotation", "CreateAlias", "GenerateMac")
    keys = ensure_service_keys(kms)
    Fingerprinter.derive(kms, keys.fingerprint)
    assert tries == {"EnableKeyRotation": 2, "CreateAlias": 3, "GenerateMac": 2}
    assert sum(slept) == pytest.approx(1.5)
    assert len(tagged(kms, "seal")) == len(tagged(kms, "fingerprint")) == 1
    assert find_key(kms, FINGERPRINT_ALIAS) == keys.fingerprint


def test_a_key_that_is_not_there_is_not_waited_for_unless_it_was_just_made(kms: KMSClient) -> None:
    with pytest.raises(AwsError, match="GenerateMac alias/none failed: NotFoundException"):
        Fingerprinter.derive(kms, "alias/none")
