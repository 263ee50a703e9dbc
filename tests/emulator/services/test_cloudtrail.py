"""What was read of secrets, as CloudTrail's event history tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.emulator import FaultAction, InjectedFault, LocalAws, arm, reset_conditions
from tests.emulator.conftest import Clients

if TYPE_CHECKING:
    from tests.emulator.conftest import Refused

OTHER_ACCOUNT = "444455556666"


class Trail:
    """CloudTrail of one account."""

    def __init__(self, clients: Clients) -> None:
        self.client: Any = clients.session.client("cloudtrail", endpoint_url=clients.endpoint_url)

    def events(self, key: str = "EventName", value: str = "GetSecretValue", **parameters: object) -> list[Any]:
        attributes = [{"AttributeKey": key, "AttributeValue": value}]
        pages = self.client.get_paginator("lookup_events").paginate(LookupAttributes=attributes, **parameters)
        return [event for page in pages for event in page["Events"]]

    def of(self, secret_id: str) -> list[Any]:
        """What is told of the reads of one secret, the latest first."""
        return [json.loads(event["CloudTrailEvent"]) for event in self.reads(secret_id)]

    def reads(self, secret_id: str) -> list[Any]:
        """The events of one secret that are reads."""
        return [one for one in self.events("ResourceName", secret_id) if one["EventName"] == "GetSecretValue"]


@pytest.fixture
def trail(clients: Clients) -> Trail:
    return Trail(clients)


@pytest.fixture
def secret(clients: Clients, name: str) -> str:
    return clients.secrets.create_secret(Name=name, SecretString="canary-of-cloudtrail")["ARN"]


def test_a_read_is_told_with_time_reader_and_what_the_secret_was_named_by(
    clients: Clients, trail: Trail, secret: str, name: str
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    clients.secrets.get_secret_value(SecretId=name)
    clients.secrets.get_secret_value(SecretId=secret)
    (by_name,) = trail.reads(name)
    (by_arn,) = trail.of(secret)
    assert before <= by_name["EventTime"] <= datetime.now(UTC)
    assert (by_name["EventName"], by_name["EventSource"]) == ("GetSecretValue", "secretsmanager.amazonaws.com")
    assert by_arn["requestParameters"] == {"secretId": secret}
    assert by_arn["userIdentity"]["type"] == "IAMUser"
    assert by_arn["userIdentity"]["arn"] == clients.sts.get_caller_identity()["Arn"]
    assert "canary-of-cloudtrail" not in json.dumps([by_name, by_arn], default=str)


def test_a_role_session_is_told_with_its_role(clients: Clients, name: str) -> None:
    other = clients.in_account(OTHER_ACCOUNT)
    other.secrets.create_secret(Name=name, SecretString="x")
    other.secrets.get_secret_value(SecretId=name)
    (told,) = Trail(other).of(name)
    identity = told["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/OrganizationAccountAccessRole/test"
    assert (
        identity["sessionContext"]["sessionIssuer"]["arn"]
        == f"arn:aws:iam::{OTHER_ACCOUNT}:role/OrganizationAccountAccessRole"
    )
    assert Trail(other).events("Username", "test")


def test_each_account_has_a_history_of_its_own(clients: Clients, trail: Trail, secret: str, name: str) -> None:
    clients.secrets.get_secret_value(SecretId=name)
    assert Trail(clients.in_account(OTHER_ACCOUNT)).of(name) == []
    assert len(trail.of(name)) == 1


def test_another_accounts_secret_is_told_in_both_accounts_without_the_arn_of_the_reader_in_its_own(
    clients: Clients, trail: Trail, secret: str
) -> None:
    other = clients.in_account(OTHER_ACCOUNT)
    try:
        other.secrets.get_secret_value(SecretId=secret)
    except ClientError as error:
        code: str | None = error.response["Error"]["Code"]
    else:
        code = None
    (there,), (here,) = Trail(other).of(secret), trail.of(secret)
    assert there.get("errorCode") == here.get("errorCode") == code
    assert there["userIdentity"]["arn"].endswith("assumed-role/OrganizationAccountAccessRole/test")
    assert {key: here["userIdentity"].get(key) for key in ("type", "accountId", "arn")} == {
        "type": "AWSAccount",
        "accountId": OTHER_ACCOUNT,
        "arn": None,
    }
    assert here["userIdentity"]["principalId"].endswith(":test")


def test_a_refused_read_is_told_with_its_error(clients: Clients, trail: Trail, refused: Refused, name: str) -> None:
    with refused("ResourceNotFoundException"):
        clients.secrets.get_secret_value(SecretId=name)
    assert [told["errorCode"] for told in trail.of(name)] == ["ResourceNotFoundException"]


def test_a_batch_is_told_as_one_read_for_each_secret(clients: Clients, trail: Trail, name: str) -> None:
    names = [f"{name}-{number}" for number in range(3)]
    for one in names:
        clients.secrets.create_secret(Name=one, SecretString="x")
    clients.secrets.batch_get_secret_value(SecretIdList=names)
    assert [len(trail.of(one)) for one in names] == [1, 1, 1]


def test_other_calls_leave_no_read(clients: Clients, trail: Trail, secret: str, name: str) -> None:
    clients.secrets.describe_secret(SecretId=name)
    clients.secrets.put_secret_value(SecretId=name, SecretString="y")
    assert trail.of(name) == []
    assert trail.events("EventName", "DescribeSecret") == []


@pytest.fixture
def faults(aws: LocalAws) -> Iterator[None]:
    yield
    reset_conditions(aws)


@pytest.mark.usefixtures("faults")
@pytest.mark.parametrize(
    ("action", "told"), [(FaultAction.ERROR, [None, "InternalServiceError"]), (FaultAction.LOST, [None, None])]
)
def test_every_try_is_told_also_one_whose_answer_was_lost(
    aws: LocalAws, clients: Clients, secret: str, action: FaultAction, told: list[str | None]
) -> None:
    arm(aws, InjectedFault(action, service="secretsmanager", operation="GetSecretValue"))
    clients.secrets.get_secret_value(SecretId=secret)
    assert [one.get("errorCode") for one in Trail(clients).of(secret)] == told


def test_events_come_the_latest_first_and_50_at_most_in_an_answer(clients: Clients, trail: Trail, name: str) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x")
    for _ in range(59):
        clients.secrets.get_secret_value(SecretId=name)
    attribute = [{"AttributeKey": "ResourceName", "AttributeValue": name}]
    first = trail.client.lookup_events(LookupAttributes=attribute)
    clients.secrets.get_secret_value(SecretId=name)
    second = trail.client.lookup_events(LookupAttributes=attribute, NextToken=first["NextToken"])
    assert (len(first["Events"]), len(second["Events"]), "NextToken" in second) == (50, 10, False)
    both = [*first["Events"], *second["Events"]]
    assert len({event["EventId"] for event in both}) == 60
    assert [event["EventTime"] for event in both] == sorted((event["EventTime"] for event in both), reverse=True)


def test_start_and_end_time_bound_what_is_found(clients: Clients, trail: Trail, secret: str) -> None:
    clients.secrets.get_secret_value(SecretId=secret)
    now = datetime.now(UTC)
    soon, before = now + timedelta(seconds=5), now - timedelta(minutes=5)
    assert len(trail.events("ResourceName", secret, StartTime=before, EndTime=soon)) == 1
    assert trail.events("ResourceName", secret, StartTime=soon) == []
    assert trail.events("ResourceName", secret, EndTime=before) == []


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("InvalidTimeRangeException", {"StartTime": 2_000_000_000, "EndTime": 1_900_000_000}),
        ("InvalidMaxResultsException", {"MaxResults": 51}),
        ("InvalidNextTokenException", {"NextToken": "nothing"}),
        (
            "InvalidLookupAttributesException",
            {"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "true"}] * 2},
        ),
    ],
)
def test_what_cloudtrail_refuses_is_refused(
    trail: Trail, refused: Refused, code: str, parameters: dict[str, Any]
) -> None:
    with refused(code):
        trail.client.lookup_events(**parameters)


def test_trails_work_as_before(clients: Clients, trail: Trail) -> None:
    s3: Any = clients.session.client("s3", endpoint_url=clients.endpoint_url)
    s3.create_bucket(Bucket="trail", CreateBucketConfiguration={"LocationConstraint": clients.session.region_name})
    trail.client.create_trail(Name="audit", S3BucketName="trail")
    assert [one["Name"] for one in trail.client.describe_trails()["trailList"]] == ["audit"]


@pytest.mark.parametrize("region", ["eu-west-2", "us-east-1", "ap-south-1"])
def test_a_change_of_iam_is_told_in_the_region_of_global_services_wherever_it_was_sent(
    clients: Clients, name: str, region: str
) -> None:
    at: Any = {"endpoint_url": clients.endpoint_url}
    iam = clients.session.client("iam", region_name=region, **at)
    iam.create_user(UserName=f"{name}-{region}")
    iam.get_user(UserName=f"{name}-{region}")
    trail = Trail(clients)
    trail.client = clients.session.client("cloudtrail", region_name="us-east-1", **at)
    told = [json.loads(one["CloudTrailEvent"]) for one in trail.events("EventSource", "iam.amazonaws.com")]
    (mine,) = [one for one in told if one["requestParameters"].get("userName") == f"{name}-{region}"]
    assert (mine["eventName"], mine["awsRegion"], mine["readOnly"]) == ("CreateUser", "us-east-1", False)
    assert mine["userAgent"].startswith("Boto3/")


def test_a_refused_change_of_iam_is_told_with_its_error(clients: Clients, name: str) -> None:
    at: Any = {"endpoint_url": clients.endpoint_url, "region_name": "us-east-1"}
    with pytest.raises(ClientError):
        clients.session.client("iam", **at).delete_role(RoleName=name)
    trail = Trail(clients)
    trail.client = clients.session.client("cloudtrail", **at)
    told = [json.loads(one["CloudTrailEvent"]) for one in trail.events(value="DeleteRole")]
    assert [one["errorCode"] for one in told if one["requestParameters"] == {"roleName": name}] == ["NoSuchEntity"]
