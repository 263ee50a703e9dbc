"""A request that was signed too long ago is refused, in AWS's words and for as long as AWS takes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.emulator import LocalAws, advance, calls, reset_calls, reset_conditions
from tests.embedded import lead_to, operator
from tests.signing import sign_ago, signing_ago

WRITES: dict[str, Callable[[Any], object]] = {
    "secretsmanager": lambda one: one.create_secret(Name="stale", SecretString="x"),
    "kms": lambda one: one.create_key(),
    "ssm": lambda one: one.put_parameter(Name="stale", Value="x", Type="String"),
    "lambda": lambda one: one.delete_function(FunctionName="stale"),
    "ecs": lambda one: one.create_cluster(clusterName="stale"),
    "logs": lambda one: one.create_log_group(logGroupName="stale"),
    "iam": lambda one: one.delete_role(RoleName="stale"),
    "sqs": lambda one: one.create_queue(QueueName="stale"),
    "sns": lambda one: one.create_topic(Name="stale"),
    "events": lambda one: one.put_rule(Name="stale", EventPattern="{}"),
    "rds": lambda one: one.modify_db_instance(DBInstanceIdentifier="stale"),
    "apigateway": lambda one: one.create_rest_api(name="stale"),
    "s3": lambda one: one.put_object(Bucket="stale", Key="k", Body=b"x"),
}
FIVE = {"ecs", "kms", "lambda", "logs", "secretsmanager", "ssm"}
TOO_LATE = re.compile(r"Signature expired: \w{16} is now earlier than \w{16} \(\w{16} - (\d+) min\.\)")


@pytest.fixture(autouse=True)
def _signing(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    lead_to(aws, monkeypatch)
    reset_calls(aws)
    with signing_ago():
        yield
    sign_ago(0)
    reset_conditions(aws)


def client_of(aws: LocalAws, service: str) -> Any:  # noqa: ANN401 - of any service
    make: Any = operator(aws).client
    return make(service)


def refused(aws: LocalAws, service: str, seconds: float) -> ClientError:
    """The refusal of a write that was signed so long ago."""
    client = client_of(aws, service)
    sign_ago(seconds)
    try:
        with pytest.raises(ClientError) as caught:
            WRITES[service](client)
    finally:
        sign_ago(0)
    return caught.value


@pytest.mark.parametrize("service", WRITES)
def test_a_write_that_was_signed_too_long_ago_is_refused_and_not_performed(aws: LocalAws, service: str) -> None:
    minutes = 5 if service in FIVE else 15
    error = refused(aws, service, minutes * 60 + 5).response["Error"]
    if service == "s3":
        assert error["Code"] == "RequestTimeTooSkewed"
        assert error["Message"] == "The difference between the request time and the current time is too large."
        assert error["MaxAllowedSkewMilliseconds"] == "900000"  # type: ignore[typeddict-item] # S3's own
    else:
        assert error["Code"] in {"InvalidSignatureException", "SignatureDoesNotMatch"}
        found = TOO_LATE.fullmatch(error["Message"])
        assert found, error
        assert found[1] == str(minutes)
    assert calls(aws) == ()


@pytest.mark.parametrize("service", ["secretsmanager", "iam"])
def test_a_write_that_was_signed_some_minutes_ago_is_judged_as_any(aws: LocalAws, service: str) -> None:
    client = client_of(aws, service)
    sign_ago((5 if service in FIVE else 15) * 60 - 20)
    with pytest.raises(ClientError) as caught:
        client.delete_resource_policy(SecretId="none") if service in FIVE else client.delete_role(RoleName="none")
    assert caught.value.response["Error"]["Code"] in {"ResourceNotFoundException", "NoSuchEntity"}


def test_a_request_of_the_future_is_refused_as_well(aws: LocalAws) -> None:
    error = refused(aws, "secretsmanager", -400).response["Error"]
    assert re.fullmatch(r"Signature not yet current: \w+ is still later than \w+ \(\w+ \+ 5 min\.\)", error["Message"])


def test_signatures_are_judged_by_the_real_time_however_the_clock_of_resources_is_moved(aws: LocalAws) -> None:
    advance(aws, timedelta(days=3))
    operator(aws).client("secretsmanager").list_secrets()
    assert "Signature expired" in refused(aws, "secretsmanager", 305).response["Error"]["Message"]
