from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.value.model import PasswordPolicy
from secrets_pipeline.errors import DocumentError, SecretsPipelineError, SpecError
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.documents import field, merge_document, to_json
from secrets_pipeline.values.fingerprint import Fingerprinter
from secrets_pipeline.values.passwords import generate
from secrets_pipeline.values.seal import SealContext, open_seal, scrubbed

CANARY = "canary-Vv8"
SECRET = SecretStr(f'{{"password":"{CANARY}"}}')


def test_our_errors_are_told_in_full() -> None:
    error = SpecError("wrong", remedy="Do this.")
    assert scrubbed(error) == error.diagnostics()


def test_any_other_error_is_told_by_its_type_alone() -> None:
    assert scrubbed(ValueError(CANARY)) == "ValueError"
    assert scrubbed(KeyError(CANARY)) == "KeyError"


def test_aws_s_text_is_told_where_it_cannot_quote_a_value() -> None:
    gone = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no such"}}, "DescribeSecret")
    assert scrubbed(gone) == "ResourceNotFoundException: no such"
    quoting = ClientError({"Error": {"Code": "ValidationException", "Message": CANARY}}, "PutSecretValue")
    assert CANARY not in scrubbed(quoting)


def put_a_wrong_type(account: AwsAccount) -> None:
    client: Any = account.client("secretsmanager")
    with calling("PutSecretValue", "a"):
        client.put_secret_value(SecretId="a", SecretString=[CANARY])


def put_into_nothing(account: AwsAccount) -> None:
    with calling("PutSecretValue", "none"):
        account.client("secretsmanager").put_secret_value(SecretId="none", SecretString=CANARY)


def open_a_value_as_a_seal(account: AwsAccount) -> None:
    arn = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    context = SealContext(account.account_id, account.region, "dev")
    open_seal(CANARY.encode(), session=account.botocore_session, key_arn=arn, context=context)


FAILURES: list[Callable[[AwsAccount], object]] = [
    put_a_wrong_type,
    put_into_nothing,
    open_a_value_as_a_seal,
    lambda _: field(SECRET, ("none",)),
    lambda _: field(SecretStr(CANARY), ("none",)),
    lambda _: merge_document(SecretStr(CANARY), {"a": "b"}),
    lambda _: merge_document(SECRET, {"a": object()}),
    lambda _: to_json({"password": SecretStr(CANARY), "a": object()}),
    lambda _: generate(PasswordPolicy(length=1, alphabet={"lower": "a"}, minima={"lower": 2})),
]


@pytest.mark.parametrize("fail", FAILURES)
def test_no_failure_shows_a_value(
    account: AwsAccount, fail: Callable[[AwsAccount], object], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(SecretsPipelineError) as failure:
        fail(account)
    error = failure.value
    # Lines of source hold no value either: the canaries are made outside of them.
    told = [str(error), repr(error), repr(error.args), repr(vars(error)), scrubbed(error), caplog.text]
    assert CANARY not in "\n".join([*told, *traceback.format_exception(error)])


def test_no_object_that_holds_a_value_shows_it() -> None:
    holders = [
        GeneratedPasswords({"a#b": SecretStr(CANARY)}),
        Fingerprinter(CANARY.encode()),
        field(SECRET, ("password",)),
        merge_document(SECRET, {"host": "a"}),
        to_json({"a": SecretStr(CANARY)}),
    ]
    assert CANARY not in f"{holders}{[str(holder) for holder in holders]}"


def test_a_document_error_is_a_pipeline_error() -> None:
    assert issubclass(DocumentError, SecretsPipelineError)
