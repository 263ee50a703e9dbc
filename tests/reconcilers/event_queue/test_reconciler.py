"""The queue of events and what leads to it: events of the embedded AWS really arrive."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Unpack

import boto3
import pytest
from botocore.exceptions import ClientError

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.operator import EventSettings, OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Outcome, Skipped, Unchanged, is_unmade
from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.operations.decommission.retire import taken_down
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.event_queue import desired
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.rotation.events.hints import Hint, HintKind
from secrets_pipeline.rotation.events.parsing import parse
from tests.bench import ASSUMED_BY_LAMBDA, said
from tests.rotation.event_bodies import SOMEBODY, call

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption, Running

STAGE = "rotation_event_queue"
OURS = {"secrets-pipeline:purpose": "events"}
AWAY, HOME = "444455556666", "111122223333"
ELSEWHERE, GLOBAL = "eu-central-1", "us-east-1"
ADMINISTRATOR = f"arn:aws:iam::{AWAY}:role/{emulator.ADMINISTRATOR_ROLE}"
_numbers = itertools.count(1)


def queue_policy_of(account: boto3.Session, queue: str) -> dict[str, Any]:
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found: dict[str, Any] = json.loads(
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    )
    return found


@dataclass
class Post:
    """A queue of a test's own, and the stacks of a repository that has it."""

    bench: Bench
    settings: OperatorSettings
    specs: tuple[StackSpec, ...]

    @property
    def queue(self) -> str:
        assert self.settings.events is not None
        return self.settings.events.queue

    def apply(self, number: int = 0, **how: Unpack[Running]) -> dict[str, Outcome]:
        return self.bench.run(STAGES[STAGE](self._context(number, how)))

    def changes(self, number: int = 0, **how: Unpack[Running]) -> Sequence[Change]:
        return STAGES[STAGE](self._context(number, how, writing=False)).plan()

    def plan(self, number: int = 0, **how: Unpack[Running]) -> dict[str, ChangeClass]:
        return {one.resource.name: one.action for one in self.changes(number, **how)}

    def _context(self, number: int, how: Running, *, writing: bool = True) -> Stack:
        mine, others = self.specs[number], [one for one in self.specs if one is not self.specs[number]]
        running: Running = {**how, "settings": self.settings}
        return self.bench.context(mine, *others, writing=writing, **running)

    def hints(self) -> list[Hint]:
        """What has arrived; the queue is empty afterwards."""
        emulator.settle(self.bench.aws)
        sqs, found = self.bench.session.client("sqs"), []
        url = sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                parsed = parse(message["Body"])
                assert isinstance(parsed, Hint), message["Body"]
                found.append(parsed)
        return found


@pytest.fixture(scope="module")
def places(aws: emulator.LocalAws, session: boto3.Session) -> list[tuple[Any, Any]]:
    """Clients of EventBridge and SQS at home and in the other account, in every region that tests use."""
    at: dict[str, Any] = {"region_name": aws.region, "endpoint_url": aws.endpoint_url}
    keys = session.client("sts", **at).assume_role(RoleArn=ADMINISTRATOR, RoleSessionName="test")["Credentials"]
    away = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    regions = [{**at, "region_name": region} for region in (aws.region, ELSEWHERE, GLOBAL)]
    where = [(one, there) for one in (session, away) for there in regions]
    return [(one.client("events", **there), one.client("sqs", **there)) for one, there in where]


def take_down(post: Post, places: list[tuple[Any, Any]]) -> None:
    """Delete rules, buses and queues: other tests share the server, and would send their events there."""
    for events, sqs in places:
        for bus in events.list_event_buses()["EventBuses"]:
            at = {"EventBusName": bus["Name"]}
            for rule in events.list_rules(NamePrefix=f"{post.queue}-", **at)["Rules"]:
                targets = events.list_targets_by_rule(Rule=rule["Name"], **at)["Targets"]
                events.remove_targets(Rule=rule["Name"], Ids=[one["Id"] for one in targets], **at)
                events.delete_rule(Name=rule["Name"], **at)
            if bus["Name"] == post.queue:
                events.delete_event_bus(Name=bus["Name"])
        for url in sqs.list_queues(QueueNamePrefix=post.queue).get("QueueUrls", []):
            sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def post(bench: Bench, places: list[tuple[Any, Any]]) -> Iterator[Post]:
    events = EventSettings(queue=f"events-{next(_numbers)}", region=bench.aws.region, account_id=HOME)
    post = Post(bench, OperatorSettings(events=events), (bench.spec(),))
    yield post
    take_down(post, places)


@pytest.fixture
def forwarding(bench: Bench, places: list[tuple[Any, Any]]) -> Iterator[Post]:
    """A stack at home, one in another account, and one in another region."""
    events = EventSettings(queue=f"events-{next(_numbers)}", region=bench.aws.region, account_id=HOME)
    away = Target(account_id=AWAY, region=bench.aws.region, role_arn=ADMINISTRATOR)
    elsewhere = Target(account_id=HOME, region=ELSEWHERE)
    specs = (
        bench.spec(),
        bench.spec().model_copy(update={"stack": f"{bench.stack}-away", "target": away}),
        bench.spec().model_copy(update={"stack": f"{bench.stack}-elsewhere", "target": elsewhere}),
    )
    post = Post(bench, OperatorSettings(events=events), specs)
    yield post
    take_down(post, places)


def all_of(outcomes: Mapping[str, Outcome], kind: type[Outcome]) -> bool:
    return bool(outcomes) and all(isinstance(one, kind) for one in outcomes.values())


def in_account(bench: Bench, account: str, region: str = "eu-west-2") -> boto3.Session:
    role = f"arn:aws:iam::{account}:role/{emulator.ADMINISTRATOR_ROLE}"
    keys = bench.session.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=region)


def test_without_a_queue_in_the_settings_nothing_is_planned_and_nobody_is_asked(bench: Bench) -> None:
    post = Post(bench, OperatorSettings(), (bench.spec(),))
    bench.reset_calls()
    assert post.apply() == {}
    assert bench.calls("sqs") + bench.calls("events") + bench.calls("iam") == {}


def test_what_happens_to_a_secret_arrives_as_an_event_of_its_kind(post: Post) -> None:
    assert all_of(post.apply(), Applied)
    bench = post.bench
    arn = bench.secrets.create_secret(Name=bench.name("one"), SecretString="first")["ARN"]
    bench.secrets.put_secret_value(SecretId=arn, SecretString="second")
    bench.secrets.update_secret(SecretId=arn, Description="changed by somebody")
    key = bench.kms.create_key()["KeyMetadata"]["Arn"]
    bench.kms.disable_key(KeyId=key)
    # Other tests share the server, and the default bus with it.
    mine = [hint for hint in post.hints() if arn == hint.secret or key == hint.resource]
    assert [hint.kind for hint in mine] == [HintKind.ROTATED, HintKind.ROTATED, HintKind.TAMPERED, HintKind.KEY_CHANGED]
    assert {hint.account for hint in mine} == {HOME}


def test_a_second_run_reads_three_times_at_most_and_writes_nothing(post: Post) -> None:
    post.apply()
    post.bench.reset_calls()
    assert all_of(post.apply(), Unchanged)
    calls = post.bench.calls("sqs") + post.bench.calls("events") + post.bench.calls("iam") + post.bench.calls("kms")
    assert calls == {"GetQueueUrl": 1, "ListQueueTags": 1}


def test_a_second_run_elsewhere_reads_three_times(forwarding: Post) -> None:
    forwarding.apply(1)
    forwarding.bench.reset_calls()
    assert all_of(forwarding.apply(1), Unchanged)
    calls = forwarding.bench.calls("sqs") + forwarding.bench.calls("events") + forwarding.bench.calls("iam")
    assert calls == {"GetQueueUrl": 1, "ListQueueTags": 1, "ListTagsForResource": 1}


@pytest.mark.parametrize(("number", "account", "region"), [(1, AWAY, "eu-west-2"), (2, HOME, "eu-central-1")])
def test_events_of_another_account_or_region_reach_the_queue_at_home(
    forwarding: Post, number: int, account: str, region: str
) -> None:
    outcomes = forwarding.apply(number)
    assert all_of(outcomes, Applied), outcomes
    session = in_account(forwarding.bench, account, region) if account == AWAY else boto3.Session(region_name=region)
    arn = session.client("secretsmanager").create_secret(Name=forwarding.bench.name("far"), SecretString="x")["ARN"]
    [hint] = [one for one in forwarding.hints() if one.secret == arn]
    assert (hint.kind, hint.account, hint.region) == (HintKind.ROTATED, account, region)


def test_the_role_of_the_rules_is_bounded_by_the_operators_policy_also_where_it_was_made_without(
    forwarding: Post,
) -> None:
    iam = in_account(forwarding.bench, AWAY).client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    for one in (iam, forwarding.bench.session.client("iam")):
        one.create_policy(PolicyName=f"{forwarding.queue}-b", PolicyDocument=document)
    boundary = f"arn:aws:iam::{AWAY}:policy/{forwarding.queue}-b"
    bounded = Post(
        forwarding.bench,
        forwarding.settings.model_copy(update={"permissions_boundary": f"{forwarding.queue}-b"}),
        forwarding.specs,
    )
    role = f"{forwarding.queue}-events"
    outcomes = bounded.apply(1)
    assert all_of(outcomes, Applied), outcomes
    assert iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    iam.delete_role_permissions_boundary(RoleName=role)
    deep = ApplyOptions(deep=True)
    healed = bounded.apply(1, options=deep)[f"{role} of {AWAY}"]
    assert isinstance(healed, Applied)
    assert healed.detail == "its permissions boundary differs"
    assert iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert set(bounded.plan(1, options=deep).values()) == {ChangeClass.NONE}


@pytest.mark.parametrize(("number", "account"), [(0, HOME), (1, AWAY), (2, HOME)])
def test_a_change_of_iam_reaches_the_queue_from_the_one_region_that_tells_of_it(
    forwarding: Post, number: int, account: str
) -> None:
    outcomes = forwarding.apply(number)
    assert all_of(outcomes, Applied), outcomes
    session = in_account(forwarding.bench, account) if account == AWAY else forwarding.bench.session
    role = f"{forwarding.queue}-reader"
    session.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
    session.client("iam").tag_role(RoleName=role, Tags=[{"Key": "a", "Value": "b"}])
    mine = [one for one in forwarding.hints() if one.resource == role]
    assert [(one.kind, one.name, one.account, one.region) for one in mine] == [
        (HintKind.ACCESS, "CreateRole", account, GLOBAL),
        (HintKind.ACCESS, "TagRole", account, GLOBAL),
    ]
    assert set(forwarding.plan(number, options=ApplyOptions(deep=True)).values()) == {ChangeClass.NONE}


def test_stacks_of_the_home_account_agree_on_what_is_there_whichever_of_them_was_applied_last(forwarding: Post) -> None:
    for number in (0, 2, 1):
        forwarding.apply(number)
    assert [set(forwarding.plan(number).values()) for number in (0, 1, 2)] == [{ChangeClass.NONE}] * 3


def test_a_stack_in_the_region_of_global_services_shares_what_is_made_there_for_the_account(forwarding: Post) -> None:
    specs = (
        *forwarding.specs[:2],
        forwarding.specs[2].model_copy(update={"target": Target(account_id=HOME, region=GLOBAL)}),
    )
    post = Post(forwarding.bench, forwarding.settings, specs)
    assert all_of(post.apply(2), Applied)
    post.hints()
    near = post.bench.session.client("secretsmanager", region_name=GLOBAL)
    arn = near.create_secret(Name=post.bench.name("global"), SecretString="x")["ARN"]
    assert [one.kind for one in post.hints() if one.secret == arn] == [HintKind.ROTATED]
    deep = ApplyOptions(deep=True)
    assert [set(post.plan(number, options=deep).values()) for number in (0, 2)] == [{ChangeClass.NONE}] * 2


def test_changes_of_the_organisation_come_from_its_management_account_where_a_role_is_named(post: Post) -> None:
    assert post.settings.events is not None
    events = post.settings.events.model_copy(update={"organization_role_arn": ADMINISTRATOR})
    managed = Post(post.bench, OperatorSettings(events=events), post.specs)
    assert all_of(managed.apply(), Applied)
    away = in_account(post.bench, AWAY, GLOBAL)
    rules = away.client("events").list_rules(NamePrefix=post.queue)["Rules"]
    assert [one["Name"] for one in rules] == [f"{post.queue}-organization-changes"]
    organizations = away.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    [hint] = managed.hints()
    assert (hint.kind, hint.source, hint.account) == (HintKind.ACCESS, "aws.organizations", AWAY)
    assert set(managed.plan(options=ApplyOptions(deep=True)).values()) == {ChangeClass.NONE}
    organizations.delete_organization()


def test_a_management_account_that_cannot_be_reached_is_said_and_fails_nothing(post: Post) -> None:
    assert post.settings.events is not None
    role = f"arn:aws:iam::{AWAY}:role/nobody-made-it"
    events = post.settings.events.model_copy(update={"organization_role_arn": role})
    unreached = Post(post.bench, OperatorSettings(events=events), post.specs)
    outcomes = unreached.apply()
    assert isinstance(outcomes[post.queue], Applied)
    assert [one for one in outcomes.values() if isinstance(one, Failed)] == []
    blocked = [one for one in unreached.changes() if one.action is ChangeClass.BLOCKED]
    assert {one.resource.name.rpartition(" of ")[2].partition(" in ")[0] for one in blocked} == {AWAY}
    assert "AssumeRole" in str(said(blocked[0]))
    assert "changes of who can read are seen at the next verification" in str(said(blocked[0]))


def test_where_aws_refuses_to_make_a_rule_of_a_global_service_the_rest_is_made_and_the_run_does_not_fail(
    post: Post, interruption: Interruption
) -> None:
    context = post.bench.context(post.specs[0], settings=post.settings, interruption=interruption)
    east = context.observed.sessions.for_target(Target(account_id=HOME, region=GLOBAL))
    east.botocore_session.get_component("event_emitter").register("after-call.sqs.CreateQueue", denied)
    outcomes = post.bench.run(STAGES[STAGE](context))
    assert [one for one in outcomes.values() if isinstance(one, Failed)] == []
    skipped = {one.change.resource.name for one in outcomes.values() if isinstance(one, Skipped)}
    assert f"{post.queue}-dead-letters of {HOME} in {GLOBAL}" in skipped
    assert isinstance(outcomes[post.queue], Applied)


def test_a_queue_that_aws_refuses_to_make_is_named(post: Post, interruption: Interruption) -> None:
    context = post.bench.context(post.specs[0], settings=post.settings, interruption=interruption)
    context.account.botocore_session.get_component("event_emitter").register("after-call.sqs.CreateQueue", denied)
    failed = [one.error.message for one in post.bench.run(STAGES[STAGE](context)).values() if isinstance(one, Failed)]
    assert any(f"CreateQueue {post.queue}-dead-letters failed: AccessDenied" in message for message in failed), failed


def test_an_optional_part_that_is_somebody_elses_leaves_the_run_unfinished(post: Post) -> None:
    name = f"{post.queue}-dead-letters"
    post.bench.session.client("sqs", region_name=GLOBAL).create_queue(QueueName=name)
    outcome = post.apply()[f"{name} of {HOME} in {GLOBAL}"]
    assert isinstance(outcome.change.reasons[0], NotOurs)
    assert is_unmade(outcome)


def test_a_way_whose_note_is_refused_fails_by_name_and_hides_not_the_other(
    forwarding: Post, interruption: Interruption
) -> None:
    forwarding.apply(1)
    context = forwarding._context(1, {"interruption": interruption}, writing=False)
    context.account.botocore_session.get_component("event_emitter").register(
        "before-call.events.ListTagsForResource", denied
    )
    changes = STAGES[STAGE](context).plan()
    (broken,) = [one for one in changes if one.error is not None]
    assert broken.resource.name == f"rules of {AWAY} {forwarding.bench.aws.region} as noted"
    assert "AccessDenied" in broken.reason
    # What is at home was looked at: one call says that all of it is noted.
    assert forwarding.queue in {one.resource.name for one in changes if one.action is ChangeClass.NONE}


def denied(**_: object) -> None:
    """What an SCP that denies all but some regions leads to."""
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "with an explicit deny"}}, "CreateQueue")


def test_without_watch_access_no_other_region_is_touched(post: Post, forwarding: Post) -> None:
    for one in (post, forwarding):
        assert one.settings.events is not None
        settings = OperatorSettings(events=one.settings.events.model_copy(update={"watch_access": False}))
        silent = Post(one.bench, settings, one.specs)
        for number in range(len(one.specs)):
            silent.apply(number)
            names = silent.plan(number, options=ApplyOptions(deep=True))
            assert set(names.values()) == {ChangeClass.NONE}
            assert not [name for name in names if GLOBAL in name or "access-changes" in name]


@pytest.mark.parametrize(
    "pattern", [*desired.RULES.values(), *desired.GLOBAL_RULES.values(), desired.FORWARDED_PATTERN]
)
def test_a_pattern_is_as_short_as_eventbridge_takes_it(pattern: Mapping[str, Any]) -> None:
    """2,048 characters: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html."""
    assert len(json.dumps(pattern)) <= 2_048


def test_what_cloudformation_does_to_a_key_for_somebody_arrives_and_grants_of_services_do_not(post: Post) -> None:
    """A service is named in every call that it makes for somebody, or for itself.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
    """
    post.apply()
    calls = ["PutKeyPolicy", "ScheduleKeyDeletion", "CreateGrant", "RetireGrant"]
    for service in ({}, {"invokedBy": "cloudformation.amazonaws.com"}):
        who = {"type": "AssumedRole", "arn": SOMEBODY, "accountId": HOME, **service}
        asked = {"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}
        emulator.emit(post.bench.aws, *(call(one, asked, service="kms", userIdentity=who) for one in calls))
    assert sorted(one.name for one in post.hints()) == sorted([*calls, "PutKeyPolicy", "ScheduleKeyDeletion"])


def test_only_our_rules_may_send_and_only_over_tls(post: Post) -> None:
    post.apply()
    policy = queue_policy_of(post.bench.session, post.queue)
    allow, deny = policy["Statement"]
    rules = [f"arn:aws:events:eu-west-2:{HOME}:rule/{post.queue}-{name}" for name in desired.RULES]
    rules.append(f"arn:aws:events:eu-west-2:{HOME}:rule/{post.queue}/{post.queue}-{desired.FORWARDED}")
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    assert allow["Condition"] == {
        "ArnEquals": {"aws:SourceArn": rules},
        "StringEquals": {"aws:SourceAccount": HOME},
    }
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_queue_keeps_messages_two_weeks_encrypted_and_has_a_dead_letter_queue(post: Post) -> None:
    post.apply()
    sqs = post.bench.session.client("sqs")
    url = sqs.get_queue_url(QueueName=post.queue)["QueueUrl"]
    has = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert has["MessageRetentionPeriod"] == "1209600"
    assert has["SqsManagedSseEnabled"] == "true"
    redrive = json.loads(has["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(f":{post.queue}-dead-letters")
    assert int(redrive["maxReceiveCount"]) == 60


@pytest.mark.parametrize("part", ["rule", "target", "queue"])
def test_what_somebody_changed_is_found_by_a_deep_plan_and_mended(post: Post, part: str) -> None:
    post.apply()
    events, sqs = post.bench.session.client("events"), post.bench.session.client("sqs")
    rule = f"{post.queue}-{next(iter(desired.RULES))}"
    match part:
        case "rule":
            events.disable_rule(Name=rule)
        case "target":
            events.remove_targets(Rule=rule, Ids=["secrets-pipeline"])
        case _:
            url = sqs.get_queue_url(QueueName=post.queue)["QueueUrl"]
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    assert set(post.plan().values()) == {ChangeClass.NONE}
    deep = ApplyOptions(deep=True)
    changed = post.queue if part == "queue" else rule
    assert {name for name, action in post.plan(options=deep).items() if action is ChangeClass.UPDATE} >= {changed}
    reasons = [said(one) for one in post.changes(options=deep) if one.resource.name == changed and one.drift]
    assert reasons
    for reason in (text for texts in reasons for text in texts):
        assert reason.startswith("changed outside: ")
        assert ": :" not in reason
    post.apply(options=deep)
    assert set(post.plan(options=deep).values()) == {ChangeClass.NONE}


def test_policies_that_come_back_normalised_are_as_they_should_be_and_others_are_not(forwarding: Post) -> None:
    deep = ApplyOptions(deep=True)
    for number in range(3):
        forwarding.apply(number)
    events, sqs = forwarding.bench.session.client("events"), forwarding.bench.session.client("sqs")
    bus = json.loads(events.describe_event_bus(Name=forwarding.queue)["Policy"])
    assert bus["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{AWAY}:root"}
    for number in range(3):
        assert set(forwarding.plan(number, options=deep).values()) == {ChangeClass.NONE}
    bus["Statement"][0]["Principal"] = "*"
    events.put_permission(EventBusName=forwarding.queue, Policy=json.dumps(bus))
    queue = queue_policy_of(forwarding.bench.session, forwarding.queue)
    queue["Statement"][0] |= {"Principal": {"AWS": AWAY}}
    url = sqs.get_queue_url(QueueName=forwarding.queue)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(queue)})
    planned = forwarding.plan(options=deep)
    widened = {f"bus {forwarding.queue}", forwarding.queue}
    assert {name for name, action in planned.items() if action is ChangeClass.UPDATE} >= widened
    forwarding.apply(options=deep)
    assert set(forwarding.plan(options=deep).values()) == {ChangeClass.NONE}


@pytest.mark.parametrize("part", ["trust", "permissions"])
def test_what_somebody_changed_of_the_role_of_the_rules_is_found_by_a_deep_plan_and_mended(
    forwarding: Post, part: str
) -> None:
    forwarding.apply(1)
    deep = ApplyOptions(deep=True)
    assert set(forwarding.plan(1, options=deep).values()) == {ChangeClass.NONE}
    iam = in_account(forwarding.bench, AWAY).client("iam")
    role, planned = f"{forwarding.queue}-events", f"{forwarding.queue}-events of {AWAY}"
    if part == "trust":
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=ASSUMED_BY_LAMBDA)
    else:
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role, PolicyName=name)
    assert forwarding.plan(1, options=deep)[planned] is ChangeClass.UPDATE
    forwarding.apply(1, options=deep)
    assert set(forwarding.plan(1, options=deep).values()) == {ChangeClass.NONE}


def test_a_target_that_eventbridge_does_not_take_is_a_failure_and_not_silence(
    post: Post, interruption: Interruption
) -> None:
    mine = post.specs[0]
    context = post.bench.context(mine, settings=post.settings, interruption=interruption)
    context.account.botocore_session.get_component("event_emitter").register("after-call.events.PutTargets", refused)
    outcomes = post.bench.run(STAGES[STAGE](context))
    failed = [one for one in outcomes.values() if isinstance(one, Failed)]
    assert failed
    assert all(one.error.message.endswith("failed: ConcurrentModificationException") for one in failed)
    assert all(one.error.remedy for one in failed)


def refused(parsed: dict[str, Any], **_: object) -> None:
    """What EventBridge answers, with HTTP 200, where it did not take a target.

    Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargetsResultEntry.html
    """
    parsed |= {
        "FailedEntryCount": 1,
        "FailedEntries": [{"TargetId": "secrets-pipeline", "ErrorCode": "ConcurrentModificationException"}],
    }


def test_a_new_setting_is_applied_to_what_exists(post: Post) -> None:
    post.apply()
    assert post.settings.events is not None
    changed = Post(post.bench, OperatorSettings(events=post.settings.events, tags={"Team": "payments"}), post.specs)
    assert changed.plan()[post.queue] is ChangeClass.UPDATE
    changed.apply()
    assert set(changed.plan(options=ApplyOptions(deep=True)).values()) == {ChangeClass.NONE}


def test_somebody_elses_queue_is_not_taken_over_unless_that_is_asked_for(post: Post) -> None:
    sqs = post.bench.session.client("sqs")
    url = sqs.create_queue(QueueName=post.queue)["QueueUrl"]
    outcomes = post.apply()
    assert isinstance(outcomes[post.queue], Skipped)
    assert "Policy" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert all(not isinstance(one, Failed) for one in outcomes.values())
    assert isinstance(post.apply(options=ApplyOptions(adopt=(f"{post.queue}-",)))[post.queue], Skipped)
    adopting = post.apply(options=ApplyOptions(adopt=(post.queue,)))
    assert isinstance(adopting[post.queue], Applied)
    assert post.plan()[post.queue] is ChangeClass.NONE


@pytest.mark.parametrize("named", ["github.com/acme/payments", ""])
def test_the_queue_of_another_repository_is_left_alone_with_all_that_leads_to_it(forwarding: Post, named: str) -> None:
    for number in range(3):
        forwarding.apply(number, repository="github.com/acme/shop")
    events = forwarding.bench.session.client("events")
    policy = events.describe_event_bus(Name=forwarding.queue)["Policy"]
    # Its accounts are all known, so that it would shut out those that it does not have.
    other = Post(forwarding.bench, forwarding.settings, (forwarding.specs[0], forwarding.specs[2]))
    found = {one.resource.name: one for one in other.changes(repository=named)}
    assert found[other.queue].action is ChangeClass.BLOCKED
    (reason,) = said(found[other.queue])
    assert reason.startswith("belongs to repository github.com/acme/shop: name another queue under events")
    for number in range(2):
        assert not any(isinstance(one, Applied) for one in other.apply(number, repository=named).values())
    assert events.describe_event_bus(Name=forwarding.queue)["Policy"] == policy
    assert set(forwarding.plan(1, repository="github.com/acme/shop").values()) == {ChangeClass.NONE}
    both = ApplyOptions(adopt=(other.queue, f"{other.queue}-dead-letters"))
    assert isinstance(other.apply(repository="github.com/acme/renamed", options=both)[other.queue], Applied)


def test_a_queue_that_names_no_repository_yet_is_taken_once_by_the_first_that_has_a_name(post: Post) -> None:
    post.apply()
    outcome = post.apply(repository="github.com/acme/shop")[post.queue]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "its tags do not name the repository yet"
    assert set(post.plan(repository="github.com/acme/shop").values()) == {ChangeClass.NONE}
    assert post.plan(repository="github.com/acme/payments")[post.queue] is ChangeClass.BLOCKED


def test_a_key_that_does_not_let_events_in_is_said_before_anything_is_made(post: Post) -> None:
    key = post.bench.kms.create_key()["KeyMetadata"]["Arn"]
    assert post.settings.events is not None
    with_key = OperatorSettings(events=post.settings.events.model_copy(update={"kms_key": key}))
    blocked = Post(post.bench, with_key, post.specs)
    outcome = blocked.apply()[post.queue]
    assert isinstance(outcome, Skipped)
    assert blocked.plan()[f"{post.queue}-dead-letters"] is ChangeClass.BLOCKED
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
    }
    policy = json.loads(post.bench.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"].append(statement)
    post.bench.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    assert all_of(blocked.apply(), Applied)
    arn = post.bench.secrets.create_secret(Name=post.bench.name("keyed"), SecretString="x")["ARN"]
    assert [hint.kind for hint in blocked.hints() if hint.secret == arn] == [HintKind.ROTATED]


def test_a_key_that_left_the_settings_leaves_the_queue_under_sqs_s_own_encryption(post: Post) -> None:
    sqs = post.bench.session.client("sqs")
    key = post.bench.kms.create_key()["KeyMetadata"]["Arn"]
    post.apply()
    url = sqs.get_queue_url(QueueName=post.queue)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key})
    change = next(one for one in post.changes(options=ApplyOptions(deep=True)) if one.resource.name == post.queue)
    assert (change.action, "SqsManagedSseEnabled differs" in change.reason) == (ChangeClass.UPDATE, True)
    post.apply(options=ApplyOptions(deep=True))
    has = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (has["SqsManagedSseEnabled"], has.get("KmsMasterKeyId")) == ("true", None)
    assert "events.amazonaws.com" in has["Policy"]
    assert set(post.plan(options=ApplyOptions(deep=True)).values()) == {ChangeClass.NONE}


def test_a_bus_that_another_run_made_a_moment_before_is_taken_as_ours(
    forwarding: Post, interruption: Interruption
) -> None:
    events = forwarding.bench.session.client("events")
    tags: Any = [{"Key": key, "Value": value} for key, value in OURS.items()]

    def race(operation: str) -> None:
        if operation == "CreateEventBus":
            interruption.before = lambda _operation: None
            events.create_event_bus(Name=forwarding.queue, Tags=tags)

    interruption.before = race
    outcomes = forwarding.apply(interruption=interruption)
    failed = [str(one.error) for one in outcomes.values() if isinstance(one, Failed)]
    assert failed == []
    assert events.describe_event_bus(Name=forwarding.queue)["Policy"]


def test_accounts_that_another_run_let_in_a_moment_before_stay_while_a_stack_is_broken(
    forwarding: Post, interruption: Interruption
) -> None:
    bench, mine = forwarding.bench, forwarding.specs[0]
    events = bench.session.client("events")
    tags: Any = [{"Key": key, "Value": value} for key, value in OURS.items()]
    whole, let_in = bench.repository(*forwarding.specs), "arn:aws:iam::777788889999:root"
    run, sessions = Run(forwarding.settings, writes=True), Sessions(bench.session)
    context = Assembly(replace(whole, is_complete=False), sessions, run).stack(mine.stack)
    interruption.install(context)

    def race(operation: str) -> None:
        if operation == "CreateEventBus":
            interruption.before = lambda _operation: None
            arn = events.create_event_bus(Name=forwarding.queue, Tags=tags)["EventBusArn"]
            statement = {"Sid": "a", "Effect": "Allow", "Principal": {"AWS": let_in}}
            statement |= {"Action": "events:PutEvents", "Resource": arn}
            policy = {"Version": "2012-10-17", "Statement": [statement]}
            events.put_permission(EventBusName=forwarding.queue, Policy=json.dumps(policy))

    interruption.before = race
    bench.run(STAGES[STAGE](context))
    policy = json.loads(events.describe_event_bus(Name=forwarding.queue)["Policy"])
    assert policy["Statement"][0]["Principal"]["AWS"] == [f"arn:aws:iam::{AWAY}:root", let_in]


@pytest.mark.parametrize("tagged", [True, False])
def test_a_role_that_somebody_made_a_moment_before_is_taken_only_with_our_tag(
    forwarding: Post, interruption: Interruption, tagged: bool
) -> None:
    iam, role = in_account(forwarding.bench, AWAY).client("iam"), f"{forwarding.queue}-events"
    tags: Any = [{"Key": key, "Value": value} for key, value in OURS.items()] if tagged else []

    def race(operation: str) -> None:
        if operation == "CreateRole":
            interruption.before = lambda _operation: None
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA, Tags=tags)

    interruption.before = race
    outcome = forwarding.apply(1, interruption=interruption)[f"{role} of {AWAY}"]
    assert isinstance(outcome, Applied if tagged else Failed)
    assert len(iam.list_role_policies(RoleName=role)["PolicyNames"]) == tagged
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert (trust == json.loads(ASSUMED_BY_LAMBDA)) is not tagged


@pytest.mark.parametrize("operation", ["TagResource", "PutTargets"])
def test_a_run_that_was_killed_is_finished_by_the_next(
    post: Post, interruption: Interruption, killed: type[BaseException], operation: str
) -> None:
    interruption.kill_before(operation)
    with pytest.raises(killed):
        post.apply(interruption=interruption)
    assert not all_of(post.apply(), Unchanged)
    assert set(post.plan(options=ApplyOptions(deep=True)).values()) == {ChangeClass.NONE}


def test_a_bus_lets_in_the_accounts_of_the_repository_and_forgets_none_while_a_stack_is_broken(
    forwarding: Post,
) -> None:
    forwarding.apply()
    events = forwarding.bench.session.client("events")

    def principals() -> list[str]:
        policy = json.loads(events.describe_event_bus(Name=forwarding.queue)["Policy"])
        found = policy["Statement"][0]["Principal"]["AWS"]
        return [found] if isinstance(found, str) else list(found)

    assert principals() == [f"arn:aws:iam::{AWAY}:root"]
    fewer = Post(forwarding.bench, forwarding.settings, (forwarding.specs[0], forwarding.specs[2]))
    mine = fewer.specs[0]
    whole = forwarding.bench.repository(mine, fewer.specs[1])
    run, sessions = Run(forwarding.settings, writes=True), Sessions(forwarding.bench.session)
    context = Assembly(replace(whole, is_complete=False), sessions, run).stack(mine.stack)

    forwarding.bench.run(STAGES[STAGE](context))
    assert principals() == [f"arn:aws:iam::{AWAY}:root"]


def test_a_bus_for_other_regions_of_one_account_has_no_policy(forwarding: Post) -> None:
    post = Post(forwarding.bench, forwarding.settings, (forwarding.specs[0], forwarding.specs[2]))
    assert all_of(post.apply(), Applied)
    bus = post.bench.session.client("events").describe_event_bus(Name=post.queue)
    # A statement whose principals are an empty list is refused by AWS.
    assert not bus.get("Policy")
    assert set(post.plan(options=ApplyOptions(deep=True)).values()) == {ChangeClass.NONE}
    assert any(isinstance(one, Applied) for one in post.apply(1).values())
    post.hints()
    near = post.bench.session.client("secretsmanager", region_name="eu-central-1")
    arn = near.create_secret(Name=post.bench.name("near"), SecretString="x")["ARN"]
    assert [hint.kind for hint in post.hints() if hint.secret == arn] == [HintKind.ROTATED]


def test_a_bus_whose_accounts_have_left_the_repository_lets_nobody_in(forwarding: Post) -> None:
    forwarding.apply()
    post = Post(forwarding.bench, forwarding.settings, (forwarding.specs[0], forwarding.specs[2]))
    post.apply()
    assert not post.bench.session.client("events").describe_event_bus(Name=post.queue).get("Policy")


@pytest.mark.needs("events:DeleteRule", "events:RemoveTargets")
def test_rules_go_with_the_last_stack_of_their_place_and_not_before(bench: Bench, forwarding: Post) -> None:
    post = forwarding
    assert {type(one) for one in post.apply(2).values()} == {Applied}
    events: Any = bench.session.client("events", region_name=ELSEWHERE)

    def rules() -> set[str]:
        named = events.list_rules(NamePrefix=f"{post.queue}-")["Rules"]
        return {one["Name"].removeprefix(f"{post.queue}-") for one in named}

    assert rules() == set(desired.RULES)
    beside = post.specs[2].model_copy(update={"stack": f"{bench.stack}-beside"})
    home, away, last = post.specs
    needed = replace(post, specs=(home, away, taken_down(last), beside))
    assert needed.plan(2) == {}
    left = replace(post, specs=(home, away, taken_down(last)))
    assert set(left.plan(2).values()) == {ChangeClass.ORPHAN}
    assert left.apply(2)
    assert rules() == set(desired.RULES)
    # One that somebody else tagged anew is not ours.
    stranger = f"{post.queue}-databases"
    arn = events.describe_rule(Name=stranger)["Arn"]
    tags = [one["Key"] for one in events.list_tags_for_resource(ResourceARN=arn)["Tags"]]
    events.untag_resource(ResourceARN=arn, TagKeys=tags)
    outcomes = left.apply(2, options=ApplyOptions(prune=True))
    assert {type(one) for one in outcomes.values()} == {Applied}
    assert rules() == {"databases"}
    assert left.apply(2, options=ApplyOptions(prune=True)) == {}
    # Nothing is made for what is taken down.
    assert post.apply(2)
    assert rules() >= set(desired.RULES) - {"databases"}
