from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.aws.service_keys import ensure_key, seal_key
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.emulator import LocalAws, calls, reset_calls
from secrets_pipeline.errors import SealError
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.seal import SealContext, open_seal, seal

CANARY = "canary-Tt3!é\n"
SEAL_UNDER_A_MISSING_KEY = """
import sys
import botocore.session
from secrets_pipeline.errors import SealError
from secrets_pipeline.values.seal import seal
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.seal import SealContext

context = SealContext(*sys.argv[1:])
key = f"arn:aws:kms:{context.region}:{context.account_id}:key/none"
try:
    seal(GeneratedPasswords({}), session=botocore.session.Session(), key_arn=key, context=context)
except SealError as error:
    print(error)
"""


@pytest.fixture
def key_arn(account: AwsAccount) -> str:
    return ensure_key(account.client("kms"), seal_key())


@pytest.fixture
def context(account: AwsAccount) -> SealContext:
    return SealContext(account.account_id, account.region, "fnx-dev")


@pytest.fixture
def message(account: AwsAccount, key_arn: str, context: SealContext) -> bytes:
    bundle = GeneratedPasswords({"a#b": SecretStr(CANARY)})
    return seal(bundle, session=account.botocore_session, key_arn=key_arn, context=context)


def test_a_hundred_values_cost_one_data_key_and_one_decryption(
    account: AwsAccount, aws: LocalAws, key_arn: str, context: SealContext
) -> None:
    values = {f"component/{number}#key": SecretStr(f"value-{number}-é") for number in range(100)}
    reset_calls(aws)
    message = seal(GeneratedPasswords(values), session=account.botocore_session, key_arn=key_arn, context=context)
    opened = open_seal(message, session=account.botocore_session, key_arn=key_arn, context=context)
    assert opened.refs == tuple(values)
    assert all(opened.get(ref) == value for ref, value in values.items())
    assert Counter({call.operation: call.count for call in calls(aws)}) == {"GenerateDataKey": 1, "Decrypt": 1}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_whatever_is_sealed_comes_out(
    account: AwsAccount, key_arn: str, context: SealContext, values: dict[str, str]
) -> None:
    bundle = GeneratedPasswords({ref: SecretStr(value) for ref, value in values.items()})
    message = seal(bundle, session=account.botocore_session, key_arn=key_arn, context=context)
    opened = open_seal(message, session=account.botocore_session, key_arn=key_arn, context=context)
    assert [(ref, opened.get(ref)) for ref in opened.refs] == [(ref, SecretStr(v)) for ref, v in values.items()]


def test_a_seal_shows_what_it_belongs_to_and_nothing_it_holds(message: bytes) -> None:
    assert b"fnx-dev" in message
    assert b"canary" not in message
    assert b"a#b" not in message


@pytest.mark.parametrize("other", [{"stack": "fnx-prod"}, {"region": "us-east-1"}, {"account_id": "999988887777"}])
def test_a_seal_of_another_stack_region_or_account_is_refused(
    account: AwsAccount, key_arn: str, context: SealContext, message: bytes, other: dict[str, str]
) -> None:
    with pytest.raises(SealError, match="does not belong to") as refusal:
        open_seal(message, session=account.botocore_session, key_arn=key_arn, context=replace(context, **other))
    assert "canary" not in str(refusal.value)


def test_a_message_with_more_context_than_ours_is_refused(
    account: AwsAccount, key_arn: str, context: SealContext
) -> None:
    class More(SealContext):
        def encryption_context(self) -> dict[str, str]:
            return {**super().encryption_context(), "more": "x"}

    more = More(context.account_id, context.region, context.stack)
    message = seal(GeneratedPasswords({}), session=account.botocore_session, key_arn=key_arn, context=more)
    with pytest.raises(SealError, match="does not belong to"):
        open_seal(message, session=account.botocore_session, key_arn=key_arn, context=context)


def test_a_message_changed_anywhere_is_refused(
    account: AwsAccount, key_arn: str, context: SealContext, message: bytes
) -> None:
    for position in range(0, len(message), 7):
        changed = bytearray(message)
        changed[position] ^= 1
        with pytest.raises(SealError) as refusal:
            open_seal(bytes(changed), session=account.botocore_session, key_arn=key_arn, context=context)
        assert "canary" not in str(refusal.value)
    for cut in (b"", message[: len(message) // 2], message[:-1]):
        with pytest.raises(SealError):
            open_seal(cut, session=account.botocore_session, key_arn=key_arn, context=context)


def test_a_seal_under_another_key_is_refused(account: AwsAccount, context: SealContext, message: bytes) -> None:
    other = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(SealError, match="cannot be opened: DecryptKeyError") as refusal:
        open_seal(message, session=account.botocore_session, key_arn=other, context=context)
    assert other in refusal.value.remedy


def test_a_disabled_key_neither_seals_nor_opens(
    account: AwsAccount, context: SealContext, caplog: pytest.LogCaptureFixture
) -> None:
    kms = account.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    bundle = GeneratedPasswords({"a#b": SecretStr(CANARY)})
    message = seal(bundle, session=account.botocore_session, key_arn=arn, context=context)
    kms.disable_key(KeyId=arn)
    with caplog.at_level(logging.INFO):
        with pytest.raises(SealError, match="cannot be made: DisabledException"):
            seal(bundle, session=account.botocore_session, key_arn=arn, context=context)
        with pytest.raises(SealError, match="cannot be opened"):
            open_seal(message, session=account.botocore_session, key_arn=arn, context=context)
    assert "canary" not in caplog.text


def test_a_failure_prints_no_stack_trace_where_logging_is_not_configured(
    account: AwsAccount, aws: LocalAws, context: SealContext
) -> None:
    arguments = [context.account_id, context.region, context.stack]
    command = [sys.executable, "-c", SEAL_UNDER_A_MISSING_KEY, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot be made: NotFoundException" in ran.stdout
    assert ran.stderr == ""


def test_no_log_line_at_any_level_holds_a_value(
    account: AwsAccount, key_arn: str, context: SealContext, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = GeneratedPasswords({"a#b": SecretStr("canary-debug")})
    with caplog.at_level(logging.DEBUG, logger="aws_encryption_sdk"):
        message = seal(bundle, session=account.botocore_session, key_arn=key_arn, context=context)
        open_seal(message, session=account.botocore_session, key_arn=key_arn, context=context)
    assert "canary" not in caplog.text
