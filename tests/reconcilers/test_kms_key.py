"""KMS keys: found by alias, compared part by part, blocked where they are not ours or not usable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import local
from secrets_pipeline.engine import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.reconcilers.kms_key import ALIAS
from secrets_pipeline.reconcilers.marks import STACK
from secrets_pipeline.spec import StackSpec

if TYPE_CHECKING:
    from tests.reconcilers.conftest import Bench, Interruption

READER = "arn:aws:iam::444455556666:role/reports"


def own(bench: Bench, **more: Any) -> StackSpec:  # noqa: ANN401 - KeySpec's fields
    declared = {"description": "secrets", "tags": {"Team": "orders"}, "rotation_period_in_days": 180, **more}
    return bench.spec(keys=(bench.key(**declared),))


def provisioned(bench: Bench) -> StackSpec:
    spec = own(bench)
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Applied)
    return spec


def key_id(bench: Bench) -> str:
    return bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]


def keys(bench: Bench) -> int:
    return len(list(bench.kms.get_paginator("list_keys").paginate().search("Keys[]")))


def test_a_key_is_created_with_alias_policy_tags_and_rotation_and_then_nothing_is_left(bench: Bench) -> None:
    spec = own(bench, readers=(READER,))
    bench.provision(spec, "kms_keys")
    about = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]
    assert about["Description"] == "secrets"
    tags = {t["TagKey"]: t["TagValue"] for t in bench.kms.list_resource_tags(KeyId=about["KeyId"])["Tags"]}
    assert tags == {"Team": "orders", STACK: bench.stack, ALIAS: bench.alias}
    rotation = bench.kms.get_key_rotation_status(KeyId=about["KeyId"])
    assert (rotation["KeyRotationEnabled"], rotation["RotationPeriodInDays"]) == (True, 180)
    policy = json.loads(bench.kms.get_key_policy(KeyId=about["KeyId"], PolicyName="default")["Policy"])
    readers = next(s for s in policy["Statement"] if s["Sid"] == "SecretsPipelineReaders")
    assert readers["Principal"] == {"AWS": [READER]}
    bench.reset_calls()
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Unchanged)
    assert not [call for call in bench.calls("kms") if call.startswith(("Create", "Put", "Tag", "Enable", "Update"))]


@pytest.mark.parametrize(
    ("edit", "reason", "writes"),
    [
        ({"description": "others"}, "description differs: 'secrets' → 'others'", "UpdateKeyDescription"),
        ({"readers": (READER,)}, "key policy differs", "PutKeyPolicy"),
        ({"enable_key_rotation": False}, "key rotation is on", "DisableKeyRotation"),
        ({"rotation_period_in_days": 90}, "rotation period differs: 180 → 90", "EnableKeyRotation"),
        ({"tags": {"Team": "billing"}}, "tag Team differs", "TagResource"),
    ],
)
def test_each_difference_alone_is_planned_with_its_reason_and_repaired_by_its_one_call(
    bench: Bench, edit: dict[str, Any], reason: str, writes: str
) -> None:
    provisioned(bench)
    edited = own(bench, **edit)
    change = bench.plan(edited, "kms_keys")[bench.alias]
    assert (change.action, change.reasons) == (ChangeClass.UPDATE, (reason,))
    bench.reset_calls()
    bench.provision(edited, "kms_keys")
    written = {c for c in bench.calls("kms") if not c.startswith(("Describe", "List", "Get", "Generate"))}
    assert written == {writes}
    assert bench.plan(edited, "kms_keys")[bench.alias].action is ChangeClass.NONE


def test_rotation_that_was_switched_off_by_hand_is_switched_on_again(bench: Bench) -> None:
    spec = provisioned(bench)
    bench.kms.disable_key_rotation(KeyId=key_id(bench))
    assert bench.plan(spec, "kms_keys")[bench.alias].reasons == ("key rotation is off",)
    bench.provision(spec, "kms_keys")
    assert bench.kms.get_key_rotation_status(KeyId=key_id(bench))["RotationPeriodInDays"] == 180


@pytest.mark.parametrize(
    ("owner", "whose"), [(None, "was not made by the pipeline"), ("other-dev", "belongs to stack other-dev")]
)
def test_an_alias_of_somebody_else_is_blocked_with_a_remedy_and_left_alone(
    bench: Bench, owner: str | None, whose: str
) -> None:
    tags = [{"TagKey": STACK, "TagValue": owner}] if owner else []
    theirs = bench.kms.create_key(Description="theirs", Tags=tags)["KeyMetadata"]["KeyId"]  # type: ignore[arg-type] # stubs want typed dicts
    bench.kms.create_alias(AliasName=bench.alias, TargetKeyId=theirs)
    outcome = bench.provision(own(bench), "kms_keys")[f"kms_keys {bench.alias}"]
    assert isinstance(outcome, Skipped)
    assert outcome.change.action is ChangeClass.BLOCKED
    assert outcome.reason.startswith(whose)
    assert "kms_key_id" in outcome.reason
    assert bench.kms.describe_key(KeyId=theirs)["KeyMetadata"]["Description"] == "theirs"


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_an_unusable_key_is_blocked_and_names_the_secrets_that_nobody_could_read(bench: Bench, state: str) -> None:
    secret = bench.declared(kms_key=bench.late("${output.kms.key_arn}"))
    spec = bench.create(secret, keys=(bench.key(),))
    if state == "Disabled":
        bench.kms.disable_key(KeyId=key_id(bench))
    else:
        bench.kms.schedule_key_deletion(KeyId=key_id(bench), PendingWindowInDays=7)
    change = bench.plan(spec, "kms_keys")[bench.alias]
    assert change.action is ChangeClass.BLOCKED
    assert change.reason.startswith(f"key is {state}: enable it or cancel its deletion")
    assert secret.name in change.reason


def test_a_key_left_without_alias_by_a_crash_is_used_and_no_second_one_is_made(bench: Bench) -> None:
    tags: Any = [{"TagKey": STACK, "TagValue": bench.stack}, {"TagKey": ALIAS, "TagValue": bench.alias}]
    left = bench.kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    spec = own(bench)
    bench.context(spec).service_keys  # noqa: B018 - makes the pipeline's own two keys, which do not count here
    before = keys(bench)
    bench.provision(spec, "kms_keys")
    assert (key_id(bench), keys(bench)) == (left, before)
    assert bench.plan(spec, "kms_keys")[bench.alias].action is ChangeClass.NONE


def test_a_secret_under_a_key_that_was_left_without_alias_is_written_once(bench: Bench) -> None:
    tags: Any = [{"TagKey": STACK, "TagValue": bench.stack}, {"TagKey": ALIAS, "TagValue": bench.alias}]
    left = bench.kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    spec = bench.create(
        bench.declared(kms_key=bench.alias),
        bench.declared("id", "${output.kms.key_id}"),
        keys=(bench.key(),),
    )
    assert bench.value("id") == left
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert bench.versions("api") == 1


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
    bench.context(spec).service_keys  # noqa: B018 - the pipeline's own two keys have their aliases already
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


def test_a_key_killed_at_any_call_of_its_creation_is_one_key_after_the_next_run(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    spec = own(bench)
    bench.context(spec).service_keys  # noqa: B018 - see above
    before = keys(bench)
    for operation in ("CreateKey", "CreateAlias", "EnableKeyRotation"):

        def strike(called: str, operation: str = operation) -> None:
            if called == operation:
                raise killed

        interruption.after = strike
        with pytest.raises(killed):
            bench.provision(spec, "kms_keys", interruption=interruption)
    bench.provision(spec, "kms_keys")
    assert keys(bench) == before + 1
    assert bench.plan(spec, "kms_keys")[bench.alias].action is ChangeClass.NONE


@pytest.mark.parametrize("operation", ["CreateKey", "CreateAlias", "EnableKeyRotation"])
def test_a_key_whose_makers_answer_was_lost_is_one_key_with_its_alias(bench: Bench, operation: str) -> None:
    spec = own(bench)
    bench.provision(bench.spec())
    before = keys(bench)
    local.arm(bench.aws, local.Fault(local.FaultAction.LOST, operation=operation))
    bench.provision(spec, "kms_keys")
    (report,) = local.disarm(bench.aws)
    assert len(report.struck) == 1
    bench.provision(spec, "kms_keys")
    assert isinstance(bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"], Unchanged)
    assert keys(bench) - before == 1
    assert bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyState"] == "Enabled"


def test_a_policy_that_waits_for_another_resource_is_planned_as_waiting(bench: Bench) -> None:
    statement = {"Sid": "Late", "Effect": "Allow", "Principal": {"AWS": bench.late("${output.rds.instance_arn}")}}
    spec = bench.spec(keys=(bench.key(policy=(statement,)),), databases=(bench.database(),))
    change = bench.plan(spec, "kms_keys")[bench.alias]
    assert change.reason == f"waits: RDS instance {bench.stack} does not exist yet"
    outcome = bench.provision(spec, "kms_keys")[f"kms_keys {bench.alias}"]
    assert isinstance(outcome, Skipped)
