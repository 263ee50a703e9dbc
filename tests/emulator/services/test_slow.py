"""What takes its time in the embedded AWS, row by row of its table of delays: refused at first, and later not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws, Pace
from secrets_pipeline.emulator.control.delays import DELAYS, LASTING, UNSEEN
from tests.embedded import lead_to, operator
from tests.waiting import WAITER, eventually

SECONDS = 100.0
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}, "Action": "sts:AssumeRole"}
        ],
    }
)
_READ = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
READS = json.dumps({"Version": "2012-10-17", "Statement": [_READ]})

if TYPE_CHECKING:
    Call = Callable[[], object]


class Account:
    """Plain boto3, and things that tests make by it.

    Args:
        aws: the embedded AWS.
        name: of everything that is made.
    """

    def __init__(self, aws: LocalAws, name: str) -> None:
        self.aws, self.name = aws, name.replace("/", "-")
        self.boto: boto3.Session = operator(aws)
        for service in ("iam", "lambda", "secretsmanager", "kms", "sqs", "events", "rds"):
            setattr(self, service.replace("lambda", "functions"), self.boto.client(service))

    def __getattr__(self, service: str) -> Any:  # noqa: ANN401 - a client
        raise AttributeError(service)

    def role(self) -> str:
        """Make a role."""
        return str(self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"])

    def function(self, **more: object) -> str:
        """Make a function with a role that is there."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("a.py", "def b(event, context):\n    return 1\n")
        return str(
            self.functions.create_function(
                FunctionName=self.name,
                Role=self.role_arn,
                Runtime="python3.13",
                Handler="a.b",
                Code={"ZipFile": archive.getvalue()},
                **more,
            )["FunctionArn"]
        )

    @property
    def role_arn(self) -> str:
        """Of the role, made or not."""
        return f"arn:aws:iam::{self.aws.account_id}:role/{self.name}"

    def permit(self) -> None:
        """Let Secrets Manager in."""
        self.functions.add_permission(
            FunctionName=self.name,
            StatementId="s",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
        )


@pytest.fixture
def account(aws: LocalAws, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    lead_to(aws, monkeypatch)
    yield Account(aws, name)
    emulator.settle(aws)
    emulator.reset_conditions(aws)


def slow(account: Account, *names: str) -> None:
    emulator.set_pace(account.aws, Pace(seconds=dict.fromkeys(names, SECONDS)))


def refused(call: Call) -> str:
    with pytest.raises(ClientError) as failure:
        call()
    return str(failure.value.response["Error"]["Code"])


def later(account: Account) -> None:
    emulator.advance(account.aws, timedelta(seconds=SECONDS + 1))


def test_a_role_can_be_assumed_by_lambda_and_be_a_target_later(account: Account) -> None:
    slow(account, "CreateRole to CreateFunction", "CreateRole to PutTargets")
    account.role()
    account.events.put_rule(Name=account.name, EventPattern='{"source": ["x"]}')
    target = {"Id": "t", "Arn": f"arn:aws:events:{account.aws.region}:{account.aws.account_id}:event-bus/default"}

    def aim() -> None:
        account.events.put_targets(Rule=account.name, Targets=[{**target, "RoleArn": account.role_arn}])

    assert refused(account.function) == "InvalidParameterValueException"
    assert refused(aim) == "ValidationException"
    later(account)
    account.function()
    aim()


def test_a_function_is_known_and_its_first_permission_seen_later(account: Account) -> None:
    account.role()
    slow(account, "CreateFunction to its name", "AddPermission to GetPolicy", "AddPermission to RotateSecret")
    arn = account.function()
    assert refused(account.permit) == "ResourceNotFoundException"
    assert refused(lambda: account.functions.get_function(FunctionName=arn)) == "ResourceNotFoundException"
    later(account)
    account.permit()
    assert refused(lambda: account.functions.get_policy(FunctionName=arn)) == "ResourceNotFoundException"
    account.secretsmanager.create_secret(Name=account.name, SecretString="x")

    def rotate() -> None:
        account.secretsmanager.rotate_secret(
            SecretId=account.name, RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 3}
        )

    assert refused(rotate) == "AccessDeniedException"
    later(account)
    assert "secretsmanager" in account.functions.get_policy(FunctionName=account.name)["Policy"]
    rotate()


def test_a_secret_a_key_and_an_alias_are_known_later(account: Account) -> None:
    slow(account, "CreateSecret to the secret", "CreateKey to the key", "CreateAlias to the alias")
    arn = account.secretsmanager.create_secret(Name=account.name, SecretString="x")["ARN"]
    key = account.kms.create_key()["KeyMetadata"]["KeyId"]
    alias = f"alias/{account.name}"
    another = f"{account.name}-2"
    assert refused(lambda: account.secretsmanager.describe_secret(SecretId=arn)) == "ResourceNotFoundException"
    assert (
        refused(lambda: account.secretsmanager.get_secret_value(SecretId=account.name)) == "ResourceNotFoundException"
    )
    assert refused(lambda: account.kms.enable_key_rotation(KeyId=key)) == "NotFoundException"
    under = {"Name": another, "SecretString": "x", "KmsKeyId": key}
    assert refused(lambda: account.secretsmanager.create_secret(**under)) == "ResourceNotFoundException"
    later(account)
    account.kms.create_alias(AliasName=alias, TargetKeyId=key)
    assert refused(lambda: account.kms.describe_key(KeyId=alias)) == "NotFoundException"
    account.kms.describe_key(KeyId=key)
    later(account)
    account.kms.describe_key(KeyId=alias)
    account.secretsmanager.create_secret(**under)
    account.secretsmanager.describe_secret(SecretId=arn)


def test_a_queue_is_known_later_and_its_name_free_a_minute_after_it_is_gone(account: Account) -> None:
    slow(account, "CreateQueue to the queue", "DeleteQueue to CreateQueue")
    name = account.name
    url = account.sqs.create_queue(QueueName=name)["QueueUrl"]
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:{account.aws.region}:{account.aws.account_id}:{name}"}

    def feed() -> None:
        redrive = json.dumps({**policy, "maxReceiveCount": 3})
        account.sqs.create_queue(QueueName=f"{name}-main", Attributes={"RedrivePolicy": redrive})

    assert refused(lambda: account.sqs.get_queue_url(QueueName=name)) == "AWS.SimpleQueueService.NonExistentQueue"
    assert refused(feed) == "InvalidParameterValue"
    later(account)
    feed()
    account.sqs.delete_queue(QueueUrl=url)
    assert refused(lambda: account.sqs.create_queue(QueueName=name)).endswith("QueueDeletedRecently")
    later(account)
    account.sqs.create_queue(QueueName=name)


def test_every_row_of_the_table_is_one_of_these_tests_or_of_those_of_its_service() -> None:
    assert {row.write for row in UNSEEN} == {
        "iam:CreateRole",
        "lambda:CreateFunction",
        "lambda:AddPermission",
        "secretsmanager:CreateSecret",
        "kms:CreateKey",
        "kms:CreateAlias",
        "sqs:CreateQueue",
        "sqs:DeleteQueue",
    }
    assert len(DELAYS) == 22


def test_a_function_is_pending_then_active_and_an_update_changes_its_revision_twice(account: Account) -> None:
    account.role()
    slow(account, "function Pending", "function InProgress")
    account.function()
    found = account.functions.get_function_configuration(FunctionName=account.name)
    assert (found["State"], found["StateReasonCode"]) == ("Pending", "Creating")

    def update(**more: str) -> dict[str, Any]:
        answer: dict[str, Any] = account.functions.update_function_configuration(FunctionName=account.name, **more)
        return answer

    assert refused(lambda: update(Description="x")) == "ResourceConflictException"
    assert refused(lambda: account.functions.invoke(FunctionName=account.name)) == "ResourceConflictException"
    later(account)
    made = account.functions.get_function_configuration(FunctionName=account.name)
    assert made["State"] == "Active"
    assert made["RevisionId"] != found["RevisionId"]
    updated = update(Description="x", RevisionId=made["RevisionId"])
    assert updated["LastUpdateStatus"] == "InProgress"
    assert refused(lambda: update(Description="y")) == "ResourceConflictException"
    tag = {"Resource": made["FunctionArn"], "Tags": {"a": "b"}}
    assert refused(lambda: account.functions.tag_resource(**tag)) == "ResourceConflictException"
    later(account)
    assert refused(lambda: update(Description="z", RevisionId=updated["RevisionId"])) == "PreconditionFailedException"
    assert account.functions.get_function_configuration(FunctionName=account.name)["LastUpdateStatus"] == "Successful"
    account.functions.tag_resource(**tag)


def test_a_function_in_a_network_whose_role_got_its_policy_a_moment_ago_fails_and_stays_so(account: Account) -> None:
    account.role()
    slow(account, "PutRolePolicy to network interfaces", "function Pending in a VPC")
    account.iam.put_role_policy(RoleName=account.name, PolicyName="p", PolicyDocument=READS)
    account.function(VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})
    later(account)
    found = account.functions.get_function_configuration(FunctionName=account.name)
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "InsufficientRolePermissions")
    later(account)
    account.functions.delete_function(FunctionName=account.name)
    account.function(VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})
    later(account)
    assert account.functions.get_function_configuration(FunctionName=account.name)["State"] == "Active"


def test_the_picture_of_an_account_shows_roles_and_their_policies_later(account: Account) -> None:
    slow(account, "PutRolePolicy to GetAccountAuthorizationDetails")

    def pictured() -> list[list[str]]:
        roles = account.iam.get_account_authorization_details(Filter=["Role"], MaxItems=1000)["RoleDetailList"]
        return [
            [one["PolicyName"] for one in role["RolePolicyList"]] for role in roles if role["RoleName"] == account.name
        ]

    account.role()
    assert pictured() == []
    later(account)
    assert pictured() == [[]]
    account.iam.put_role_policy(RoleName=account.name, PolicyName="p", PolicyDocument=READS)
    assert pictured() == [[]]
    assert account.iam.get_role_policy(RoleName=account.name, PolicyName="p")["PolicyName"] == "p"
    emulator.advance(account.aws, timedelta(seconds=SECONDS / 2))
    account.iam.put_role_policy(RoleName=account.name, PolicyName="q", PolicyDocument=READS)
    assert pictured() == [[]]
    emulator.advance(account.aws, timedelta(seconds=SECONDS / 2 + 1))
    assert pictured() == [["p"]]
    account.iam.put_role_policy(RoleName=account.name, PolicyName="r", PolicyDocument=READS)
    account.iam.delete_role_policy(RoleName=account.name, PolicyName="p")
    later(account)
    assert pictured() == [["q", "r"]]


def test_an_event_comes_through_cloudtrail_later_unless_the_pace_ends_or_the_account_is_emptied(
    account: Account,
) -> None:
    slow(account, "event through CloudTrail")
    url = heard(account)

    def told() -> list[str]:
        events = account.boto.client("cloudtrail").lookup_events()["Events"]
        return [one["EventName"] for one in events if account.name in one["CloudTrailEvent"]]

    account.secretsmanager.create_secret(Name=account.name, SecretString="x")
    emulator.settle(account.aws)
    assert (received(account, url), told()) == ([], [])
    later(account)
    assert (received(account, url), told()) == (["CreateSecret"], ["CreateSecret"])
    account.secretsmanager.update_secret(SecretId=account.name, Description="never told")
    emulator.reset_conditions(account.aws)
    assert told() == ["UpdateSecret", "CreateSecret"]
    later(account)
    assert received(account, url) == []
    slow(account, "event through CloudTrail")
    account.secretsmanager.update_secret(SecretId=account.name, Description="nor this")
    emulator.empty(account.aws)
    url = heard(account)
    later(account)
    assert received(account, url) == []


def heard(account: Account) -> str:
    """The URL of a queue that gets every call to Secrets Manager."""
    url = str(account.sqs.create_queue(QueueName=account.name)["QueueUrl"])
    arn = f"arn:aws:sqs:{account.aws.region}:{account.aws.account_id}:{account.name}"
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    pattern = {"source": ["aws.secretsmanager"], "detail-type": ["AWS API Call via CloudTrail"]}
    account.events.put_rule(Name=account.name, EventPattern=json.dumps(pattern))
    account.events.put_targets(Rule=account.name, Targets=[{"Id": "q", "Arn": arn}])
    return url


def received(account: Account, url: str) -> list[str]:
    """The calls that a queue was told of."""
    emulator.settle(account.aws)
    messages = account.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(one["Body"])["detail"]["eventName"] for one in messages]


def test_what_began_when_the_clock_was_ahead_is_over_once_it_is_set_back(account: Account) -> None:
    name = account.name
    account.role()
    emulator.advance(account.aws, timedelta(days=1))
    later_role = Account(account.aws, f"{name}-later")
    later_role.role()
    slow(account, *(one.name for one in LASTING if one.name != "ListSecrets"))
    account.function()
    arn = account.secretsmanager.create_secret(
        Name=name, SecretString="x", AddReplicaRegions=[{"Region": "eu-west-1"}]
    )["ARN"]
    account.rds.create_db_cluster(
        DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="owner", MasterUserPassword="before-before"
    )
    emulator.reset_conditions(account.aws)
    assert account.functions.get_function_configuration(FunctionName=name)["State"] == "Active"
    roles = account.iam.get_account_authorization_details(Filter=["Role"], MaxItems=1000)["RoleDetailList"]
    assert {name, f"{name}-later"} <= {one["RoleName"] for one in roles}
    events = account.boto.client("cloudtrail").lookup_events()["Events"]
    assert any(one["EventName"] == "CreateSecret" and name in one["CloudTrailEvent"] for one in events)
    [replica] = account.secretsmanager.describe_secret(SecretId=name)["ReplicationStatus"]
    assert replica["Status"] == "InSync"
    emulator.set_pace(account.aws, Pace(seconds={"CreateRole to policies that name the role": 0}))
    reads = {"Effect": "Allow", "Principal": {"AWS": later_role.role_arn}, "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    account.secretsmanager.put_resource_policy(SecretId=arn, ResourcePolicy=policy)
    account.rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=name, WaiterConfig=WAITER)


def test_a_master_password_takes_its_time_and_tags_are_refused_meanwhile(account: Account) -> None:
    name = account.name
    made = account.rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="before-before",
    )["DBInstance"]
    tags = {"ResourceName": made["DBInstanceArn"], "Tags": [{"Key": "a", "Value": "b"}]}
    assert refused(lambda: account.rds.add_tags_to_resource(**tags)) == "InvalidDBInstanceState"
    account.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig=WAITER)
    slow(account, "database resetting-master-credentials")
    account.rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="after-after", ApplyImmediately=True)

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = account.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        return found

    assert shown()["DBInstanceStatus"] == "resetting-master-credentials"
    assert "MasterUserPassword" in shown()["PendingModifiedValues"]
    assert refused(lambda: account.rds.add_tags_to_resource(**tags)) == "InvalidDBInstanceState"
    later(account)
    eventually(lambda: shown()["DBInstanceStatus"] == "available")
    account.rds.add_tags_to_resource(**tags)


def test_the_trial_version_of_a_rotation_is_seen_by_everybody_and_goes(account: Account) -> None:
    account.role()
    account.iam.put_role_policy(RoleName=account.name, PolicyName="p", PolicyDocument=READS)
    arn = account.function()
    account.permit()
    account.secretsmanager.create_secret(Name=account.name, SecretString="x")
    slow(account, "trial version of RotateImmediately: false")

    def rotate(*, now: bool) -> None:
        account.secretsmanager.rotate_secret(
            SecretId=account.name,
            RotationLambdaARN=arn,
            RotationRules={"AutomaticallyAfterDays": 3},
            RotateImmediately=now,
        )

    def pending() -> bool:
        found = account.secretsmanager.describe_secret(SecretId=account.name)["VersionIdsToStages"]
        return any(stages == ["AWSPENDING"] for stages in found.values())

    rotate(now=False)
    eventually(pending)
    assert refused(lambda: rotate(now=True)) == "InvalidRequestException"
    later(account)
    eventually(lambda: not pending())
