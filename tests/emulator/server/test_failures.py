"""An exception inside moto is an answer of the service, not a cut connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from secrets_pipeline import emulator
from tests.embedded import operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from secrets_pipeline.emulator import LocalAws

ONCE = Config(retries={"total_max_attempts": 1})


def said(ask: Callable[[], object]) -> tuple[str, int]:
    """The error's code and the HTTP status; the name of botocore's exception where no answer came."""
    try:
        ask()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    except BotoCoreError as error:
        return type(error).__name__, 0
    return "", 200


@pytest.fixture
def client(aws: LocalAws) -> Callable[[str], Any]:
    session: Any = operator(aws)
    return lambda service: session.client(service, endpoint_url=aws.endpoint_url, config=ONCE)


def test_an_exception_inside_moto_is_answered_as_a_fault_of_the_service_and_counted(
    aws: LocalAws, client: Callable[[str], Any]
) -> None:
    emulator.reset_calls(aws)
    logs = client("logs")
    assert said(lambda: logs.get_query_results(queryId="nobody-s")) == ("InternalFailure", 500)
    [call] = emulator.calls(aws)
    assert (call.operation, call.status, call.error) == ("GetQueryResults", 500, "InternalFailure")
    assert said(logs.describe_log_groups) == ("", 200)


@pytest.mark.parametrize(
    ("service", "operation", "asked"),
    [
        ("kms", "generate_data_key_pair", {"KeyId": "x", "KeyPairSpec": "RSA_2048"}),
        ("iam", "simulate_custom_policy", {"PolicyInputList": ["{}"], "ActionNames": ["s3:GetObject"]}),
    ],
)
def test_an_operation_that_moto_lacks_is_said_so_in_the_protocol_of_the_service(
    client: Callable[[str], Any], service: str, operation: str, asked: dict[str, Any]
) -> None:
    assert said(lambda: getattr(client(service), operation)(**asked)) == ("NotImplemented", 501)
