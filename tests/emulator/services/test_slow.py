"""What takes its time in the embedded AWS, row by row of its table of delays: refused at first, and later not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws, Pace
from secrets_pipeline.emulator.control.delays import DELAYS, LASTING, UNSEEN, Unseen
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
    def function_arn(self) -> str:
        """Of the function, made or not."""
        return f"arn:aws:lambda:{self.aws.region}:{self.aws.account_id}:function:{self.name}"

    def key_arn(self, key: str) -> str:
        """Of a key."""
        return f"arn:aws:kms:{self.aws.region}:{self.aws.account_id}:key/{key}"

    def target(self, **more: str) -> dict[str, str]:
        """A target of a rule: the default bus."""
        bus = f"arn:aws:events:{self.aws.region}:{self.aws.account_id}:event-bus/default"
        return {"Id": "with a role" if more else "without", "Arn": bus, **more}

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
    return str(refusal(call).response["Error"]["Code"])


def refusal(call: Call) -> ClientError:
    with pytest.raises(ClientError) as failure:
        call()
    return failure.value


def later(account: Account) -> None:
    emulator.advance(account.aws, timedelta(seconds=SECONDS + 1))


def prepare(account: Account, write: str) -> None:
    """Make what is there before something is written, and what later calls name besides."""
    name = account.name
    account.secretsmanager.create_secret(Name=f"{name}-other", SecretString="x")
    account.sqs.create_queue(QueueName=f"{name}-other")
    account.events.put_rule(Name=name, EventPattern='{"source": ["x"]}')
    if write.startswith("lambda:"):
        account.role()
    if write == "lambda:AddPermission":
        account.function()
    if write == "sqs:DeleteQueue":
        account.sqs.create_queue(QueueName=name)


def queue_url(account: Account, suffix: str = "") -> str:
    return f"{account.aws.endpoint_url}/{account.aws.account_id}/{account.name}{suffix}"


def redrive(account: Account) -> dict[str, str]:
    dead = f"arn:aws:sqs:{account.aws.region}:{account.aws.account_id}:{account.name}"
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})}


WRITES: Mapping[str, Callable[[Account], Any]] = {
    "iam:CreateRole": lambda one: one.role(),
    "lambda:CreateFunction": lambda one: one.function(),
    "lambda:AddPermission": lambda one: one.permit(),
    "secretsmanager:CreateSecret": lambda one: one.secretsmanager.create_secret(Name=one.name, SecretString="x")["ARN"],
    "kms:CreateKey": lambda one: one.kms.create_key()["KeyMetadata"]["KeyId"],
    "kms:CreateAlias": lambda one: one.kms.create_alias(
        AliasName=f"alias/{one.name}", TargetKeyId=one.kms.create_key()["KeyMetadata"]["KeyId"]
    ),
    "sqs:CreateQueue": lambda one: one.sqs.create_queue(QueueName=one.name),
    "sqs:DeleteQueue": lambda one: one.sqs.delete_queue(QueueUrl=queue_url(one)),
}
"""By write: does it, and gives what names it, where that is not the test's own name."""
Later = Callable[[Account, Any], object]
LATER: Mapping[tuple[str, str, str], tuple[Later, ...]] = {
    ("iam:CreateRole", "InvalidParameterValueException", "lambda:CreateFunction"): (lambda one, _: one.function(),),
    ("iam:CreateRole", "ValidationException", "events:PutTargets"): (
        lambda one, arn: one.events.put_targets(Rule=one.name, Targets=[one.target(), one.target(RoleArn=arn)]),
    ),
    ("lambda:AddPermission", "AccessDeniedException", "secretsmanager:RotateSecret"): (
        lambda one, _: one.secretsmanager.rotate_secret(
            SecretId=f"{one.name}-other",
            RotationLambdaARN=one.function_arn,
            RotationRules={"AutomaticallyAfterDays": 3},
        ),
    ),
    ("lambda:CreateFunction", "ResourceNotFoundException", "lambda:GetFunction"): (
        lambda one, arn: one.functions.get_function(FunctionName=arn),
        lambda one, _: one.functions.get_function(FunctionName=one.name),
    ),
    ("lambda:CreateFunction", "ResourceNotFoundException", "lambda:GetFunctionConfiguration"): (
        lambda one, _: one.functions.get_function_configuration(FunctionName=one.name),
    ),
    ("lambda:CreateFunction", "ResourceNotFoundException", "lambda:AddPermission"): (lambda one, _: one.permit(),),
    ("lambda:CreateFunction", "ResourceNotFoundException", "lambda:TagResource"): (
        lambda one, arn: one.functions.tag_resource(Resource=arn, Tags={"a": "b"}),
    ),
    ("lambda:AddPermission", "ResourceNotFoundException", "lambda:GetPolicy"): (
        lambda one, _: one.functions.get_policy(FunctionName=one.name),
    ),
    ("secretsmanager:CreateSecret", "ResourceNotFoundException", "secretsmanager:*"): (
        lambda one, arn: one.secretsmanager.describe_secret(SecretId=arn),
        lambda one, _: one.secretsmanager.get_secret_value(SecretId=one.name),
        lambda one, arn: one.secretsmanager.put_secret_value(SecretId=arn.rpartition("-")[0], SecretString="y"),
    ),
    ("kms:CreateKey", "NotFoundException", "kms:*"): (
        lambda one, key: one.kms.describe_key(KeyId=key),
        lambda one, key: one.kms.enable_key_rotation(KeyId=one.key_arn(key)),
        lambda one, key: one.kms.create_alias(AliasName=f"alias/{one.name}", TargetKeyId=key),
    ),
    ("kms:CreateKey", "ResourceNotFoundException", "secretsmanager:CreateSecret"): (
        lambda one, key: one.secretsmanager.create_secret(Name=one.name, SecretString="x", KmsKeyId=key),
    ),
    ("kms:CreateKey", "ResourceNotFoundException", "secretsmanager:UpdateSecret"): (
        lambda one, key: one.secretsmanager.update_secret(SecretId=f"{one.name}-other", KmsKeyId=one.key_arn(key)),
    ),
    ("kms:CreateAlias", "NotFoundException", "kms:*"): (
        lambda one, _: one.kms.describe_key(KeyId=f"alias/{one.name}"),
        lambda one, _: one.kms.encrypt(KeyId=one.key_arn("").replace("key/", f"alias/{one.name}"), Plaintext=b"x"),
    ),
    ("sqs:CreateQueue", "AWS.SimpleQueueService.NonExistentQueue", "sqs:GetQueueUrl"): (
        lambda one, _: one.sqs.get_queue_url(QueueName=one.name),
    ),
    ("sqs:CreateQueue", "AWS.SimpleQueueService.NonExistentQueue", "sqs:GetQueueAttributes"): (
        lambda one, _: one.sqs.get_queue_attributes(QueueUrl=queue_url(one), AttributeNames=["QueueArn"]),
    ),
    ("sqs:CreateQueue", "AWS.SimpleQueueService.NonExistentQueue", "sqs:SetQueueAttributes"): (
        lambda one, _: one.sqs.set_queue_attributes(QueueUrl=queue_url(one), Attributes={"DelaySeconds": "1"}),
    ),
    ("sqs:CreateQueue", "AWS.SimpleQueueService.NonExistentQueue", "sqs:TagQueue"): (
        lambda one, _: one.sqs.tag_queue(QueueUrl=queue_url(one), Tags={"a": "b"}),
    ),
    ("sqs:CreateQueue", "AWS.SimpleQueueService.NonExistentQueue", "sqs:ListQueueTags"): (
        lambda one, _: one.sqs.list_queue_tags(QueueUrl=queue_url(one)),
    ),
    ("sqs:CreateQueue", "AWS.SimpleQueueService.NonExistentQueue", "sqs:ReceiveMessage"): (
        lambda one, _: one.sqs.receive_message(QueueUrl=queue_url(one)),
    ),
    ("sqs:CreateQueue", "InvalidParameterValue", "sqs:CreateQueue"): (
        lambda one, _: one.sqs.create_queue(QueueName=f"{one.name}-main", Attributes=redrive(one)),
    ),
    ("sqs:CreateQueue", "InvalidParameterValue", "sqs:SetQueueAttributes"): (
        lambda one, _: one.sqs.set_queue_attributes(QueueUrl=queue_url(one, "-other"), Attributes=redrive(one)),
    ),
    ("sqs:DeleteQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "sqs:CreateQueue"): (
        lambda one, _: one.sqs.create_queue(QueueName=one.name),
    ),
}
"""By write, error code and later call: such calls, each of which names what was written."""
CASES = [
    pytest.param(row, call, later, id=f"{row.write} {call} {number}")
    for row in UNSEEN
    for call in row.calls
    for number, later in enumerate(LATER.get((row.write, row.code, call), ()))
]


def test_every_row_of_the_table_and_every_call_of_it_has_a_case() -> None:
    rows = [(row.write, row.code, call) for row in UNSEEN for call in row.calls]
    assert sorted(rows) == sorted(LATER)
    assert {row.delay.name for row in UNSEEN} | {one.name for one in LASTING} == set(DELAYS)


@pytest.mark.parametrize(("row", "call", "late"), CASES)
def test_what_was_written_is_refused_at_first_and_taken_later(
    account: Account, row: Unseen, call: str, late: Later
) -> None:
    prepare(account, row.write)
    slow(account, row.delay.name)
    written = WRITES[row.write](account)
    error = refusal(lambda: late(account, written))
    assert (error.response["Error"]["Code"], error.response["Error"]["Message"]) == (row.code, row.message)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == row.status
    assert error.operation_name == call.partition(":")[2] or call.endswith(":*")
    later(account)
    late(account, written)


def test_a_queue_that_is_made_again_alike_is_no_new_queue(account: Account) -> None:
    before = account.sqs.create_queue(QueueName=f"{account.name}-before")["QueueUrl"]
    slow(account, "CreateQueue to the queue")
    url = account.sqs.create_queue(QueueName=account.name)["QueueUrl"]
    assert account.sqs.create_queue(QueueName=account.name)["QueueUrl"] == url
    assert account.sqs.create_queue(QueueName=f"{account.name}-before")["QueueUrl"] == before
    account.sqs.get_queue_attributes(QueueUrl=before)
    later(account)
    account.sqs.create_queue(QueueName=account.name)
    account.sqs.get_queue_attributes(QueueUrl=url)


def test_only_what_names_a_thing_looks_for_it_and_a_batch_tells_what_it_misses(account: Account) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html (Errors)."""
    prepare(account, "secretsmanager:CreateSecret")
    slow(account, "CreateSecret to the secret", "CreateKey to the key")
    arn = WRITES["secretsmanager:CreateSecret"](account)
    other = f"{account.name}-other"
    account.secretsmanager.put_secret_value(SecretId=other, SecretString=f"{arn} {WRITES['kms:CreateKey'](account)}")
    ids = [arn, account.name, other]
    batch = account.secretsmanager.batch_get_secret_value(SecretIdList=ids)
    missing = [(one["SecretId"], one["ErrorCode"]) for one in batch["Errors"]]
    assert missing == [(arn, "ResourceNotFoundException"), (account.name, "ResourceNotFoundException")]
    assert [one["Name"] for one in batch["SecretValues"]] == [other]
    later(account)
    batch = account.secretsmanager.batch_get_secret_value(SecretIdList=ids)
    assert (batch["Errors"], len(batch["SecretValues"])) == ([], len(ids))


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
    account.secretsmanager.create_secret(Name=account.name, SecretString="x")
    emulator.settle(account.aws)
    assert received(account, url) == []
    later(account)
    assert received(account, url) == ["CreateSecret"]
    account.secretsmanager.update_secret(SecretId=account.name, Description="never told")
    emulator.reset_conditions(account.aws)
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
