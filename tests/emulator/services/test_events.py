"""What AWS services tell EventBridge, and which queues it reaches."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.emulator import LocalAws, StandInRole, disorder_events, emit, reset_conditions, stand_in
from secrets_pipeline.emulator.core.activity import Activity
from secrets_pipeline.emulator.core.event_bus import Bus, Disorder, Event
from secrets_pipeline.errors import LocalError
from tests.emulator.services.ground import ALL, HOME, OTHER, Document, Ground, MakeGround, lets_in
from tests.waiting import SECONDS, eventually

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients

OTHER_REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{HOME}:role/sends-events"


def named(events: list[Document], name: str) -> list[Document]:
    return [one for one in events if one["detail"].get("eventName") == name]


def test_a_label_that_moves_is_told_as_aws_tells_it(ground: Ground, clients: Clients, name: str) -> None:
    url, arn = ground.queue()
    ground.rule({"source": ["aws.secretsmanager"], "detail-type": ["Secret Label Updated"]}, Arn=arn)
    made = clients.secrets.create_secret(Name=name, SecretString="canary-of-events")
    version = clients.secrets.put_secret_value(SecretId=name, SecretString="2", VersionStages=["AWSCURRENT", "BLUE"])
    clients.secrets.put_secret_value(SecretId=name, SecretString="3", VersionStages=["AWSPENDING"])
    clients.secrets.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "b"}])
    events = ground.received(url)
    assert [(one["detail"]["labelUpdated"], one["detail"]["versionId"]) for one in events] == [
        ("AWSCURRENT", made["VersionId"]),
        ("AWSCURRENT", version["VersionId"]),
        ("BLUE", version["VersionId"]),
    ]
    first = events[0]
    assert {key: first[key] for key in first.keys() - {"id", "time", "detail"}} == {
        "version": "0",
        "detail-type": "Secret Label Updated",
        "source": "aws.secretsmanager",
        "account": HOME,
        "region": "eu-west-2",
        "resources": [made["ARN"]],
    }
    assert first["detail"]["name"] == name
    assert first["time"].endswith("Z")
    assert len({one["id"] for one in events}) == 3


def test_a_call_is_told_with_its_caller_and_never_with_a_value(ground: Ground, clients: Clients, name: str) -> None:
    url, arn = ground.queue()
    ground.rule(Arn=arn)
    before = datetime.now(UTC) - timedelta(seconds=1)
    made = clients.secrets.create_secret(Name=name, SecretString="canary-of-events")
    clients.secrets.put_secret_value(SecretId=name, SecretString="canary-of-events-2")
    clients.secrets.put_resource_policy(SecretId=made["ARN"], ResourcePolicy=json.dumps(lets_in("*")))
    clients.secrets.get_secret_value(SecretId=name)
    events = ground.received(url)
    assert "canary-of-events" not in json.dumps(events)
    (put,) = named(events, "PutSecretValue")
    assert put["detail-type"] == "AWS API Call via CloudTrail"
    detail = put["detail"]
    assert detail["requestParameters"]["secretId"] == name
    assert "secretString" not in detail["requestParameters"]
    assert detail["responseElements"]["arn"] == made["ARN"]
    assert detail["userIdentity"]["type"] == "IAMUser"
    assert detail["userIdentity"]["arn"] == clients.sts.get_caller_identity()["Arn"]
    assert before <= datetime.fromisoformat(detail["eventTime"]) <= datetime.now(UTC)
    assert (detail["eventSource"], detail["recipientAccountId"]) == ("secretsmanager.amazonaws.com", HOME)
    assert named(events, "PutResourcePolicy")
    assert not named(events, "GetSecretValue")


def test_a_role_and_a_refusal_are_told(ground: Ground, make_ground: MakeGround, clients: Clients, name: str) -> None:
    other = make_ground(clients.in_account(OTHER))
    url, arn = other.queue()
    other.rule(Arn=arn)
    with pytest.raises(other.clients.secrets.exceptions.ResourceNotFoundException):
        other.clients.secrets.delete_secret(SecretId=name)
    (event,) = named(other.received(url), "DeleteSecret")
    assert event["account"] == OTHER
    assert event["detail"]["errorCode"] == "ResourceNotFoundException"
    assert event["detail"]["responseElements"] is None
    identity = event["detail"]["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == f"arn:aws:sts::{OTHER}:assumed-role/OrganizationAccountAccessRole/test"
    issuer = identity["sessionContext"]["sessionIssuer"]["arn"]
    assert issuer == f"arn:aws:iam::{OTHER}:role/OrganizationAccountAccessRole"


def test_keys_that_are_managed_are_told(ground: Ground, clients: Clients) -> None:
    url, arn = ground.queue()
    ground.rule({"source": ["aws.kms"]}, Arn=arn)
    key = clients.kms.create_key()["KeyMetadata"]
    clients.kms.disable_key(KeyId=key["KeyId"])
    clients.kms.enable_key(KeyId=key["Arn"])
    clients.kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    clients.kms.describe_key(KeyId=key["KeyId"])
    events = ground.received(url)
    assert [one["detail"]["eventName"] for one in events] == [
        "CreateKey",
        "DisableKey",
        "EnableKey",
        "ScheduleKeyDeletion",
    ]
    assert {one["detail"]["resources"][0]["ARN"] for one in events[1:]} == {key["Arn"]}


def test_a_deletion_is_told_from_its_beginning_to_its_end(ground: Ground, clients: Clients, name: str) -> None:
    url, queue = ground.queue()
    ground.rule({"detail-type": ["AWS Service Event via CloudTrail"]}, Arn=queue)
    arn = clients.secrets.create_secret(Name=name, SecretString="x")["ARN"]
    clients.secrets.delete_secret(SecretId=name)
    clients.secrets.restore_secret(SecretId=name)
    clients.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    events = ground.received(url)
    assert [one["detail"]["eventName"] for one in events] == [
        "StartSecretVersionDelete",
        "CancelSecretVersionDelete",
        "StartSecretVersionDelete",
        "EndSecretVersionDelete",
    ]
    assert {one["detail"]["additionalEventData"]["SecretId"] for one in events} == {arn}


@pytest.mark.parametrize(
    ("condition", "arrives"),
    [
        ({"ArnEquals": {"aws:SourceArn": "RULE"}}, True),
        ({"ArnEquals": {"aws:SourceArn": "RULE-of-another-name"}}, False),
        ({"StringEquals": {"aws:SourceAccount": HOME}}, True),
        ({"StringEquals": {"aws:SourceAccount": OTHER}}, False),
        (None, False),
    ],
)
def test_a_queue_gets_only_what_its_policy_lets_in_and_the_dead_letter_queue_the_rest(
    ground: Ground, clients: Clients, name: str, condition: Document | None, *, arrives: bool
) -> None:
    dead_url, dead_arn = ground.queue("-dead")
    url, arn = ground.queue(policy={})
    rule = ground.rule(Arn=arn, DeadLetterConfig={"Arn": dead_arn})
    if condition is not None:
        text = json.dumps(lets_in(arn, **condition)).replace("RULE", rule)
        ground.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    clients.secrets.create_secret(Name=name)
    assert bool(named(ground.received(url), "CreateSecret")) is arrives
    dead = ground.messages(dead_url)
    assert bool(dead) is not arrives
    if dead:
        attributes = {key: value["StringValue"] for key, value in dead[0]["MessageAttributes"].items()}
        assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (rule, arn)
        assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
        assert json.loads(dead[0]["Body"])["detail"]["eventName"] == "CreateSecret"


@pytest.mark.parametrize(("permitted", "enabled", "arrives"), [(1, 1, True), (0, 1, False), (1, 0, False)])
def test_an_encrypted_queue_gets_events_only_under_a_key_that_eventbridge_may_use(
    ground: Ground, clients: Clients, name: str, *, permitted: int, enabled: int, arrives: bool
) -> None:
    statements: list[Document] = [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HOME}:root"}, "Action": "kms:*", "Resource": "*"}
    ]
    if permitted:
        service = {"Service": "events.amazonaws.com"}
        uses = ["kms:Decrypt", "kms:GenerateDataKey"]
        statements.append({"Effect": "Allow", "Principal": service, "Action": uses, "Resource": "*"})
    policy = {"Version": "2012-10-17", "Statement": statements}
    key = clients.kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
    if not enabled:
        clients.kms.disable_key(KeyId=key)
    url, arn = ground.queue(KmsMasterKeyId=key)
    ground.rule(Arn=arn)
    clients.secrets.create_secret(Name=name)
    assert bool(ground.received(url)) is arrives


def test_an_aws_managed_key_of_a_queue_does_not_serve_eventbridge(ground: Ground, clients: Clients, name: str) -> None:
    url, arn = ground.queue(KmsMasterKeyId="alias/aws/sqs")
    ground.rule(Arn=arn)
    clients.secrets.create_secret(Name=name)
    assert ground.received(url) == []


CASES: dict[str, tuple[str, str, Document, bool]] = {
    "another account": (OTHER, "eu-west-2", {}, True),
    "another region": (HOME, OTHER_REGION, {"bus": None}, True),
    "no bus policy": (OTHER, "eu-west-2", {"bus": None}, False),
    "bus policy for other events": (
        OTHER,
        "eu-west-2",
        {"condition": {"StringEquals": {"events:source": "aws.rds"}}},
        False,
    ),
    "role that may not": (OTHER, "eu-west-2", {"action": "events:PutRule"}, False),
    "role that nobody may assume": (OTHER, "eu-west-2", {"service": "lambda.amazonaws.com"}, False),
    "no role": (OTHER, "eu-west-2", {"role": None}, False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bus_elsewhere_gets_events_only_with_role_and_policy(
    *, aws: LocalAws, make_ground: MakeGround, clients: Clients, name: str, case: str
) -> None:
    account, region, given, arrives = CASES[case]
    source = make_ground()
    there = make_ground(clients if account == HOME else clients.in_account(account), region)
    bus = f"arn:aws:events:{region}:{account}:event-bus/default"
    url, queue = there.queue()
    there.rule(Arn=queue)
    put = {"Effect": "Allow", "Action": given.get("action", "events:PutEvents"), "Resource": bus}
    sends = {"send": {"Version": "2012-10-17", "Statement": [put]}}
    role = ROLE + name.split("/", 1)[0]
    stand_in(aws, [StandInRole(role, str(given.get("service", "events.amazonaws.com")), sends)])
    events = there.client("events")
    if given.get("bus", "") is not None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{HOME}:root"},
            "Action": "events:PutEvents",
            "Resource": bus,
            **({"Condition": given["condition"]} if "condition" in given else {}),
        }
        events.put_permission(Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    target: dict[str, object] = {} if "role" in given else {"RoleArn": role}
    source.rule(ALL, Arn=bus, **target)
    arn = clients.secrets.create_secret(Name=name, SecretString="x")["ARN"]
    try:
        came = there.received(url)
    finally:
        if given.get("bus", "") is not None:
            events.remove_permission(RemoveAllPermissions=True)
    assert bool(came) is arrives
    for event in came:
        assert (event["account"], event["region"]) == (HOME, "eu-west-2")
    if came:
        assert [one["resources"] for one in came if one["resources"]] == [[arn]]


def test_a_disabled_rule_delivers_nothing_and_clients_cannot_speak_for_aws(
    ground: Ground, clients: Clients, name: str
) -> None:
    url, arn = ground.queue()
    ground.rule(Arn=arn)
    events = ground.client("events")
    entry = {"Source": "aws.secretsmanager", "DetailType": "Secret Label Updated", "Detail": "{}"}
    assert events.put_events(Entries=[entry])["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    events.disable_rule(Name=ground.name)
    clients.secrets.create_secret(Name=name, SecretString="x")
    assert ground.received(url) == []


def test_a_kind_of_target_that_is_not_served_here_keeps_no_event_from_the_others(ground: Ground) -> None:
    url, arn = ground.queue()
    ground.rule({"source": ["shop.orders"]}, Arn=f"arn:aws:sns:{ground.region}:{HOME}:{ground.name}")
    events = ground.client("events")
    events.put_targets(Rule=ground.name, Targets=[{"Id": "behind", "Arn": arn}])
    order = [one["Id"] for one in events.list_targets_by_rule(Rule=ground.name)["Targets"]]
    events.put_events(Entries=[{"Source": "shop.orders", "DetailType": "Order", "Detail": '{"number": 7}'}])
    received = ground.received(url)
    events.remove_targets(Rule=ground.name, Ids=["behind"])
    assert order == ["t", "behind"]
    assert [one["detail"] for one in received] == [{"number": 7}]


def test_what_a_client_puts_arrives_with_its_account(ground: Ground) -> None:
    url, arn = ground.queue()
    ground.rule({"source": ["tests"]}, Arn=arn)
    ground.client("events").put_events(Entries=[{"Source": "tests", "DetailType": "T", "Detail": '{"a": 1}'}])
    (event,) = ground.received(url)
    assert (event["account"], event["detail"], event["source"]) == (HOME, {"a": 1}, "tests")


def test_a_part_of_an_event_is_sent_where_the_target_wants_it(ground: Ground) -> None:
    url, arn = ground.queue()
    transformer = {"InputPathsMap": {"n": "$.detail.name"}, "InputTemplate": '{"secret": "<n>"}'}
    ground.rule(Arn=arn, InputTransformer=transformer)
    emit(ground.aws, made_up("1", name="db"))
    assert ground.received(url) == [{"secret": "db"}]


def made_up(event_id: str, **detail: object) -> Document:
    return {
        "id": event_id,
        "account": HOME,
        "region": "eu-west-2",
        "source": "aws.secretsmanager",
        "detail-type": "Secret Label Updated",
        "detail": detail,
    }


def test_events_come_in_order_unless_they_are_told_to_come_twice_and_shuffled(ground: Ground, aws: LocalAws) -> None:
    url, arn = ground.queue()
    ground.rule(Arn=arn)
    ids = [str(number) for number in range(40)]
    emit(aws, *map(made_up, ids))
    assert [one["id"] for one in ground.received(url)] == ids
    disorder_events(aws, duplicates=1, shuffled=True, seed=7)
    emit(aws, *map(made_up, ids))
    came = [one["id"] for one in ground.received(url)]
    assert came != sorted(came, key=int)
    assert sorted(came, key=int) == [one for one in ids for _ in range(2)]
    reset_conditions(aws)
    emit(aws, *map(made_up, ids))
    assert [one["id"] for one in ground.received(url)] == ids


def test_without_a_trail_only_native_events_come(ground: Ground, clients: Clients, aws: LocalAws, name: str) -> None:
    url, arn = ground.queue()
    ground.rule(Arn=arn)
    disorder_events(aws, trail=False)
    clients.secrets.create_secret(Name=name, SecretString="x")
    assert [one["detail-type"] for one in ground.received(url)] == ["Secret Label Updated"]


def test_what_is_no_event_is_refused(aws: LocalAws) -> None:
    with pytest.raises(LocalError, match="KeyError"):
        emit(aws, {"source": "aws.secretsmanager"})
    with pytest.raises(ValueError, match="probability"):
        disorder_events(aws, duplicates=2)


class Recorder:
    """A router that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[Event] = []

    def hears(self, account_id: str, region: str) -> bool:
        return (account_id, region) == (HOME, "eu-west-2")

    def deliver(self, event: Event) -> None:
        if event.source == "breaks":
            raise RuntimeError(event.id)
        self.got.append(event)


def test_a_database_is_told_of_when_it_is_there_restored_started_and_gone(ground: Ground, clients: Clients) -> None:
    url, arn = ground.queue()
    ground.rule({"source": ["aws.rds"]}, Arn=arn)
    rds, name = clients.rds, ground.name

    def available(instance: str) -> None:
        def holds() -> bool:
            return (
                rds.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0]["DBInstanceStatus"]
                == "available"
            )

        eventually(holds)

    about: Any = {"Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20}
    rds.create_db_instance(
        DBInstanceIdentifier=name, MasterUsername="master", MasterUserPassword="canary-of-rds", **about
    )
    available(name)
    rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=name + "-snapshot")
    copied = name + "-copy"
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=copied, DBSnapshotIdentifier=name + "-snapshot")
    available(copied)
    rds.stop_db_instance(DBInstanceIdentifier=copied)
    rds.start_db_instance(DBInstanceIdentifier=copied)
    available(copied)
    for instance in (name, copied):
        rds.delete_db_instance(DBInstanceIdentifier=instance, SkipFinalSnapshot=True)
    came: list[Document] = []

    def all_came() -> bool:
        came.extend(ground.received(url))
        return len(came) >= 6

    eventually(all_came)
    told = {(one["detail"]["SourceIdentifier"], one["detail"]["EventID"][-4:]) for one in came}
    assert told >= {(name, "0005"), (copied, "0043"), (copied, "0087"), (copied, "0088"), (name, "0003")}
    first = came[0]
    assert (first["detail-type"], first["detail"]["SourceType"]) == ("RDS DB Instance Event", "DB_INSTANCE")
    assert first["resources"] == [first["detail"]["SourceArn"]] == [f"arn:aws:rds:eu-west-2:{HOME}:db:{name}"]
    assert first["detail"]["EventCategories"] == ["creation"]
    assert "canary-of-rds" not in json.dumps(came)


ACTIVITY = Activity()
BUS = Bus(ACTIVITY)


@given(st.lists(st.sampled_from(["aws.rds", "breaks"])), st.floats(0, 1), st.booleans(), st.integers(0, 9))
def test_nothing_is_lost_whatever_the_disorder(sources: list[str], twice: float, shuffled: bool, seed: int) -> None:
    router = Recorder()
    BUS.connect(router)
    BUS.put_disorder(Disorder(twice, shuffled, seed=seed))
    events = [Event(HOME, "eu-west-2", source, "T", {}) for source in sources]
    BUS.put(*events, Event(OTHER, "eu-west-2", "aws.rds", "T", {}))
    assert ACTIVITY.wait(SECONDS)
    expected = {one.id for one in events if one.source != "breaks"}
    assert {one.id for one in router.got} == expected
    assert len(router.got) <= 2 * len(expected)


def test_a_document_comes_back_as_the_event_that_it_was_made_of() -> None:
    event = Event(HOME, "eu-west-2", "aws.rds", "T", {"a": [1]}, ("arn",), 1_700_000_000.0, "x")
    assert Event.of(event.document()) == event
