"""KMS keys of the stack: found by mark and alias, compared part by part, blocked if they are not ours or of no use."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline import emulator
from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.operations.mark_checks import marks_verify
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.kms_key.lookup import key_marks
from secrets_pipeline.reconcilers.kms_key.reconciler import KmsKeyReconciler
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS
from secrets_pipeline.reconcilers.run import utc_now
from secrets_pipeline.reconcilers.tag_keys import SPEC, STACK, TAGS
from tests.bench import Interruption, Killed, said

if TYPE_CHECKING:
    from tests.bench import Bench

READER = "arn:aws:iam::444455556666:role/reports"
READS = ("Describe", "List", "Get", "Generate")
UNREAD = "policy not read: `verify` and `plan --deep` do"
TLS = {
    "Sid": "Tls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "kms:Decrypt",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def own(bench: Bench, **more: object) -> StackSpec:
    declared = {"description": "secrets", "tags": {"Team": "orders"}, "rotation_period_in_days": 180, **more}
    return bench.spec(keys=(bench.key(**declared),))


def provisioned(bench: Bench) -> StackSpec:
    spec = own(bench)
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Applied)
    return spec


def planned(bench: Bench, spec: StackSpec, *, deep: bool = False) -> Change:
    return next(iter(KmsKeyReconciler(bench.context(spec, writing=False), deep=deep).plan()))


def key_id(bench: Bench) -> str:
    return bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]


def key_arn(bench: Bench) -> str:
    return bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["Arn"]


def keys(bench: Bench) -> set[str]:
    """Ids of the account's keys."""
    return set(bench.kms.get_paginator("list_keys").paginate().search("Keys[].KeyId"))


def living(bench: Bench, since: set[str]) -> int:
    """How many keys were made since then and can be used."""
    states = [bench.kms.describe_key(KeyId=one)["KeyMetadata"]["KeyState"] for one in keys(bench) - since]
    return states.count("Enabled")


def tags(bench: Bench, name: str) -> dict[str, str]:
    listed = bench.kms.list_resource_tags(KeyId=name, Limit=50)["Tags"]
    return {tag["TagKey"]: tag["TagValue"] for tag in listed}


def tag(bench: Bench, name: str, **values: str) -> None:
    bench.kms.tag_resource(KeyId=name, Tags=[{"TagKey": key, "TagValue": value} for key, value in values.items()])


def test_an_organisation_narrows_the_readers_of_a_key_and_nobody_of_the_account(bench: Bench) -> None:
    spec = own(bench, readers=(READER,))
    bench.provision(spec, "kms_keys")
    narrowed = spec.model_copy(update={"organization_id": "o-a1b2c3d4e5"})
    assert "key policy differs" in said(bench.plan(narrowed, "kms_keys")[bench.alias])
    bench.provision(narrowed, "kms_keys")
    key_id = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]
    policy = json.loads(bench.kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])
    conditions = [one.get("Condition", {}).get("StringEquals", {}) for one in policy["Statement"]]
    assert [one.get("aws:PrincipalOrgID") for one in conditions] == [None, None, "o-a1b2c3d4e5"]
    assert isinstance(bench.provision(narrowed, "kms_keys")[f"kms_keys {bench.alias}"], Unchanged)


def left_by_a_crash(bench: Bench, spec: StackSpec, *, minutes: int = 0) -> str:
    """A key as a run leaves it that dies right after CreateKey, and whose clock is off; its id."""
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    return another_with(bench, key_marks(bench.context(spec)).created(bench.alias, now))


def test_a_key_is_created_with_alias_policy_tags_rotation_and_mark_and_then_nothing_is_left(bench: Bench) -> None:
    spec = own(bench, readers=(READER,), policy=(TLS,))
    bench.service_keys(spec)  # makes the pipeline's own two keys, which do not count here
    bench.reset_calls()
    bench.provision(spec, "kms_keys")
    written = [call for call in bench.calls("kms").elements() if not call.startswith(READS)]
    assert sorted(written) == ["CreateAlias", "CreateKey", "EnableKeyRotation", "TagResource"]
    about = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]
    assert about["Description"] == "secrets"
    assert {name: value for name, value in tags(bench, about["KeyId"]).items() if name not in (SPEC, TAGS)} == {
        "Team": "orders",
        STACK: bench.stack,
        ALIAS: bench.alias,
    }
    rotation = bench.kms.get_key_rotation_status(KeyId=about["KeyId"])
    assert (rotation["KeyRotationEnabled"], rotation["RotationPeriodInDays"]) == (True, 180)
    policy = json.loads(bench.kms.get_key_policy(KeyId=about["KeyId"], PolicyName="default")["Policy"])
    root, account, readers, declared = policy["Statement"]
    assert (root["Principal"], root["Action"]) == ({"AWS": "arn:aws:iam::111122223333:root"}, "kms:*")
    through = f"secretsmanager.{bench.aws.region}.amazonaws.com"
    assert account["Condition"] == {"StringEquals": {"kms:CallerAccount": "111122223333", "kms:ViaService": through}}
    assert (readers["Principal"], readers["Action"]) == ({"AWS": [READER]}, ["kms:Decrypt", "kms:DescribeKey"])
    assert readers["Condition"] == {"StringEquals": {"kms:ViaService": through}}
    assert declared == TLS
    bench.reset_calls()
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Unchanged)
    assert not [call for call in bench.calls("kms") if not call.startswith(READS)]


def test_a_finished_key_costs_three_calls_and_its_policy_is_read_by_a_deep_plan_alone(bench: Bench) -> None:
    spec = provisioned(bench)
    bench.reset_calls()
    assert said(planned(bench, spec)) == (UNREAD,)
    calls = bench.calls("kms")
    # One page of aliases; the fingerprint key is described, and used once.
    assert calls == {
        "ListAliases": 1,
        "DescribeKey": 2,
        "GenerateMac": 1,
        "ListResourceTags": 1,
        "GetKeyRotationStatus": 1,
    }
    bench.reset_calls()
    change = planned(bench, spec, deep=True)
    assert (change.action, said(change)) == (ChangeClass.NONE, ())
    assert bench.calls("kms") - calls == {"GetKeyPolicy": 1}


def test_a_no_op_plan_makes_as_many_kms_calls_for_forty_secrets_as_for_one(bench: Bench) -> None:
    theirs = bench.kms.create_key()["KeyMetadata"]["Arn"]
    made, counted = [], []
    for number in (1, 40):
        one = bench.another()
        under = one.late("${output.kms.key_arn}")
        secrets = [one.declared(f"n{index}", kms_key=under if index % 2 else theirs) for index in range(number + 1)]
        made.append((one, one.create(*secrets, keys=(one.key(),))))
    for one, spec in made:
        context = one.context(spec, writing=False)
        one.reset_calls()
        assert {change.action for make in STAGES.values() for change in make(context).plan()} == {ChangeClass.NONE}
        counted.append(one.calls("kms"))
    assert counted[0] == counted[1]
    assert counted[0]["DescribeKey"] == 3
    assert "GetKeyPolicy" not in counted[0]


@pytest.mark.parametrize(
    ("edit", "reason", "writes"),
    [
        ({"description": "others"}, "description differs: 'secrets' → 'others'", ["UpdateKeyDescription"]),
        # The mark is opened first.
        ({"readers": (READER,)}, "key policy differs", ["PutKeyPolicy", "TagResource"]),
        ({"enable_key_rotation": False}, "key rotation is on", ["DisableKeyRotation"]),
        ({"rotation_period_in_days": 90}, "rotation period differs: 180 → 90", ["EnableKeyRotation"]),
        ({"tags": {"Team": "billing"}}, "tag Team differs", ["TagResource"]),
        ({"tags": {}}, "tag Team is not declared any more", ["UntagResource"]),
    ],
)
def test_each_changed_intent_is_planned_with_its_reason_and_made_by_its_one_call_and_the_mark(
    bench: Bench, edit: dict[str, Any], reason: str, writes: list[str]
) -> None:
    provisioned(bench)
    edited = own(bench, **edit)
    change = planned(bench, edited)
    assert (change.action, said(change), change.drift) == (ChangeClass.UPDATE, (reason,), False)
    bench.reset_calls()
    bench.provision(edited, "kms_keys")
    written = [call for call in bench.calls("kms").elements() if not call.startswith(READS)]
    assert sorted(written) == sorted([*writes, "TagResource"])
    assert planned(bench, edited, deep=True).action is ChangeClass.NONE


def test_tags_that_were_set_or_removed_are_told(bench: Bench) -> None:
    provisioned(bench)
    for tags in ({"Team": "billing"}, {}):
        outcome = bench.provision(own(bench, tags=tags), "kms_keys")[f"kms_keys {bench.alias}"]
        assert isinstance(outcome, Applied)
        assert outcome.detail == "tags"


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("description", "changed outside: description differs: 'by hand' → 'secrets'"),
        ("policy", "changed outside: key policy differs"),
        ("rotation", "changed outside: key rotation is off"),
        ("period", "changed outside: rotation period differs: 365 → 180"),
        ("tag", "changed outside: tag Team differs"),
        ("a tag that was declared once", "changed outside: tag Cost is not declared any more"),
    ],
)
def test_each_change_by_hand_is_drift_of_exactly_its_kind_and_is_put_back(bench: Bench, part: str, reason: str) -> None:
    bench.provision(own(bench, tags={"Team": "orders", "Cost": "1"}), "kms_keys")
    spec = provisioned(bench)
    key = key_id(bench)
    by_hand: dict[str, Callable[[], Any]] = {
        "description": lambda: bench.kms.update_key_description(KeyId=key, Description="by hand"),
        "policy": lambda: bench.kms.put_key_policy(
            KeyId=key,
            Policy=json.dumps(
                {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}]}
            ),
        ),
        "rotation": lambda: bench.kms.disable_key_rotation(KeyId=key),
        "period": lambda: bench.kms.enable_key_rotation(KeyId=key),
        "tag": lambda: tag(bench, key, Team="by hand"),
        "a tag that was declared once": lambda: tag(bench, key, Cost="1"),
    }
    by_hand[part]()
    if part == "policy":
        assert said(planned(bench, spec)) == (UNREAD,)
    change = planned(bench, spec, deep=True)
    assert (change.action, said(change), change.drift) == (ChangeClass.UPDATE, (reason,), True)
    reconciler = KmsKeyReconciler(bench.context(spec), deep=True)
    assert isinstance(bench.run(reconciler)[bench.alias], Applied)
    assert planned(bench, spec, deep=True).action is ChangeClass.NONE


def test_an_alias_that_was_taken_away_is_drift_and_given_back_to_the_same_key(bench: Bench) -> None:
    spec = provisioned(bench)
    key, before = key_id(bench), keys(bench)
    bench.kms.delete_alias(AliasName=bench.alias)
    change = planned(bench, spec)
    assert (change.action, said(change), change.drift) == (
        ChangeClass.UPDATE,
        ("changed outside: alias is missing",),
        True,
    )
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Applied)
    assert (key_id(bench), keys(bench)) == (key, before)
    assert planned(bench, spec).action is ChangeClass.NONE


def test_an_alias_that_was_pointed_elsewhere_stays_there_until_it_is_named_and_no_secret_follows_it(
    bench: Bench,
) -> None:
    secret = bench.declared(kms_key=bench.late("${output.kms.key_arn}"))
    spec = bench.create(secret, keys=(bench.key(),))
    ours, theirs = key_id(bench), bench.kms.create_key()["KeyMetadata"]["KeyId"]
    bench.kms.update_alias(AliasName=bench.alias, TargetKeyId=theirs)
    change = planned(bench, spec)
    assert change.action is ChangeClass.BLOCKED
    assert f"points to key {theirs}, which was not made by the pipeline" in change.reason
    assert f"this stack's own key: `apply -s {bench.stack} --adopt {bench.alias}`" in change.reason
    assert bench.plan(spec)[secret.name].action is ChangeClass.NONE
    assert isinstance(bench.provision(spec)[f"kms_keys {bench.alias}"], Skipped)
    assert key_id(bench) == theirs
    bench.provision(spec, options=ApplyOptions(adopt=(bench.alias,)))
    assert key_id(bench) == ours
    assert bench.versions("api") == 1


def test_an_alias_is_taken_back_from_a_key_that_is_deleted_soon(bench: Bench) -> None:
    spec = provisioned(bench)
    ours, theirs = key_id(bench), bench.kms.create_key()["KeyMetadata"]["KeyId"]
    bench.kms.update_alias(AliasName=bench.alias, TargetKeyId=theirs)
    bench.kms.schedule_key_deletion(KeyId=theirs, PendingWindowInDays=7)
    change = planned(bench, spec)
    assert (said(change), change.drift) == ((f"changed outside: alias points to key {theirs}",), True)
    bench.provision(spec, "kms_keys")
    assert key_id(bench) == ours


def squatted(bench: Bench) -> tuple[Bench, StackSpec]:
    """Another stack that made a key under our alias, which an admin took away since; its desired state."""
    other = bench.another()
    spec = other.spec(keys=(bench.key(),))
    other.provision(spec, "kms_keys")
    bench.kms.delete_alias(AliasName=bench.alias)
    return other, spec


@pytest.mark.parametrize("adopted", [False, True])
def test_an_alias_is_not_taken_off_the_verified_key_of_another_stack(bench: Bench, *, adopted: bool) -> None:
    other, theirs = squatted(bench)
    ours = provisioned(bench)
    mine, options = key_id(bench), ApplyOptions(adopt=("*",) if adopted else ())
    context = other.context(theirs, ours, options=options)
    (change,) = KmsKeyReconciler(context).plan()
    assert change.action is ChangeClass.BLOCKED
    assert change.reason.startswith(f"belongs to stack {bench.stack}: ")
    assert change.reason.endswith("take it out of that stack first; a stack with errors may be the one")
    assert isinstance(bench.run(KmsKeyReconciler(context))[bench.alias], Skipped)
    assert key_id(bench) == mine


def test_an_alias_that_another_stack_got_between_plan_and_apply_is_left_to_it(bench: Bench) -> None:
    other, theirs = squatted(bench)
    doomed = bench.kms.create_key()["KeyMetadata"]["KeyId"]
    bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=doomed)
    bench.kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
    reconciler = KmsKeyReconciler(other.context(theirs))
    changes = reconciler.plan()
    assert [change.action for change in changes] == [ChangeClass.UPDATE]
    bench.kms.delete_alias(AliasName=bench.alias)
    provisioned(bench)
    mine = key_id(bench)
    outcome = bench.run(reconciler, changes)[bench.alias]
    assert isinstance(outcome, Skipped)
    assert outcome.reason.startswith(f"belongs to stack {bench.stack}: ")
    assert key_id(bench) == mine


@pytest.mark.parametrize("named", ["${output.kms.key_arn}", "the alias"])
@pytest.mark.parametrize("repository", ["", "github.com/acme/fork"], ids=["another stack", "another repository"])
def test_no_secret_is_written_under_the_key_that_others_made_behind_our_alias(
    bench: Bench, named: str, repository: str
) -> None:
    bench.create(bench.declared("old"))
    maker = bench if repository else bench.another()
    maker.provision(maker.spec(keys=(bench.key(),)), "kms_keys", repository=repository)
    under = bench.late(named) if named.startswith("$") else bench.alias
    spec = bench.spec(
        bench.declared(kms_key=under), bench.declared("old", kms_key=under), bench.declared("free"), keys=(bench.key(),)
    )
    whose = f"KMS key {bench.alias} belongs to stack {maker.stack}"
    assert whose in bench.plan(spec)[bench.name("old")].reason
    outcomes = bench.provision(spec)
    for key in ("api", "old"):
        waiting = outcomes[f"secrets {bench.name(key)}"]
        assert isinstance(waiting, Skipped)
        assert whose in waiting.reason
    assert isinstance(outcomes[f"secrets {bench.name('free')}"], Applied)
    assert "KmsKeyId" not in bench.describe("old")
    with pytest.raises(bench.secrets.exceptions.ResourceNotFoundException):
        bench.describe("api")


def test_a_secret_goes_under_the_key_of_another_stack_that_it_names_by_arn(bench: Bench) -> None:
    other = bench.another()
    provisioned(other)
    bench.create(bench.declared(kms_key=key_arn(other)))
    assert bench.describe("api")["KmsKeyId"] == key_arn(other)


@pytest.mark.parametrize("tagged", [{}, {STACK: "other-dev"}])
def test_an_alias_of_somebody_else_is_blocked_with_a_remedy_and_left_alone(
    bench: Bench, tagged: dict[str, str]
) -> None:
    theirs = bench.kms.create_key(Description="theirs")["KeyMetadata"]["KeyId"]
    if tagged:
        tag(bench, theirs, **tagged)
    bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=theirs)
    by_secrets = own(bench).model_copy(update={"components": {}})
    options = ApplyOptions(adopt=("*",))
    outcome = bench.provision(by_secrets, "kms_keys", options=options)[f"kms_keys {bench.alias}"]
    assert isinstance(outcome, Skipped)
    assert outcome.change.action is ChangeClass.BLOCKED
    whose = "does not verify: find out who tagged it" if tagged else "was not made by the pipeline: name its ARN"
    assert whose in outcome.reason
    assert bench.kms.describe_key(KeyId=theirs)["KeyMetadata"]["Description"] == "theirs"


@pytest.mark.parametrize("kind", ["kms", "secretsmanager"])
def test_a_key_that_terraform_made_for_its_kms_component_is_used_as_it_is(bench: Bench, kind: str) -> None:
    theirs = bench.kms.create_key(Description="theirs")["KeyMetadata"]["KeyId"]
    bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=theirs)
    key = bench.key()
    asked = bench.spec(bench.declared(kms_key=bench.alias), keys=(key,))
    spec = asked.model_copy(update={"components": dict.fromkeys(key.components, kind)})
    change = planned(bench, spec)
    assert change.action is (ChangeClass.NONE if kind == "kms" else ChangeClass.BLOCKED)
    assert "was not made by the pipeline" in change.reason
    for asked_for in ({"readers": ("arn:aws:iam::444455556666:root",)}, {"create": True}):
        other = spec.model_copy(update={"keys": (key.model_copy(update=asked_for),)})
        assert planned(bench, other).action is ChangeClass.BLOCKED
    bench.provision(spec)
    assert bench.kms.describe_key(KeyId=theirs)["KeyMetadata"]["Description"] == "theirs"
    assert theirs in bench.describe("api")["KmsKeyId"] or bench.describe("api")["KmsKeyId"] == bench.alias


def test_a_key_of_another_stack_is_named_with_its_stack(bench: Bench) -> None:
    other = bench.another()
    spec = other.spec(keys=(other.key(),))
    other.provision(spec, "kms_keys")
    same = bench.spec(keys=(bench.key().model_copy(update={"alias": other.alias}),))
    change = planned(bench, same)
    assert change.action is ChangeClass.BLOCKED
    assert change.reason.startswith(f"belongs to stack {other.stack}: name its ARN in kms_key_id")


def test_marks_copied_from_our_key_to_another_one_are_not_believed(bench: Bench) -> None:
    spec, secret = own(bench), bench.declared(kms_key=bench.late("${output.kms.key_arn}"))
    bench.create(secret, keys=spec.keys)
    ours, theirs = key_id(bench), bench.kms.create_key(Description="secrets")["KeyMetadata"]["KeyId"]
    tag(bench, theirs, **tags(bench, ours))
    bench.kms.update_alias(AliasName=bench.alias, TargetKeyId=theirs)
    said = f"points to key {theirs}, which carries our tags, but its mark does not verify"
    change = planned(bench, spec)
    assert (change.action, said in change.reason) == (ChangeClass.BLOCKED, True)
    assert bench.plan(spec.model_copy(update={"secrets": (secret,)}))[secret.name].action is ChangeClass.NONE
    bench.kms.untag_resource(KeyId=ours, TagKeys=[SPEC])
    change = planned(bench, spec)
    assert (change.action, said in change.reason) == (ChangeClass.BLOCKED, True)
    waiting = bench.plan(bench.spec(secret, keys=spec.keys))
    assert "its mark does not verify" in waiting[bench.name("api")].reason


def test_a_key_whose_material_somebody_imported_is_never_ours(bench: Bench) -> None:
    spec = own(bench)
    marks = key_marks(bench.context(spec))
    carried = marks.created(bench.alias, datetime.now(UTC))
    made = bench.kms.create_key(
        Origin="EXTERNAL", Tags=[{"TagKey": key, "TagValue": value} for key, value in carried.items()]
    )
    bench.provision(spec, "kms_keys")
    assert key_id(bench) != made["KeyMetadata"]["KeyId"]


def test_a_key_of_another_account_that_kms_cannot_find_now_fails_by_name_and_hides_no_other(
    bench: Bench, interruption: Interruption
) -> None:
    theirs = "arn:aws:kms:eu-west-2:444455556666:alias/theirs"
    spec = own(bench).model_copy(update={"secrets": (bench.declared(kms_key=theirs),)})
    context = bench.context(spec, writing=False, interruption=interruption)

    def refuse(params: dict[str, Any], **_: object) -> None:
        if theirs in str(params["body"]):
            raise ClientError({"Error": {"Code": "KMSInternalException", "Message": "later"}}, "DescribeKey")

    context.account.botocore_session.get_component("event_emitter").register("before-call.kms.DescribeKey", refuse)
    changes = {one.resource.name: one for one in STAGES["kms_keys"](context).plan()}
    assert changes[bench.alias].action is ChangeClass.CREATE
    assert changes[theirs].action is ChangeClass.BLOCKED
    assert "KMSInternalException" in changes[theirs].reason


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_an_unusable_key_fails_the_run_and_names_its_secrets_while_the_others_go_on(bench: Bench, state: str) -> None:
    under: Any = bench.late("${output.kms.key_arn}")
    spec = bench.create(bench.declared(kms_key=under), bench.declared("free"), keys=(bench.key(),))
    if state == "Disabled":
        bench.kms.disable_key(KeyId=key_id(bench))
    else:
        bench.kms.schedule_key_deletion(KeyId=key_id(bench), PendingWindowInDays=7)
    edited = bench.spec(
        bench.declared(kms_key=under, description="new"),
        bench.declared("more", kms_key=under),
        bench.declared("free", description="new"),
        keys=spec.keys,
    )
    change = planned(bench, edited)
    assert change.action is ChangeClass.BLOCKED
    assert f"KMS key {bench.alias} is {state}" in change.reason
    assert change.reason.endswith(f"unreadable without it: {bench.name('api')}, {bench.name('more')}")
    bench.reset_calls()
    outcomes = bench.provision(edited)
    failed = outcomes[f"kms_keys {bench.alias}"]
    assert isinstance(failed, Failed)
    assert failed.error.remedy
    for key in ("api", "more"):
        skipped = outcomes[f"secrets {bench.name(key)}"]
        assert isinstance(skipped, Skipped)
        assert f"is {state}" in skipped.reason
    assert isinstance(outcomes[f"secrets {bench.name('free')}"], Applied)
    assert "CreateSecret" not in bench.calls()
    (finding,) = as_declared(bench.context(edited), "kms_keys", deep=False)
    assert (finding.verdict, bench.name("api") in finding.detail) == (Verdict.WRONG, True)


@pytest.mark.parametrize("minutes", [0, -14, 14])
def test_a_key_left_without_alias_by_a_crash_is_used_and_no_second_one_is_made(bench: Bench, minutes: int) -> None:
    spec = own(bench)
    left, before = left_by_a_crash(bench, spec, minutes=minutes), keys(bench)
    change = planned(bench, spec)
    assert (said(change)[0], change.drift) == ("alias is missing", False)
    bench.provision(spec, "kms_keys")
    assert (key_id(bench), keys(bench)) == (left, before)
    assert planned(bench, spec, deep=True).action is ChangeClass.NONE


def test_a_key_that_only_carries_the_tags_of_one_that_a_crash_left_is_not_used(bench: Bench) -> None:
    spec = own(bench)
    theirs = bench.kms.create_key()["KeyMetadata"]["KeyId"]
    tag(bench, theirs, **{STACK: bench.stack, ALIAS: bench.alias, SPEC: "new." + "0" * 64})
    bench.provision(spec, "kms_keys")
    assert key_id(bench) != theirs


def killed_at(bench: Bench, spec: StackSpec, operation: str, *, now: Callable[[], datetime] = utc_now) -> str:
    """A key as a run leaves it that is killed right after an operation; its id."""
    bench.service_keys(spec)  # the pipeline's own two keys are there already
    before, interruption = keys(bench), Interruption()
    interruption.kill_after(operation)
    with pytest.raises(Killed):
        bench.provision(spec, "kms_keys", interruption=interruption, now=now)
    made = keys(bench) - before
    return made.pop() if made else key_id(bench)


def another_with(bench: Bench, carried: dict[str, str]) -> str:
    """Another key with such tags; its id."""
    made = bench.kms.create_key(Tags=[{"TagKey": name, "TagValue": value} for name, value in carried.items()])
    return made["KeyMetadata"]["KeyId"]


def verdict(bench: Bench, spec: StackSpec) -> Verdict:
    """What `marks_verify` says of the key."""
    found = {one.name: one.verdict for one in marks_verify(bench.context(spec, writing=False))}
    return found[f"key {bench.alias}"]


@pytest.mark.parametrize("minutes", [0, -20], ids=["at once", "later"])
def test_the_creation_mark_of_a_finished_key_is_not_believed_on_another_one(bench: Bench, minutes: int) -> None:
    secret = bench.declared(kms_key=bench.late("${output.kms.key_arn}"))
    spec = bench.create(secret, keys=(bench.key(),))
    ours, theirs = key_id(bench), left_by_a_crash(bench, spec, minutes=minutes)
    carried = tags(bench, theirs)
    bench.kms.update_alias(AliasName=bench.alias, TargetKeyId=theirs)
    change = planned(bench, spec)
    assert change.action is ChangeClass.BLOCKED
    assert f"points to key {theirs}, which carries our tags, but its mark does not verify" in change.reason
    assert bench.plan(spec)[secret.name].action is ChangeClass.NONE
    options = ApplyOptions(adopt=(bench.alias,))
    for outcome in (bench.provision(spec, "kms_keys"), bench.provision(spec, "kms_keys", options=options)):
        assert isinstance(outcome[f"kms_keys {bench.alias}"], Skipped)
    assert tags(bench, theirs) == carried
    assert verdict(bench, spec) is Verdict.WRONG
    bench.kms.delete_alias(AliasName=bench.alias)
    bench.provision(spec, "kms_keys")
    assert (key_id(bench), tags(bench, theirs)) == (ours, carried)


def test_of_keys_that_carry_one_creation_mark_the_one_that_was_made_first_is_ours(bench: Bench) -> None:
    spec = own(bench)
    left = killed_at(bench, spec, "CreateKey")
    for _ in range(5):
        another_with(bench, tags(bench, left))
    bench.provision(spec, "kms_keys")
    assert key_id(bench) == left


def test_a_creation_mark_of_another_time_is_believed_where_the_operator_says_so(bench: Bench) -> None:
    spec = own(bench)
    theirs = killed_at(bench, spec, "CreateAlias", now=lambda: datetime.now(UTC) - timedelta(minutes=20))
    blocked_until_adopted(bench, spec, theirs)


def test_the_creation_mark_of_an_older_version_is_believed_where_the_operator_says_so(bench: Bench) -> None:
    spec = own(bench)
    fingerprinter = bench.context(spec).ownership.fingerprinter
    assert fingerprinter is not None
    mac = fingerprinter.digest("key-mark", bench.alias, bench.stack, bench.alias, "new")
    theirs = another_with(bench, {STACK: bench.stack, ALIAS: bench.alias, SPEC: f"new.{mac}"})
    bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=theirs)
    blocked_until_adopted(bench, spec, theirs)


def blocked_until_adopted(bench: Bench, spec: StackSpec, key: str) -> None:
    change = planned(bench, spec)
    assert change.action is ChangeClass.BLOCKED
    assert f"points to key {key}, which carries a creation mark that may be another key's" in change.reason
    assert f"`apply -s {bench.stack} --adopt {bench.alias}`" in change.reason
    before = tags(bench, key)
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Skipped)
    (finding,) = marks_verify(bench.context(spec, writing=False))
    assert (tags(bench, key), finding.verdict) == (before, Verdict.WRONG)
    assert "look at its grants, then adopt it as it is" in finding.detail
    bench.provision(spec, "kms_keys", options=ApplyOptions(adopt=(bench.alias,)))
    assert (key_id(bench), planned(bench, spec, deep=True).action) == (key, ChangeClass.NONE)


def test_the_mark_of_a_key_whose_policy_is_being_changed_is_not_believed_on_another_one(bench: Bench) -> None:
    provisioned(bench)
    spec = own(bench, readers=(READER,))
    ours = killed_at(bench, spec, "PutKeyPolicy")
    carried = tags(bench, ours)
    bench.kms.untag_resource(KeyId=ours, TagKeys=[SPEC])
    theirs = another_with(bench, carried)
    bench.kms.update_alias(AliasName=bench.alias, TargetKeyId=theirs)
    change = planned(bench, spec)
    assert (change.action, "its mark does not verify" in change.reason) == (ChangeClass.BLOCKED, True)
    tag(bench, ours, **{SPEC: carried[SPEC]})
    bench.kms.update_alias(AliasName=bench.alias, TargetKeyId=ours)
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Applied)


def test_a_secret_under_a_key_that_was_left_without_alias_is_written_once(bench: Bench) -> None:
    left = left_by_a_crash(bench, own(bench))
    spec = bench.create(
        bench.declared(kms_key=bench.alias),
        bench.declared("id", "${output.kms.key_id}"),
        keys=(bench.key(),),
    )
    assert bench.value("id") == left
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert bench.versions("api") == 1
    # An ARN is found by Secrets Manager at once, a new alias is not.
    assert bench.describe("api")["KmsKeyId"] == key_arn(bench)


def test_an_alias_made_by_somebody_else_meanwhile_wins_and_our_unused_key_is_given_up(
    bench: Bench, interruption: Interruption
) -> None:
    theirs = bench.kms.create_key()["KeyMetadata"]["KeyId"]
    made: list[str] = []

    def interfere(operation: str) -> None:
        if operation == "CreateAlias" and not made:
            made.append(bench.alias)
            bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=theirs)

    spec = own(bench)
    bench.service_keys(spec)  # the pipeline's own two keys have their aliases already
    interruption.before = interfere
    outcome = bench.provision(spec, "kms_keys", interruption=interruption)[f"kms_keys {bench.alias}"]
    assert isinstance(outcome, Skipped)
    assert "exists after all" in outcome.reason
    assert key_id(bench) == theirs
    ours = [
        bench.kms.describe_key(KeyId=one)["KeyMetadata"]["KeyState"]
        for one in bench.kms.get_paginator("list_keys").paginate().search("Keys[].KeyId")
        if {"TagKey": ALIAS, "TagValue": bench.alias} in bench.kms.list_resource_tags(KeyId=one)["Tags"]
    ]
    assert ours == ["PendingDeletion"]


@pytest.mark.parametrize("at", ["CreateKey", "CreateAlias", "EnableKeyRotation", "TagResource"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_two_runs_that_race_at_any_call_make_one_key_that_lives(
    bench: Bench, interruption: Interruption, at: str, when: str
) -> None:
    spec = own(bench)
    bench.service_keys(spec)  # the pipeline's own two keys have their aliases already
    before = keys(bench)
    raced: list[str] = []

    def race(operation: str) -> None:
        if operation == at and not raced:
            raced.append(operation)
            bench.provision(spec, "kms_keys")

    setattr(interruption, when, race)
    outcome = bench.provision(spec, "kms_keys", interruption=interruption)[f"kms_keys {bench.alias}"]
    assert isinstance(outcome, Applied | Skipped)
    assert living(bench, before) == 1
    bench.provision(spec, "kms_keys")
    assert living(bench, before) == 1
    assert planned(bench, spec, deep=True).action is ChangeClass.NONE


def kill_at_write(interruption: Interruption, boundary: int, killed: type[BaseException]) -> None:
    """As `Interruption.kill_at`, and reads do not count: what they leave is nothing."""
    passed = itertools.count()

    def strike(operation: str) -> None:
        if not operation.startswith(READS) and next(passed) == boundary:
            raise killed

    interruption.before = interruption.after = strike


def test_wherever_a_run_is_killed_while_it_makes_or_changes_a_key_the_next_one_ends_as_a_clean_one(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    bench.service_keys(own(bench))  # the pipeline's own two keys do not count here
    edit: dict[str, Any] = {"description": "others", "readers": (READER,), "tags": {}, "rotation_period_in_days": 90}
    for edited in (False, True):
        boundary, finished = 0, False
        while not finished:
            one = bench.another()
            before = keys(one)
            if edited:
                provisioned(one)
            spec = own(one, **edit) if edited else own(one)
            kill_at_write(interruption, boundary, killed)
            try:
                one.provision(spec, "kms_keys", interruption=interruption)
            except killed:
                one.provision(spec, "kms_keys")
            else:
                finished = True
            assert living(one, before) == 1, f"killed at boundary {boundary}"
            change = planned(one, spec, deep=True)
            assert (change.action, said(change)) == (ChangeClass.NONE, ()), f"killed at boundary {boundary}"
            boundary += 1
        # Before and after each write, and one run that nobody kills.
        assert boundary == 2 * (6 if edited else 4) + 1


def test_a_policy_that_was_put_before_a_crash_is_taken_back_when_the_stack_says_so(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    spec = provisioned(bench)
    interruption.kill_after("PutKeyPolicy")
    with pytest.raises(killed):
        bench.provision(own(bench, readers=(READER,)), "kms_keys", interruption=interruption)
    key_id = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]
    assert READER in bench.kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    bench.provision(spec, "kms_keys")
    assert READER not in bench.kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    assert planned(bench, spec, deep=True).action is ChangeClass.NONE


@pytest.mark.parametrize("operation", ["CreateKey", "CreateAlias", "EnableKeyRotation"])
def test_a_key_whose_makers_answer_was_lost_is_one_key_with_its_alias(bench: Bench, operation: str) -> None:
    spec = own(bench)
    bench.provision(bench.spec())
    before = keys(bench)
    emulator.arm(bench.aws, emulator.InjectedFault(emulator.FaultAction.LOST, operation=operation))
    bench.provision(spec, "kms_keys")
    (report,) = emulator.disarm(bench.aws)
    assert len(report.struck) == 1
    bench.provision(spec, "kms_keys")
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Unchanged)
    assert living(bench, before) == 1
    assert bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyState"] == "Enabled"


def test_a_late_part_of_a_policy_that_turns_out_to_lock_the_account_out_is_refused(bench: Bench) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    late = {**deny, "Principal": {"AWS": bench.late("${ssm:/" + bench.stack + "}")}}
    bench.ssm.put_parameter(Name=f"/{bench.stack}", Value="arn:aws:iam::111122223333:root", Type="String")
    outcome = bench.provision(own(bench, policy=(late,)), "kms_keys")[f"kms_keys {bench.alias}"]
    assert isinstance(outcome, Failed)
    assert "denies the account's root access to its own key" in outcome.error.message


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("*", "lets everybody in, which only its references show"),
        ("arn:aws:iam::444455556666:root", 'write under grants: - {stacks: "STACK", readers: ["444455556666"]}'),
        ("AROAEXAMPLEID", 'write under grants: - {stacks: "STACK", readers: ["[*]"]}'),
    ],
)
def test_a_late_part_of_a_policy_that_turns_out_to_let_others_in_waits_for_a_grant(
    bench: Bench, value: str, said: str
) -> None:
    allow = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    late = {**allow, "Principal": {"AWS": bench.late("${ssm:/" + bench.stack + "}")}}
    bench.ssm.put_parameter(Name=f"/{bench.stack}", Value=value, Type="String")
    nobody = OperatorSettings(grants=(GrantRule(parameters=("*",)),))
    spec = own(bench, policy=(late,))
    reason = f"its policy lets in {value}, and no grant" if value != "*" else f"its policy {said}"
    assert reason in bench.plan(spec, "kms_keys", settings=nobody)[bench.alias].reason
    outcome = bench.provision(spec, "kms_keys", settings=nobody)[f"kms_keys {bench.alias}"]
    assert isinstance(outcome, Skipped)
    assert said.replace("STACK", bench.stack) in outcome.reason
    granted = bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"]
    assert isinstance(granted, Skipped if value == "*" else Applied)


def test_a_policy_that_waits_for_another_resource_is_planned_as_waiting(bench: Bench) -> None:
    statement = {"Sid": "Late", "Effect": "Allow", "Principal": {"AWS": bench.late("${output.rds.instance_arn}")}}
    spec = bench.spec(keys=(bench.key(policy=(statement,)),), databases=(bench.database(),))
    change = bench.plan(spec, "kms_keys")[bench.alias]
    assert change.reason == f"waits: RDS instance {bench.stack} does not exist yet"
    outcome = bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"]
    assert isinstance(outcome, Skipped)
