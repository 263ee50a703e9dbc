"""What is made of the bodies of messages; they are hostile."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.rotation.events import names
from secrets_pipeline.rotation.events.hints import Hint, HintKind, Poison
from secrets_pipeline.rotation.events.parsing import parse
from tests.rotation.event_bodies import (
    ACCOUNT,
    REGION,
    SOMEBODY,
    WHEN,
    body,
    call,
    database_event,
    envelope,
    label_updated,
    secret_arn,
    service_event,
)

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-aaaa-bbbb-cccc-1234567890ab"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def hint(event: Mapping[str, Any]) -> Hint:
    parsed = parse(body(event))
    assert isinstance(parsed, Hint), parsed
    return parsed


def test_a_new_current_version_is_a_rotation_whoever_made_it() -> None:
    event = label_updated("shop/dev/db")
    read = hint(event)
    assert (read.kind, read.secret) == (HintKind.ROTATED, secret_arn("shop/dev/db"))
    assert (read.event_id, read.account, read.region) == (event["id"], ACCOUNT, REGION)
    assert read.version == "a1b2c3d4-5678-90ab-cdef-111111111111"
    assert read.at.isoformat() == "2026-02-06T16:43:48+00:00"


def test_an_event_may_come_from_a_region_of_any_partition() -> None:
    assert hint({**label_updated("shop/dev/db"), "region": "eusc-de-east-1"}).region == "eusc-de-east-1"


@pytest.mark.parametrize("label", ["AWSPREVIOUS", "AWSPENDING", "secrets-pipeline:new", "", None, 7])
def test_any_other_label_is_nothing_to_us(label: Any) -> None:  # noqa: ANN401 - hostile
    assert hint(label_updated("db", label=label)).kind is HintKind.IRRELEVANT


def test_an_event_of_the_service_may_name_its_secret_in_its_own_details() -> None:
    # CloudTrail's record has both places: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
    event = service_event("shop/dev/db")
    event["detail"]["serviceEventDetails"] = event["detail"].pop("additionalEventData")
    assert hint(event).secret == secret_arn("shop/dev/db")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("RotationSucceeded", HintKind.ROTATED),
        ("RotationFailed", HintKind.FAILED),
        ("RotationAbandoned", HintKind.FAILED),
        ("TestRotationFailed", HintKind.FAILED),
        ("RotationStarted", HintKind.IRRELEVANT),
        ("EndSecretVersionDelete", HintKind.IRRELEVANT),
    ],
)
def test_service_events_tell_how_a_rotation_ended(event: str, kind: HintKind) -> None:
    read = hint(service_event("db", event))
    assert read.kind is kind
    assert kind is HintKind.IRRELEVANT or read.secret == secret_arn("db")


@pytest.mark.parametrize("event", names.SECRET_CALLS)
def test_calls_that_change_a_secret_name_it_and_their_caller(event: str) -> None:
    read = hint(call(event, {"secretId": "shop/dev/db"}))
    assert (read.kind, read.secret, read.actor and read.actor.arn) == (HintKind.TAMPERED, "shop/dev/db", SOMEBODY)


IAM_CALLS = [("iam", call_name) for call_name in names.IAM_CALLS]
ORGANIZATION_CALLS = [("organizations", call_name) for call_name in names.ORGANIZATION_CALLS]


@pytest.mark.parametrize(
    "event", ["AssociateCrossAccountReplica", "DisassociateCrossAccountReplica", "ReplicateSecretToRegions"]
)
def test_a_replica_that_somebody_makes_is_tampering(event: str) -> None:
    read = hint(call(event, {"secretId": "shop/dev/db"}))
    assert (read.kind, read.secret) == (HintKind.TAMPERED, "shop/dev/db")


@pytest.mark.parametrize(
    ("service", "event", "asked"),
    [
        ("iam", "AcceptDelegationRequest", {"delegationRequestId": "x"}),
        ("iam", "SendDelegationToken", {"delegationRequestId": "x"}),
        ("ram", "AssociateResourceShare", {"resourceArns": ["arn:aws:ec2:eu-west-2:111122223333:subnet/x", KEY]}),
        ("ram", "AssociateResourceShare", {"principals": ["444455556666"]}),
        ("ram", "CreateResourceShare", {"resourceArns": [KEY], "principals": ["444455556666"]}),
        ("ram", "DisassociateResourceShare", {"resourceArns": [KEY]}),
        ("ram", "ReplacePermissionAssociations", {"fromPermissionArn": "a", "toPermissionArn": "b"}),
    ],
)
def test_a_delegation_and_a_shared_key_are_of_access(service: str, event: str, asked: Mapping[str, Any]) -> None:
    read = hint(call(event, asked, service=service))
    assert (read.kind, read.source, read.name) == (HintKind.ACCESS, f"aws.{service}", event)


def test_a_share_of_anything_but_a_key_is_nothing_to_us() -> None:
    shared = {"resourceArns": ["arn:aws:ec2:eu-west-2:111122223333:subnet/x"]}
    assert hint(call("AssociateResourceShare", shared, service="ram")).kind is HintKind.IRRELEVANT


@pytest.mark.parametrize(("service", "event"), [*IAM_CALLS, *ORGANIZATION_CALLS])
def test_calls_that_change_who_may_read_are_of_access(service: str, event: str) -> None:
    read = hint(call(event, {"roleName": "shop-task"}, service=service))
    assert (read.kind, read.source, read.name, read.resource) == (
        HintKind.ACCESS,
        f"aws.{service}",
        event,
        "shop-task",
    )
    assert read.actor is not None
    assert read.actor.arn == SOMEBODY


@pytest.mark.parametrize(
    "event",
    [
        call("GetRole", {"roleName": "x"}, service="iam", readOnly=True),
        call("PutRolePolicy", {"roleName": "x"}, service="iam", errorCode="AccessDenied"),
        call("CreateAccessKey", {"userName": "x"}, service="iam"),
        call("DescribePolicy", {"policyId": "p-1"}, service="organizations"),
        call("AttachPolicy", {}, service="iam"),
        call("AssumeRole", {"roleArn": "x"}, service="sts"),
    ],
)
def test_calls_that_leave_readers_as_they_are_are_not_of_access(event: Mapping[str, Any]) -> None:
    assert hint(event).kind is HintKind.IRRELEVANT


@pytest.mark.parametrize("source", names.ACCESS_CALLS)
def test_every_call_of_access_is_an_operation_of_its_service(source: str) -> None:
    calls = names.ACCESS_CALLS[source]
    operations = botocore.session.Session().get_service_model(source.partition(".")[0]).operation_names
    assert set(calls) <= set(operations)
    assert list(calls) == sorted(calls)


@pytest.mark.parametrize("partition", sorted(names.GLOBAL_REGIONS))
@pytest.mark.parametrize(("service", "source"), [("iam", names.IAM), ("organizations", names.ORGANIZATIONS)])
def test_events_of_a_global_service_reach_the_region_that_it_signs_for(
    partition: str, service: str, source: str
) -> None:
    load: Any = botocore.loaders.Loader().load_data
    [told] = [one["services"] for one in load("endpoints")["partitions"] if one["partition"] == partition]
    if service in told:
        region = told[service]["endpoints"][told[service]["partitionEndpoint"]]["credentialScope"]["region"]
    else:
        [region] = [
            one["outputs"]["implicitGlobalRegion"] for one in load("partitions")["partitions"] if one["id"] == partition
        ]
    assert names.GLOBAL_REGIONS[partition][source] == region


def test_the_partition_of_europe_has_its_events_of_access() -> None:
    assert names.GLOBAL_REGIONS.get("aws-eusc") == {names.IAM: "eusc-de-east-1", names.ORGANIZATIONS: "eusc-de-east-1"}


def test_who_called_is_told_with_time_address_and_program() -> None:
    event = call(
        "PutResourcePolicy",
        {"secretId": "db"},
        eventTime=WHEN,
        sourceIPAddress="203.0.113.7",
        userAgent="aws-cli/2.15.0 md/Botocore#1.44.8",
    )
    issuer = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
    event["detail"]["userIdentity"]["sessionContext"] = {"sessionIssuer": {"type": "Role", "arn": issuer}}
    actor = hint(event).actor
    assert actor is not None
    assert (actor.kind, actor.issuer) == ("AssumedRole", issuer)
    assert str(actor) == (
        f"by {SOMEBODY} at 2026-02-06 16:43 UTC, from 203.0.113.7, with aws-cli/2.15.0 md/Botocore 1.44.8"
    )


@pytest.mark.parametrize(
    ("identity", "who"),
    [
        ({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root"}, f"by arn:aws:iam::{ACCOUNT}:root"),
        ({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}, "by cloudformation.amazonaws.com"),
        ({"type": "AWSAccount", "principalId": "AIDA", "accountId": "444455556666"}, "by account 444455556666"),
        ({"type": "Unknown"}, "by Unknown"),
        ({}, "by somebody"),
        ("nobody", "by somebody"),
        ({"arn": "arn:aws:sts::1:x <http://evil.example|click>"}, "by somebody"),
        ({"arn": f"arn:aws:iam::{ACCOUNT}:user/{'x' * 1000}", "type": ["IAMUser"]}, "by somebody"),
        ({"type": "<!channel>", "accountId": "١١١١٢٢٢٢٣٣٣٣"}, "by somebody"),
    ],
)
def test_whoever_cloudtrail_names_is_said_and_nothing_that_is_no_name(identity: Any, who: str) -> None:  # noqa: ANN401 - hostile
    event = call("PutResourcePolicy", {"secretId": "db"}, userIdentity=identity)
    assert str(hint(event).actor) == who


@pytest.mark.parametrize("agent", ["<!channel>", "http\u0000", 7, None, "\u202eevil", "x" * 3000])
@pytest.mark.parametrize("address", ["<b>", "999.1.1.1", {"a": 1}, "fe80::1%<script>"])
def test_an_address_or_agent_of_any_form_brings_no_markup(agent: Any, address: Any) -> None:  # noqa: ANN401 - hostile
    said = str(hint(call("DeleteSecret", {"secretId": "db"}, userAgent=agent, sourceIPAddress=address)).actor)
    assert not re.search(r"[<>\u202e\x00]|evil|\.1\.1", said)
    assert len(said) < 300


@pytest.mark.parametrize(
    ("agent", "program"),
    [
        ("[Mend now](evil.example/x) @all", "Mend now evil.example/x all"),
        ("[S3Console/0.4, aws-internal/3]", "S3Console/0.4, aws-internal/3"),
        ("~town-square #general `code` *bold*", "town-square general code bold"),
        ("aws-cli/2 (http://evil.example)", "aws-cli/2 http"),
        ("@[]()", ""),
    ],
)
def test_a_program_of_any_name_brings_no_link_and_no_mention(agent: str, program: str) -> None:
    actor = hint(call("DeleteSecret", {"secretId": "db"}, userAgent=agent)).actor
    assert actor is not None
    assert actor.agent == program


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "", 7, {}])
def test_a_call_whose_time_utc_does_not_have_is_told_without_it(at: Any) -> None:  # noqa: ANN401 - hostile
    event = call("PutRolePolicy", {"roleName": "shop"}, service="iam", eventTime=at)
    assert str(hint(event).actor) == f"by {SOMEBODY}"


def test_times_of_every_zone_are_utc_as_whoever_drops_the_zone_takes_them() -> None:
    read = hint(call("DeleteSecret", {"secretId": "db"}, eventTime="2026-02-07T06:43:48+14:00"))
    assert hint(label_updated("db", time="2026-02-07T06:43:48+14:00")).at.replace(tzinfo=None).isoformat() == WHEN[:-1]
    assert str(read.actor) == f"by {SOMEBODY} at 2026-02-06 16:43 UTC"


@pytest.mark.parametrize("spelled", ["arn", "aRN"])
def test_the_arn_of_the_answer_wins_over_the_name_that_was_asked_for(spelled: str) -> None:
    read = hint(call("DeleteSecret", {"secretId": "db"}, answered={spelled: secret_arn("db")}))
    assert read.secret == secret_arn("db")


@pytest.mark.parametrize(
    "event",
    [
        call("PutResourcePolicy", {"secretId": "db"}, errorCode="AccessDenied"),
        call("UpdateSecret", {"secretId": "db"}, readOnly=True),
        call("GetSecretValue", {"secretId": "db"}),
        call("CreateSecret", {"name": "db"}),
        call("Encrypt", {"keyId": KEY}, service="kms"),
        database_event("db", "backup"),
        envelope("aws.ec2", "EC2 Instance State-change Notification", {"state": "running"}),
        envelope("somebody", "Secret Label Updated", {"labelUpdated": "AWSCURRENT"}),
    ],
)
def test_what_changed_nothing_of_ours_is_irrelevant(event: Mapping[str, Any]) -> None:
    assert hint(event).kind is HintKind.IRRELEVANT


@pytest.mark.parametrize(
    "event",
    [
        call("DisableKey", {"keyId": KEY}, service="kms"),
        call("PutKeyPolicy", {"keyId": "shop"}, service="kms", resources=[{"ARN": KEY, "type": "AWS::KMS::Key"}]),
        call("ScheduleKeyDeletion", {"keyId": KEY}, service="kms"),
        envelope("aws.kms", "KMS CMK Deletion", {"key-id": KEY.rpartition("/")[2]}, {"resources": [KEY]}),
        envelope("aws.kms", "KMS Imported Key Material Expiration", {}, {"resources": [KEY]}),
    ],
)
def test_changes_of_a_key_name_the_key(event: Mapping[str, Any]) -> None:
    read = hint(event)
    assert (read.kind, read.resource) == (HintKind.KEY_CHANGED, KEY)


def test_a_deleted_alias_is_a_change_of_a_key() -> None:
    """Source: https://docs.aws.amazon.com/kms/latest/developerguide/ct-deletealias.html."""
    assert hint(call("DeleteAlias", {"aliasName": "alias/shop"}, service="kms")).resource == "alias/shop"
    both = [{"ARN": KEY.rpartition("key/")[0] + "alias/shop", "type": "AWS::KMS::Alias"}, {"ARN": KEY}]
    read = hint(call("DeleteAlias", {"aliasName": "alias/shop"}, service="kms", resources=both))
    assert (read.resource, read.alias) == (KEY, "alias/shop")


@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize("category", names.DATABASE_CATEGORIES)
def test_events_of_databases_name_the_instance_or_cluster(category: str, cluster: bool) -> None:
    read = hint(database_event("shop", category, cluster=cluster))
    noun = "cluster" if cluster else "db"
    assert (read.kind, read.resource) == (HintKind.DATABASE, f"arn:aws:rds:{REGION}:{ACCOUNT}:{noun}:shop")


def test_a_category_of_a_database_that_is_no_text_is_passed_over() -> None:
    event = database_event("shop")
    event["detail"]["EventCategories"] += [["failover"], {}, None]
    assert hint(event).kind is HintKind.DATABASE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "null",
        "7",
        '"text"',
        "{}",
        "[" * 100_000,
        "1" * 10_000,
        json.dumps({**label_updated("db"), "id": "x" * 51}),
        json.dumps({**label_updated("db"), "id": "../../etc/passwd"}),
        json.dumps({**label_updated("db"), "id": 7}),
        json.dumps({**label_updated("db"), "account": "1111"}),
        json.dumps({**label_updated("db"), "account": "١١١١٢٢٢٢٣٣٣٣"}),
        json.dumps({**label_updated("db"), "region": "moon"}),
        json.dumps({**label_updated("db"), "time": "yesterday"}),
        json.dumps({**label_updated("db"), "time": "2026-02-06T16:43:48"}),
        json.dumps({**label_updated("db"), "time": "0001-01-01T00:00:00+01:00"}),
        json.dumps({**label_updated("db"), "time": "9999-12-31T23:59:59-01:00"}),
        json.dumps({**label_updated("db"), "resources": [], "detail": {"labelUpdated": "AWSCURRENT"}}),
        json.dumps({**label_updated("bad name\n"), "resources": ["x" * 4000]}),
        json.dumps(service_event("db") | {"detail": {"eventName": "RotationFailed"}}),
        json.dumps(call("DeleteSecret", {"secretId": {"$ref": "#"}})),
        json.dumps(call("DisableKey", {"keyId": "a b"}, service="kms")),
        json.dumps({**database_event("shop"), "resources": [], "detail": {"EventCategories": ["failover"]}}),
        json.dumps(label_updated("db")) + " " * 262_144,
    ],
)
def test_what_is_no_event_is_poison(text: str) -> None:
    assert isinstance(parse(text), Poison)


def test_no_reason_repeats_what_a_body_says() -> None:
    canary = "CANARY-7f3a"
    texts = [canary, json.dumps([canary]), json.dumps({**label_updated("db"), "id": f"{canary}!"})]
    reasons = [parsed.reason for parsed in map(parse, texts) if isinstance(parsed, Poison)]
    assert len(reasons) == len(texts)
    assert not [reason for reason in reasons if canary in reason]


@given(JSON)
def test_any_json_is_a_hint_or_poison(value: object) -> None:
    assert isinstance(parse(json.dumps(value)), Hint | Poison)


@given(st.text())
def test_any_text_is_a_hint_or_poison(text: str) -> None:
    assert isinstance(parse(text), Hint | Poison)


_EVENTS = (
    label_updated("db"),
    service_event("db"),
    call("DeleteSecret", {"secretId": "db"}),
    call("DisableKey", {"keyId": KEY}, service="kms", resources=[{"ARN": KEY}]),
    call("PutRolePolicy", {"roleName": "shop"}, service="iam", userAgent="aws-cli/2", eventTime=WHEN),
    database_event("shop"),
)

_TIMES = ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-02-07T06:43:48+14:00")


@given(st.data())
def test_real_events_with_anything_in_any_place_are_never_more_than_names_of_aws(data: st.DataObject) -> None:
    event = json.loads(json.dumps(data.draw(st.sampled_from(_EVENTS))))
    node = event
    while True:
        key = data.draw(st.sampled_from(sorted(node)))
        if isinstance(node[key], dict) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(JSON | st.sampled_from(["AWSCURRENT", "db", KEY, ["failover"], *_TIMES]))
        break
    parsed = parse(json.dumps(event))
    if isinstance(parsed, Hint):
        assert re.fullmatch(r"[A-Za-z0-9-]{8,50}", parsed.event_id)
        assert re.fullmatch(r"[0-9]{12}", parsed.account)
        assert parsed.at.tzinfo is UTC
        for said in (parsed.secret, parsed.resource, parsed.version):
            assert said is None or re.fullmatch(r"[A-Za-z0-9/_+=,.@!:-]{1,600}", said)
        assert re.fullmatch(r"[A-Za-z0-9 /_+=,.@:;-]{1,900}", str(parsed.actor))
