"""What roles may do with services that have no module of their own, a call of each, and which roles they may pass."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from secrets_pipeline.emulator import LocalAws, asked_rights, reset_rights
from tests.emulator.conftest import Clients
from tests.emulator.enforcement.ground import OTHER, OWN, Actors, allow, deny, document, refusal

REGION = "eu-west-2"
AT = f"{REGION}:{OWN}"
_numbers = itertools.count()
Call = Callable[[Any], object]
"""What is called on a client of the service."""

CALLS: list[tuple[str, Call, str, str]] = [
    ("cloudtrail", lambda one: one.describe_trails(), "cloudtrail:DescribeTrails", "*"),
    ("ec2", lambda one: one.describe_subnets(), "ec2:DescribeSubnets", "*"),
    (
        "ecs",
        lambda one: one.describe_services(cluster="shop", services=["orders"]),
        "ecs:DescribeServices",
        f"arn:aws:ecs:{AT}:service/shop/orders",
    ),
    (
        "events",
        lambda one: one.put_rule(Name="orders", EventBusName="shop", EventPattern="{}"),
        "events:PutRule",
        f"arn:aws:events:{AT}:rule/shop/orders",
    ),
    ("events", lambda one: one.describe_rule(Name="any"), "events:DescribeRule", f"arn:aws:events:{AT}:rule/any"),
    ("iam", lambda one: one.get_role(RoleName="none"), "iam:GetRole", f"arn:aws:iam::{OWN}:role/none"),
    (
        "lambda",
        lambda one: one.get_function(FunctionName="orders"),
        "lambda:GetFunction",
        f"arn:aws:lambda:{AT}:function:orders",
    ),
    (
        "lambda",
        lambda one: one.invoke(FunctionName=f"arn:aws:lambda:{AT}:function:orders:1"),
        "lambda:InvokeFunction",
        f"arn:aws:lambda:{AT}:function:orders",
    ),
    ("logs", lambda one: one.describe_log_groups(), "logs:DescribeLogGroups", "*"),
    (
        "logs",
        lambda one: one.put_retention_policy(logGroupName="/aws/lambda/orders", retentionInDays=30),
        "logs:PutRetentionPolicy",
        f"arn:aws:logs:{AT}:log-group:/aws/lambda/orders:*",
    ),
    (
        "logs",
        lambda one: one.list_tags_for_resource(resourceArn=f"arn:aws:logs:{AT}:log-group:/aws/lambda/orders"),
        "logs:ListTagsForResource",
        f"arn:aws:logs:{AT}:log-group:/aws/lambda/orders",
    ),
    ("organizations", lambda one: one.list_roots(), "organizations:ListRoots", "*"),
    (
        "rds",
        lambda one: one.modify_db_instance(DBInstanceIdentifier="orders"),
        "rds:ModifyDBInstance",
        f"arn:aws:rds:{AT}:db:orders",
    ),
    ("s3", lambda one: one.get_bucket_versioning(Bucket="seals"), "s3:GetBucketVersioning", "arn:aws:s3:::seals"),
    (
        "s3",
        lambda one: one.put_object(Bucket="seals", Key="a/b.seal", Body=b""),
        "s3:PutObject",
        "arn:aws:s3:::seals/a/b.seal",
    ),
    (
        "sns",
        lambda one: one.publish(TopicArn=f"arn:aws:sns:{AT}:alerts", Message="m"),
        "sns:Publish",
        f"arn:aws:sns:{AT}:alerts",
    ),
    ("sqs", lambda one: one.get_queue_url(QueueName="events"), "sqs:GetQueueUrl", f"arn:aws:sqs:{AT}:events"),
    (
        "sqs",
        lambda one: one.receive_message(QueueUrl=f"https://sqs.{REGION}.amazonaws.com/{OWN}/events"),
        "sqs:ReceiveMessage",
        f"arn:aws:sqs:{AT}:events",
    ),
    (
        "ssm",
        lambda one: one.get_parameters_by_path(Path="/shop/dev"),
        "ssm:GetParametersByPath",
        f"arn:aws:ssm:{AT}:parameter/shop/dev",
    ),
    ("apigateway", lambda one: one.get_rest_apis(), "apigateway:GET", f"arn:aws:apigateway:{REGION}::/restapis"),
    (
        "apigateway",
        lambda one: one.create_deployment(restApiId="a1b2c3", stageName="dev"),
        "apigateway:POST",
        f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3/deployments",
    ),
]


def client(clients: Clients, service: str) -> Any:  # noqa: ANN401 - boto3 has a type for each service
    make: Callable[..., Any] = clients.session.client
    return make(service, endpoint_url=clients.endpoint_url)


def denied(call: Callable[..., object], **params: object) -> str:
    """AWS's sentence if a call is refused for want of permission; empty otherwise."""
    code, said = refusal(partial(call, **params))
    return said if code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"} else ""


def create_function(functions: Any, name: str, role: str) -> str:  # noqa: ANN401 - boto3 has a type for each service
    """Its ARN."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("m.py", "def handler(event, context): pass")
    made = functions.create_function(
        FunctionName=name, Role=role, Runtime="python3.13", Handler="m.handler", Code={"ZipFile": code.getvalue()}
    )
    return str(made["FunctionArn"])


@pytest.fixture
def actors(clients: Clients) -> Actors:
    return Actors(clients, clients, OWN)


@pytest.fixture
def role() -> str:
    return f"caller-{next(_numbers)}"


@pytest.fixture(autouse=True)
def nothing_asked(aws: LocalAws) -> None:
    reset_rights(aws)


@pytest.mark.parametrize(("service", "call", "action", "resource"), CALLS, ids=[one[2] for one in CALLS])
def test_a_call_needs_its_action_on_what_it_names(  # noqa: PLR0917 - fixtures
    actors: Actors, aws: LocalAws, role: str, service: str, call: Call, action: str, resource: str
) -> None:
    made = actors.role(role, allow(action, resource=resource))
    called = client(actors.session(role), service)
    assert not denied(lambda: call(called))
    asked = [one for one in asked_rights(aws) if one.role == made]
    assert {(one.action, one.resource, one.allowed) for one in asked} == {(action, resource, True)}
    another = "arn:aws:s3:::another" if resource == "*" else f"{resource}-another"
    actors.allow(role, allow(action, resource=another))
    said = denied(lambda: call(called))
    assert f"is not authorized to perform: {action}" in said
    assert (f"on resource: {resource}" in said) == (resource != "*")
    actors.allow(role, allow("*"), deny(action, resource=resource))
    assert "explicit deny" in denied(lambda: call(called))


def test_a_function_is_made_by_whoever_may_pass_its_role_to_lambda(actors: Actors, role: str) -> None:
    passed = actors.role(f"{role}-passed", trust=TRUSTS_LAMBDA)
    function = f"arn:aws:lambda:{AT}:function:{role}"
    may = [allow("lambda:*", resource=function)]
    actors.role(role, *may)
    functions = client(actors.session(role), "lambda")

    def make() -> object:
        return create_function(functions, role, passed)

    assert f"iam:PassRole on resource: {passed}" in denied(make)
    to = {"Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}}
    actors.allow(role, *may, allow("iam:PassRole", resource=passed, **to))
    assert "iam:PassRole" in denied(make)
    to = {"Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}
    actors.allow(role, *may, allow("iam:PassRole", resource=passed, **to))
    assert refusal(make) == ("", "")
    actors.allow(role, *may)
    assert not denied(lambda: functions.update_function_configuration(FunctionName=role, Timeout=9))
    assert "iam:PassRole" in denied(lambda: functions.update_function_configuration(FunctionName=role, Role=passed))


def test_a_function_is_put_into_a_network_by_whoever_may_look_at_it(actors: Actors, role: str) -> None:
    passed = actors.role(f"{role}-passed", trust=TRUSTS_LAMBDA)
    network = ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs")
    for missing in network:
        actors.role(f"{role}-{missing[-4:]}", allow("lambda:*", "iam:PassRole", *(set(network) - {missing})))
        functions = client(actors.session(f"{role}-{missing[-4:]}"), "lambda")
        inside = {"SubnetIds": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
        said = denied(
            functions.create_function,
            FunctionName=role,
            Role=passed,
            Runtime="python3.13",
            Handler="m.h",
            Code={},
            VpcConfig=inside,
        )
        assert missing in said


def test_a_role_is_made_and_changed_within_a_boundary_by_whoever_may_do_it_within_that_one(
    actors: Actors, role: str
) -> None:
    ours, theirs = actors.managed(f"{role}-ours", allow("s3:*")), actors.managed(f"{role}-theirs", allow("s3:*"))
    made = f"arn:aws:iam::{OWN}:role/{role}-made"
    bounded = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": ours}}}
    actors.role(
        role, allow("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary", resource=made, **bounded)
    )
    iam = client(actors.session(role), "iam")

    def make(**more: object) -> object:
        return iam.create_role(RoleName=f"{role}-made", AssumeRolePolicyDocument=TRUSTS_LAMBDA, **more)

    assert "iam:CreateRole" in denied(make)
    assert "iam:CreateRole" in denied(lambda: make(PermissionsBoundary=theirs))
    tags = [{"Key": "team", "Value": "shop"}]
    assert "iam:TagRole" in denied(lambda: make(PermissionsBoundary=ours, Tags=tags))
    assert refusal(lambda: make(PermissionsBoundary=ours)) == ("", "")

    def write() -> object:
        policy = document(allow("s3:*"))
        return iam.put_role_policy(RoleName=f"{role}-made", PolicyName="inline", PolicyDocument=policy)

    assert refusal(write) == ("", "")
    actors.clients.iam.put_role_permissions_boundary(RoleName=f"{role}-made", PermissionsBoundary=theirs)
    assert "iam:PutRolePolicy" in denied(write)
    bound = client(actors.session(role), "iam").put_role_permissions_boundary
    assert "Boundary" in denied(lambda: bound(RoleName=f"{role}-made", PermissionsBoundary=theirs))
    assert refusal(lambda: bound(RoleName=f"{role}-made", PermissionsBoundary=ours)) == ("", "")


def test_roles_of_a_task_and_of_a_rule_are_passed(actors: Actors, role: str) -> None:
    passed = f"arn:aws:iam::{OWN}:role/{role}-passed"
    actors.role(role, allow("ecs:*", "events:*"))
    caller = actors.session(role)
    ecs, events = client(caller, "ecs"), client(caller, "events")
    container = [{"name": "one", "image": "one", "memory": 64}]
    for name in ("executionRoleArn", "taskRoleArn"):
        said = denied(ecs.register_task_definition, family=role, containerDefinitions=container, **{name: passed})
        assert f"iam:PassRole on resource: {passed}" in said
    target = {"Id": "1", "Arn": f"arn:aws:sqs:{AT}:events"}
    assert not denied(lambda: events.put_targets(Rule=role, Targets=[target]))
    assert "iam:PassRole" in denied(lambda: events.put_targets(Rule=role, Targets=[{**target, "RoleArn": passed}]))


def test_tags_that_something_is_made_with_need_leave_to_tag(actors: Actors, role: str) -> None:
    made = {
        "sqs": ("sqs:CreateQueue", "sqs:TagQueue", lambda one: one.create_queue(QueueName=role, tags={"a": "b"})),
        "logs": (
            "logs:CreateLogGroup",
            "logs:TagResource",
            lambda one: one.create_log_group(logGroupName=role, tags={"a": "b"}),
        ),
        "events": (
            "events:PutRule",
            "events:TagResource",
            lambda one: one.put_rule(Name=role, EventPattern="{}", Tags=[{"Key": "a", "Value": "b"}]),
        ),
        "rds": (
            "rds:CreateDBInstance",
            "rds:AddTagsToResource",
            lambda one: one.create_db_instance(
                DBInstanceIdentifier=role,
                DBInstanceClass="db.t4g.micro",
                Engine="postgres",
                Tags=[{"Key": "a", "Value": "b"}],
            ),
        ),
    }
    actors.role(role, *(allow(making) for making, _, _ in made.values()))
    caller = actors.session(role)
    for service, (_, tagging, call) in made.items():
        assert tagging in denied(partial(call, client(caller, service)))


def test_s3_tells_of_a_missing_object_to_whoever_may_list_the_bucket(actors: Actors, role: str) -> None:
    actors.role(role, allow("s3:GetObject"))
    own, theirs = client(actors.clients, "s3"), client(actors.session(role), "s3")
    own.create_bucket(Bucket=role, CreateBucketConfiguration={"LocationConstraint": REGION})
    own.put_object(Bucket=role, Key="there", Body=b"body")
    assert theirs.get_object(Bucket=role, Key="there")["Body"].read() == b"body"
    assert refusal(lambda: theirs.get_object(Bucket=role, Key="missing"))[0] == "AccessDenied"
    actors.allow(role, allow("s3:GetObject"), allow("s3:ListBucket", resource=f"arn:aws:s3:::{role}"))
    assert refusal(lambda: theirs.get_object(Bucket=role, Key="missing"))[0] == "NoSuchKey"


def test_the_policy_of_a_queue_is_enough_in_its_own_account(actors: Actors, role: str) -> None:
    made = actors.role(role)
    own, theirs = client(actors.clients, "sqs"), client(actors.session(role), "sqs")
    url = own.create_queue(QueueName=role)["QueueUrl"]
    assert denied(lambda: theirs.receive_message(QueueUrl=url))
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": made},
                "Action": "sqs:ReceiveMessage",
                "Resource": f"arn:aws:sqs:{AT}:{role}",
            }
        ],
    }
    own.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    assert not denied(lambda: theirs.receive_message(QueueUrl=url))
    assert denied(lambda: theirs.list_queue_tags(QueueUrl=url))


@pytest.fixture
def others(clients: Clients) -> Actors:
    """The administrator of another account."""
    return Actors(clients, clients.in_account(OTHER), OTHER)


def test_the_policy_of_a_function_is_enough_in_its_own_account_and_an_explicit_deny_is_stronger(
    actors: Actors, role: str
) -> None:
    made, own = actors.role(role), client(actors.clients, "lambda")
    function = create_function(own, role, actors.role(f"{role}-passed", trust=TRUSTS_LAMBDA))
    invoke = partial(client(actors.session(role), "lambda").invoke, FunctionName=function)
    assert denied(invoke)
    own.add_permission(FunctionName=role, StatementId="s", Action="lambda:InvokeFunction", Principal=made)
    assert refusal(invoke) == ("", "")
    assert denied(partial(client(actors.session(role), "lambda").get_function, FunctionName=function))
    actors.allow(role, deny("lambda:InvokeFunction"))
    assert "explicit deny in an identity-based policy" in denied(invoke)


def test_what_another_account_owns_takes_its_leave_and_ones_own(actors: Actors, others: Actors, role: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html."""
    made = actors.role(role, allow("lambda:*", "sqs:*", "sns:*", "events:*"))
    may = client(actors.session(role), "lambda")
    functions, queues, topics, buses = (client(others.clients, one) for one in ("lambda", "sqs", "sns", "events"))
    function = create_function(functions, role, others.role(f"{role}-passed", trust=TRUSTS_LAMBDA))
    queue = queues.create_queue(QueueName=role)["QueueUrl"]
    topic = topics.create_topic(Name=role)["TopicArn"]
    bus = buses.create_event_bus(Name=role)["EventBusArn"]
    at = f"{REGION}:{OTHER}"

    def leave(action: str, resource: str) -> str:
        return document({"Effect": "Allow", "Principal": {"AWS": made}, "Action": action, "Resource": resource})

    sqs, sns, events = (client(actors.session(role), one) for one in ("sqs", "sns", "events"))
    calls: dict[str, tuple[Callable[..., object], Callable[[], object]]] = {
        "lambda:InvokeFunction": (
            partial(may.invoke, FunctionName=function),
            lambda: functions.add_permission(
                FunctionName=role, StatementId="s", Action="lambda:InvokeFunction", Principal=OWN
            ),
        ),
        "sqs:SendMessage": (
            partial(sqs.send_message, QueueUrl=queue, MessageBody="m"),
            lambda: queues.set_queue_attributes(
                QueueUrl=queue, Attributes={"Policy": leave("sqs:*", f"arn:aws:sqs:{at}:{role}")}
            ),
        ),
        "sqs:GetQueueUrl": (
            partial(sqs.get_queue_url, QueueName=role, QueueOwnerAWSAccountId=OTHER),
            lambda: None,  # by the queue's policy, which is there
        ),
        "sns:Publish": (
            partial(sns.publish, TopicArn=topic, Message="m"),
            lambda: topics.set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=leave("sns:Publish", topic)
            ),
        ),
        "events:DescribeRule": (
            partial(events.describe_rule, Name="any", EventBusName=bus),
            lambda: buses.put_permission(
                EventBusName=role, Policy=leave("events:*", f"arn:aws:events:{at}:rule/{role}/*")
            ),
        ),
    }
    before = {action: denied(call) for action, (call, _) in calls.items()}
    assert all(f"no resource-based policy allows the {action} action" in said for action, said in before.items())
    for action, (call, let_in) in calls.items():
        let_in()
        assert not denied(call), action
    actors.allow(role, allow("ec2:*"))
    assert all("no identity-based policy" in denied(call) for call, _ in calls.values())


def test_a_redrive_takes_from_one_queue_and_sends_to_another(actors: Actors, role: str) -> None:
    own, dead = client(actors.clients, "sqs"), f"arn:aws:sqs:{AT}:{role}-dead"
    own.create_queue(QueueName=f"{role}-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
    own.create_queue(QueueName=role, Attributes={"RedrivePolicy": redrive})
    needed = ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    taking = [allow(f"sqs:{name}", resource=dead) for name in needed]
    sending = allow("sqs:SendMessage", resource=f"arn:aws:sqs:{AT}:{role}")
    actors.role(role, *taking)
    queues = client(actors.session(role), "sqs")
    assert "sqs:SendMessage" in denied(queues.start_message_move_task, SourceArn=dead)
    for without in taking:
        actors.allow(role, sending, *(one for one in taking if one is not without))
        assert without["Action"][0] in denied(queues.start_message_move_task, SourceArn=dead)
    actors.allow(role, sending, *taking)
    assert refusal(lambda: queues.start_message_move_task(SourceArn=dead)) == ("", "")


def test_whoever_rotates_a_secret_needs_leave_to_invoke_its_function(
    actors: Actors, role: str, make_function: Callable[..., str]
) -> None:
    function, own = make_function(), client(actors.clients, "secretsmanager")
    own.create_secret(Name=role, SecretString="first")
    actors.role(role, allow("secretsmanager:RotateSecret"))
    secrets = client(actors.session(role), "secretsmanager")
    rotate = partial(secrets.rotate_secret, SecretId=role, RotateImmediately=False)
    rules = {"RotationLambdaARN": function, "RotationRules": {"AutomaticallyAfterDays": 30}}
    assert f"lambda:InvokeFunction on resource: {function}" in denied(rotate, **rules)
    actors.allow(role, allow("secretsmanager:RotateSecret"), allow("lambda:InvokeFunction", resource=function))
    assert refusal(partial(rotate, **rules)) == ("", "")
    actors.allow(role, allow("secretsmanager:RotateSecret"))
    assert "lambda:InvokeFunction" in denied(rotate)


def test_a_parameter_is_opened_by_whoever_may_use_its_key_through_parameter_store(actors: Actors, role: str) -> None:
    key = client(actors.clients, "kms").create_key()["KeyMetadata"]["Arn"]
    own, arn = client(actors.clients, "ssm"), f"arn:aws:ssm:{AT}:parameter/{role}"
    own.put_parameter(Name=f"/{role}", Value="value", Type="SecureString", KeyId=key)
    reading = allow("ssm:GetParameter", resource=arn)
    actors.role(role, reading)
    read = partial(client(actors.session(role), "ssm").get_parameter, Name=f"/{role}")
    assert not denied(read)
    assert not denied(read, WithDecryption=False)
    assert f"kms:Decrypt on resource: {key}" in denied(read, WithDecryption=True)
    through = {"kms:ViaService": f"ssm.{REGION}.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": arn}
    actors.allow(role, reading, allow("kms:Decrypt", resource=key, Condition={"StringEquals": through}))
    assert not denied(read, WithDecryption=True)
    own.put_parameter(Name=f"/{role}-default", Value="value", Type="SecureString")
    actors.allow(role, allow("ssm:GetParameter"))
    assert not denied(partial(read, Name=f"/{role}-default"), WithDecryption=True)


def test_what_a_key_encrypts_is_written_and_read_by_whoever_may_use_the_key_through_the_service(
    actors: Actors, role: str
) -> None:
    key = client(actors.clients, "kms").create_key()["KeyMetadata"]["Arn"]
    queues, topics, buckets = (client(actors.clients, one) for one in ("sqs", "sns", "s3"))
    encrypted = {"KmsMasterKeyId": key}
    queues.create_queue(QueueName=f"{role}-dead", Attributes=encrypted)
    dead, queue = (f"arn:aws:sqs:{AT}:{name}" for name in (f"{role}-dead", role))
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
    url = queues.create_queue(QueueName=role, Attributes={**encrypted, "RedrivePolicy": redrive})["QueueUrl"]
    topic = topics.create_topic(Name=role, Attributes=encrypted)["TopicArn"]
    buckets.create_bucket(Bucket=role, CreateBucketConfiguration={"LocationConstraint": REGION})
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]}
    buckets.put_bucket_encryption(Bucket=role, ServerSideEncryptionConfiguration=rules)
    buckets.put_object(Bucket=role, Key="there", Body=b"")
    services = allow("sqs:*", "sns:*", "s3:*")
    actors.role(role, services)
    sqs, sns, s3 = (client(actors.session(role), one) for one in ("sqs", "sns", "s3"))
    written, objects = "GenerateDataKey Decrypt", f"arn:aws:s3:::{role}"
    calls: list[tuple[Call, Any, str, list[str], str]] = [
        (lambda one: one.send_message(QueueUrl=url, MessageBody="m"), sqs, "aws:sqs:arn", [queue], written),
        (lambda one: one.receive_message(QueueUrl=url), sqs, "aws:sqs:arn", [queue], "Decrypt"),
        (lambda one: one.start_message_move_task(SourceArn=dead), sqs, "aws:sqs:arn", [dead, queue], written),
        (lambda one: one.publish(TopicArn=topic, Message="m"), sns, "aws:sns:topicArn", [topic], written),
        (
            lambda one: one.put_object(Bucket=role, Key="new", Body=b""),
            s3,
            "aws:s3:arn",
            [f"{objects}/new"],
            "GenerateDataKey",
        ),
        (lambda one: one.get_object(Bucket=role, Key="there"), s3, "aws:s3:arn", [f"{objects}/there"], "Decrypt"),
    ]
    for call, called, name, encrypted_arns, uses in calls:
        via = f"{called.meta.service_model.service_name}.{REGION}.amazonaws.com"
        through = {"StringEquals": {"kms:ViaService": via, f"kms:EncryptionContext:{name}": encrypted_arns}}
        using = [allow(f"kms:{use}", resource=key, Condition=through) for use in uses.split()]
        for without in using:
            actors.allow(role, services, *(one for one in using if one is not without))
            assert f"{without['Action'][0]} on resource: {key}" in denied(partial(call, called))
        actors.allow(role, services, *using)
        assert refusal(partial(call, called)) == ("", "")
    actors.allow(role, services)
    assert not denied(partial(s3.put_object, Bucket=role, Key="own", Body=b"", ServerSideEncryption="AES256"))
    queues.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    assert not denied(partial(sqs.receive_message, QueueUrl=url))


def test_a_database_is_made_by_whoever_may_use_its_key_and_let_rds_keep_its_password(actors: Actors, role: str) -> None:
    key = client(actors.clients, "kms").create_key()["KeyMetadata"]["Arn"]
    rds = allow("rds:*")
    actors.role(role, rds)
    databases = client(actors.session(role), "rds")
    make = partial(
        databases.create_db_instance, DBInstanceIdentifier=role, DBInstanceClass="db.t4g.micro", Engine="postgres"
    )
    grant = f"kms:CreateGrant on resource: {key}"
    assert grant in denied(make, KmsKeyId=key)
    for via, said in (("ec2", grant), ("rds", "kms:DescribeKey")):
        through = {"StringEquals": {"kms:ViaService": f"{via}.{REGION}.amazonaws.com"}}
        actors.allow(role, rds, allow("kms:CreateGrant", resource=key, Condition=through))
        assert said in denied(make, KmsKeyId=key)
    assert not denied(make, ManageMasterUserPassword=False)
    kept = f"arn:aws:secretsmanager:{AT}:secret:rds!*"
    needed = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
    for number, missing in enumerate([*needed, "kms:DescribeKey"]):
        actors.allow(role, rds, *(allow(one, resource=kept) for one in needed[:number]))
        assert missing in denied(make, ManageMasterUserPassword=True)


TRUSTS_LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def test_get_function_shows_tags_to_whoever_may_list_them_alone(clients: Clients) -> None:
    actors, name = Actors(clients, clients, OWN), f"tagged-{next(_numbers)}"
    role = actors.role(name, allow("lambda:GetFunction"))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "")
    made = clients.session.client("lambda", endpoint_url=clients.endpoint_url).create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Tags={"team": "shop"},
    )
    caller = actors.session(name)
    shown = caller.session.client("lambda", endpoint_url=clients.endpoint_url)
    answer = shown.get_function(FunctionName=name)
    assert "Tags" not in answer
    assert answer["TagsError"]["ErrorCode"] == "AccessDeniedException"
    assert f"lambda:ListTags on resource: {made['FunctionArn']}" in answer["TagsError"]["Message"]
    actors.allow(name, allow("lambda:GetFunction", "lambda:ListTags"))
    answer = shown.get_function(FunctionName=name)
    assert (answer.get("Tags"), "TagsError" in answer) == ({"team": "shop"}, False)
