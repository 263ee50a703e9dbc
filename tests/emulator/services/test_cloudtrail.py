"""What CloudTrail tells EventBridge of changes, and its trails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.emulator import FaultAction, InjectedFault, LocalAws, arm, reset_conditions
from tests.emulator.conftest import Clients
from tests.emulator.services.ground import OTHER, Ground, MakeGround

CALLS = "AWS API Call via CloudTrail"


class Trail:
    """What is told of one kind of call in an account and region, the oldest first."""

    def __init__(self, ground: Ground, call: str) -> None:
        self._ground = ground
        self._url, arn = ground.queue()
        ground.rule({"detail-type": [CALLS], "detail": {"eventName": [call]}}, Arn=arn)

    def told(self) -> list[dict[str, Any]]:
        return [one["detail"] for one in self._ground.received(self._url)]


@pytest.fixture
def secret(clients: Clients, name: str) -> str:
    return clients.secrets.create_secret(Name=name, SecretString="x")["ARN"]


def test_another_accounts_secret_is_told_in_both_accounts_without_the_arn_of_the_caller_in_its_own(
    make_ground: MakeGround, clients: Clients, secret: str
) -> None:
    other = clients.in_account(OTHER)
    own, others = (Trail(make_ground(of), "PutSecretValue") for of in (clients, other))
    try:
        other.secrets.put_secret_value(SecretId=secret, SecretString="y")
    except ClientError as error:
        code: str | None = error.response["Error"]["Code"]
    else:
        code = None
    (there,), (here,) = others.told(), own.told()
    assert there.get("errorCode") == here.get("errorCode") == code
    assert (there["recipientAccountId"], here["recipientAccountId"]) == (
        OTHER,
        clients.sts.get_caller_identity()["Account"],
    )
    assert there["userIdentity"]["arn"].endswith("assumed-role/OrganizationAccountAccessRole/test")
    assert {key: here["userIdentity"].get(key) for key in ("type", "accountId", "arn")} == {
        "type": "AWSAccount",
        "accountId": OTHER,
        "arn": None,
    }
    assert here["userIdentity"]["principalId"].endswith(":test")


@pytest.fixture
def faults(aws: LocalAws) -> Iterator[None]:
    yield
    reset_conditions(aws)


@pytest.mark.usefixtures("faults")
@pytest.mark.parametrize(
    ("action", "told"), [(FaultAction.ERROR, ["InternalServiceError", None]), (FaultAction.LOST, [None, None])]
)
def test_every_try_is_told_also_one_whose_answer_was_lost(
    *, aws: LocalAws, ground: Ground, clients: Clients, secret: str, action: FaultAction, told: list[str | None]
) -> None:
    trail = Trail(ground, "PutSecretValue")
    arm(aws, InjectedFault(action, service="secretsmanager", operation="PutSecretValue"))
    clients.secrets.put_secret_value(SecretId=secret, SecretString="y")
    assert [one.get("errorCode") for one in trail.told()] == told


def test_trails_work_as_before(clients: Clients) -> None:
    at: Any = {"endpoint_url": clients.endpoint_url}
    s3: Any = clients.session.client("s3", **at)
    s3.create_bucket(Bucket="trail", CreateBucketConfiguration={"LocationConstraint": clients.session.region_name})
    trails: Any = clients.session.client("cloudtrail", **at)
    trails.create_trail(Name="audit", S3BucketName="trail")
    assert [one["Name"] for one in trails.describe_trails()["trailList"]] == ["audit"]
    (selector,) = trails.get_event_selectors(TrailName="audit")["EventSelectors"]
    assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("All", True)


@pytest.mark.parametrize("region", ["eu-west-2", "us-east-1", "ap-south-1"])
def test_a_change_of_iam_is_told_in_the_region_of_global_services_wherever_it_was_sent(
    make_ground: MakeGround, clients: Clients, name: str, region: str
) -> None:
    trail = Trail(make_ground(region="us-east-1"), "CreateUser")
    iam = clients.session.client("iam", region_name=region, endpoint_url=clients.endpoint_url)
    iam.create_user(UserName=name.partition("/")[0])
    (told,) = trail.told()
    assert told["requestParameters"] == {"userName": name.partition("/")[0]}
    assert (told["eventSource"], told["awsRegion"], told["readOnly"]) == ("iam.amazonaws.com", "us-east-1", False)
    assert told["userAgent"].startswith("Boto3/")


def test_a_refused_change_of_iam_is_told_with_its_error(make_ground: MakeGround, clients: Clients, name: str) -> None:
    trail = Trail(make_ground(region="us-east-1"), "DeleteRole")
    with pytest.raises(ClientError):
        clients.iam.delete_role(RoleName=name)
    (told,) = trail.told()
    assert (told["requestParameters"], told["errorCode"]) == ({"roleName": name}, "NoSuchEntity")
