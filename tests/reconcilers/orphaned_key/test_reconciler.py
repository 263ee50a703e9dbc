"""KMS keys that left the YAML: listed, and scheduled for deletion only where nothing needs them and somebody asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.kms_key.model import TerraformKey
from secrets_pipeline.desired.secret.model import ReplicaSpec
from secrets_pipeline.desired.settings.operator import EventSettings, OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Outcome, Skipped
from secrets_pipeline.engine.plan import Plan
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.kms_key.lookup import key_marks
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS
from secrets_pipeline.reconcilers.observed import kms_keys
from secrets_pipeline.reconcilers.orphaned_key.reconciler import OrphanedKeyReconciler
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.tag_keys import SPEC, VALUE_KEY
from tests.bench import Interruption, said

if TYPE_CHECKING:
    from mypy_boto3_kms.type_defs import KeyMetadataTypeDef

    from tests.bench import Bench

PRUNE = ApplyOptions(prune=True)
USED = "is encrypted under it: give it another key or delete it; once it cannot be restored any more, prune again"


def left(bench: Bench, *, days: int = 12, repository: str = "") -> str:
    """Make a key that the stack then declares no more; returns its id."""
    bench.provision(bench.spec(keys=(bench.key(deletion_window_in_days=days),)), "kms_keys", repository=repository)
    return about(bench, bench.alias)["KeyId"]


def about(bench: Bench, name: str) -> KeyMetadataTypeDef:
    return bench.kms.describe_key(KeyId=name)["KeyMetadata"]


def orphans(
    bench: Bench,
    *others: StackSpec,
    spec: StackSpec | None = None,
    writing: bool = False,
    options: ApplyOptions = ApplyOptions(),  # noqa: B008 - it is frozen
    repository: str = "",
) -> list[Change]:
    context = bench.context(spec or bench.spec(), *others, writing=writing, options=options, repository=repository)
    return [one for one in STAGES["secrets"](context).plan() if one.resource.kind == "kms-key"]


def test_a_key_that_left_the_yaml_is_an_orphan_in_a_plan_and_a_warning_of_a_check(bench: Bench) -> None:
    key = left(bench)
    (orphan,) = orphans(bench)
    assert (orphan.resource.name, orphan.action) == (bench.alias, ChangeClass.ORPHAN)
    deletes = "`apply --prune` deletes it in 12 days, unless something is encrypted under it"
    assert said(orphan) == (f"key {key} is not in the stack any more: {deletes}",)
    found = as_declared(bench.context(bench.spec(), writing=False), "secrets", deep=False)
    assert [one.verdict for one in found if one.name == bench.alias] == [Verdict.WAITING]


def test_an_apply_that_does_not_prune_neither_touches_such_a_key_nor_looks_for_it(bench: Bench) -> None:
    key = left(bench)
    bench.reset_calls()
    bench.provision(bench.spec())
    assert not {"ListKeys", "ListResourceTags", "ScheduleKeyDeletion"} & set(bench.calls())
    assert about(bench, key)["KeyState"] == "Enabled"


@pytest.mark.parametrize("days", [7, 30])
def test_prune_schedules_its_deletion_with_the_window_that_was_declared(bench: Bench, days: int) -> None:
    key = left(bench, days=days)
    (done,) = bench.provision(bench.spec(), "secrets", options=PRUNE).values()
    assert isinstance(done, Applied)
    assert done.detail == f"key {key} is deleted in {days} days"
    deleted = about(bench, key)
    assert deleted["KeyState"] == "PendingDeletion"
    later = deleted["DeletionDate"] - datetime.now(deleted["DeletionDate"].tzinfo)
    assert timedelta(days=days - 1) < later <= timedelta(days=days)
    assert orphans(bench) == []


def test_a_window_that_is_declared_anew_is_written_into_the_mark(bench: Bench) -> None:
    left(bench, days=12)
    longer = bench.spec(keys=(bench.key(deletion_window_in_days=20),))
    (change,) = STAGES["kms_keys"](bench.context(longer, writing=False)).plan()
    assert (change.action, change.drift) == (ChangeClass.UPDATE, False)
    assert said(change) == ("deletion window differs: 12 → 20 days",)
    bench.provision(longer, "kms_keys")
    (change,) = STAGES["kms_keys"](bench.context(longer, writing=False)).plan()
    assert change.action is ChangeClass.NONE
    bench.provision(bench.spec(), "secrets", options=PRUNE)
    deleted = about(bench, bench.alias)["DeletionDate"]
    assert timedelta(days=19) < deleted - datetime.now(deleted.tzinfo) <= timedelta(days=20)


def test_a_key_that_an_older_version_marked_is_deleted_in_thirty_days(bench: Bench) -> None:
    key = left(bench)
    context = bench.context(bench.spec())
    older = key_marks(context)._signed(about(bench, key)["Arn"], bench.alias, "0a1b2c3d")
    bench.kms.tag_resource(KeyId=key, Tags=[{"TagKey": SPEC, "TagValue": older}])
    (done,) = bench.provision(bench.spec(), "secrets", options=PRUNE).values()
    assert isinstance(done, Applied)
    assert done.detail == f"key {key} is deleted in 30 days"


@pytest.mark.parametrize("spelling", ["id", "arn", "alias", "alias arn"])
def test_a_key_stays_while_a_secret_is_encrypted_under_it_whosever_it_is(bench: Bench, spelling: str) -> None:
    key = left(bench)
    arn = about(bench, key)["Arn"]
    names = {"id": key, "arn": arn, "alias": bench.alias, "alias arn": arn.replace(f"key/{key}", bench.alias)}
    bench.secrets.create_secret(Name=bench.name("theirs"), SecretString="text", KmsKeyId=names[spelling])
    (kept,) = bench.provision(bench.spec(), "secrets", options=PRUNE).values()
    assert isinstance(kept, Skipped)
    assert kept.reason == f"secret {bench.name('theirs')} {USED}"
    assert about(bench, key)["KeyState"] == "Enabled"


def test_a_key_stays_while_its_secret_can_be_restored_and_goes_with_one_that_is_gone(bench: Bench) -> None:
    key = bench.key(deletion_window_in_days=7)
    spec = bench.spec(bench.declared(kms_key=bench.alias, recovery_window_in_days=7), keys=(key,))
    bench.provision(spec)
    done = bench.provision(bench.spec(), "secrets", options=PRUNE)
    assert isinstance(done[f"secrets {bench.name('api')}"], Applied)
    kept = done[f"secrets {bench.alias}"]
    assert isinstance(kept, Skipped)
    assert kept.reason == f"secret {bench.name('api')} {USED}"
    bench.secrets.delete_secret(SecretId=bench.name("api"), ForceDeleteWithoutRecovery=True)
    done = bench.provision(bench.spec(), "secrets", options=PRUNE)
    assert isinstance(done[f"secrets {bench.alias}"], Applied)


def test_a_key_goes_when_its_window_ends_thirty_days_after_the_deleted_date_of_its_secret(bench: Bench) -> None:
    key = bench.key(deletion_window_in_days=30)
    bench.provision(bench.spec(bench.declared(kms_key=bench.alias, recovery_window_in_days=7), keys=(key,)))
    bench.provision(bench.spec(), "secrets", options=PRUNE)
    day = bench.describe("api")["DeletedDate"]
    assert isinstance(pruned_at(bench, day - timedelta(seconds=1)), Skipped)
    assert isinstance(pruned_at(bench, day), Applied)


def pruned_at(bench: Bench, moment: datetime) -> Outcome:
    """What a run at that moment does with the key."""
    return bench.provision(bench.spec(), "secrets", options=PRUNE, now=lambda: moment)[f"secrets {bench.alias}"]


def test_secret_and_key_that_left_together_are_deleted_in_one_run_the_secret_first(bench: Bench) -> None:
    spec = bench.spec(bench.declared(kms_key=bench.alias, recovery_window_in_days=0), keys=(bench.key(),))
    bench.provision(spec)
    done = bench.provision(bench.spec(), "secrets", options=PRUNE)
    assert {name: type(one) for name, one in done.items()} == {
        f"secrets {bench.name('api')}": Applied,
        f"secrets {bench.alias}": Applied,
    }


def test_a_key_that_moved_to_another_stack_of_the_region_is_no_orphan(bench: Bench) -> None:
    left(bench)
    other = bench.another()
    moved = other.spec(keys=(bench.key(),))
    assert orphans(bench, moved) == []
    far = moved.model_copy(update={"target": moved.target.model_copy(update={"region": "eu-west-3"})})
    assert [one.resource.name for one in orphans(bench, far)] == [bench.alias]


@pytest.mark.parametrize("tag", [SPEC, ALIAS])
def test_a_key_whose_tags_prove_nothing_is_not_touched(bench: Bench, tag: str) -> None:
    key = left(bench)
    bench.kms.tag_resource(KeyId=key, Tags=[{"TagKey": tag, "TagValue": "alias/forged"}])
    assert orphans(bench, options=PRUNE) == []


def test_a_key_of_another_stack_is_not_touched(bench: Bench) -> None:
    left(bench)
    assert orphans(bench, spec=bench.another().spec(), options=PRUNE) == []


def test_a_key_without_its_alias_is_found_by_its_tag(bench: Bench) -> None:
    key = left(bench)
    bench.kms.delete_alias(AliasName=bench.alias)
    (orphan,) = orphans(bench)
    assert orphan.action is ChangeClass.ORPHAN
    (done,) = bench.provision(bench.spec(), "secrets", options=PRUNE).values()
    assert isinstance(done, Applied)
    assert about(bench, key)["KeyState"] == "PendingDeletion"


def test_a_mark_that_names_no_repository_is_pruned_only_by_name(bench: Bench) -> None:
    key = left(bench)
    (orphan,) = orphans(bench, options=PRUNE, repository="github.com/acme/infra")
    assert orphan.action is ChangeClass.ORPHAN
    assert "`apply --prune --adopt" in orphan.reason
    named = ApplyOptions(prune=True, adopt=(bench.alias,))
    (done,) = bench.provision(bench.spec(), "secrets", options=named, repository="github.com/acme/infra").values()
    assert isinstance(done, Applied)
    assert about(bench, key)["KeyState"] == "PendingDeletion"


def test_a_key_of_another_repository_with_a_stack_of_this_name_is_not_touched(bench: Bench) -> None:
    left(bench, repository="github.com/acme/one")
    assert orphans(bench, options=PRUNE, repository="github.com/acme/two") == []


def test_a_key_that_changed_hands_since_the_plan_is_left_alone(bench: Bench) -> None:
    key = left(bench)
    context = bench.context(bench.spec(), options=PRUNE)
    reconciler = STAGES["secrets"](context)
    changes = reconciler.plan()
    bench.kms.untag_resource(KeyId=key, TagKeys=[SPEC])
    (skipped,) = bench.run(reconciler, changes).values()
    assert isinstance(skipped, Skipped)
    assert skipped.reason == f"{bench.alias} does not belong to this stack any more"
    assert about(bench, key)["KeyState"] == "Enabled"


@pytest.mark.parametrize("prune", [False, True])
def test_without_the_right_to_list_keys_the_plan_of_secrets_still_stands(
    bench: Bench, interruption: Interruption, *, prune: bool
) -> None:
    spec = bench.create(bench.declared())

    def refuse(operation: str) -> None:
        if operation == "ListKeys":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

    interruption.before = refuse
    options = PRUNE if prune else ApplyOptions()
    context = bench.context(spec, writing=False, options=options, interruption=interruption)
    secret, keys = STAGES["secrets"](context).plan()
    assert (secret.resource.name, secret.action) == (bench.name("api"), ChangeClass.NONE)
    assert (keys.resource.kind, keys.action) == ("kms-key", ChangeClass.BLOCKED if prune else ChangeClass.NONE)
    assert "ListKeys" in keys.reason
    assert isinstance(keys.error, AwsError) is prune


@pytest.mark.parametrize("spelling", ["id", "arn", "alias", "alias arn"])
@pytest.mark.parametrize("named", ["seal", "events", "secret", "replica", "database"])
def test_a_key_that_the_operator_or_the_yaml_names_is_no_orphan(bench: Bench, named: str, spelling: str) -> None:
    key = left(bench)
    arn = about(bench, key)["Arn"]
    name = {"id": key, "arn": arn, "alias": bench.alias, "alias arn": arn.replace(f"key/{key}", bench.alias)}[spelling]
    other, region = bench.another(), bench.aws.region
    replicated = other.spec(other.declared(replicas=(ReplicaSpec(region=region, kms_key_id=name),)))
    elsewhere = replicated.target.model_copy(update={"region": "eu-west-3"})
    settings = {
        "seal": OperatorSettings(seal_key=name),
        "events": OperatorSettings(events=EventSettings.model_construct(queue="q", region=region, kms_key=name)),
    }
    specs = {
        "secret": bench.spec(bench.declared(kms_key=name)),
        "database": bench.spec(databases=(bench.database(parameters={"KmsKeyId": name}, password=None),)),
    }
    others = [replicated.model_copy(update={"target": elsewhere})] if named == "replica" else []
    context = bench.context(
        specs.get(named, bench.spec()), *others, writing=False, settings=settings.get(named, OperatorSettings())
    )
    assert OrphanedKeyReconciler(context).plan() == []


def test_a_key_with_a_copy_of_the_mark_that_ours_was_made_with_is_not_touched(bench: Bench) -> None:
    key = left(bench)
    context = bench.context(bench.spec())
    made = about(bench, key)["CreationDate"]
    copied = {**key_marks(context).created(bench.alias, made)}
    victim = bench.kms.create_key(Tags=[{"TagKey": name, "TagValue": text} for name, text in copied.items()])
    bench.kms.create_alias(AliasName=f"{bench.alias}-0", TargetKeyId=victim["KeyMetadata"]["KeyId"])
    (done,) = bench.provision(bench.spec(), "secrets", options=PRUNE).values()
    assert isinstance(done, Applied)
    assert about(bench, victim["KeyMetadata"]["KeyId"])["KeyState"] == "Enabled"
    assert about(bench, key)["KeyState"] == "PendingDeletion"
    assert orphans(bench, options=PRUNE) == []


def test_a_key_stays_while_a_value_is_still_under_it_although_its_secret_has_another(bench: Bench) -> None:
    other = bench.kms.create_key()["KeyMetadata"]["Arn"]
    key = left(bench)
    # What a run leaves that was killed between UpdateSecret and the value.
    bench.secrets.create_secret(
        Name=bench.name("moving"), SecretString="text", KmsKeyId=other, Tags=[{"Key": VALUE_KEY, "Value": key}]
    )
    (kept,) = bench.provision(bench.spec(), "secrets", options=PRUNE).values()
    assert isinstance(kept, Skipped)
    assert kept.reason == f"secret {bench.name('moving')} {USED}"


def test_a_key_stays_while_somebody_has_a_grant_on_it(bench: Bench) -> None:
    key = left(bench)
    bench.kms.create_grant(KeyId=key, GranteePrincipal="rds.amazonaws.com", Operations=["Decrypt"])
    (kept,) = bench.provision(bench.spec(), "secrets", options=PRUNE).values()
    assert isinstance(kept, Skipped)
    assert kept.reason.startswith("rds.amazonaws.com has a grant on it: ")
    assert about(bench, key)["KeyState"] == "Enabled"


def test_a_key_waits_for_every_secret_that_may_be_moving_away_from_it(bench: Bench) -> None:
    bench.provision(bench.spec(bench.declared(kms_key=bench.alias), keys=(bench.key(),)))
    other = bench.kms.create_key()["KeyMetadata"]["Arn"]
    moved = bench.spec(bench.declared(kms_key=other))
    *_, key = STAGES["secrets"](bench.context(moved, options=PRUNE)).plan()
    assert (key.action, key.after) == (ChangeClass.PRUNE, (bench.name("api"),))
    done = bench.provision(moved, "secrets", options=PRUNE)
    assert isinstance(done[f"secrets {bench.alias}"], Applied)


def test_the_stacks_of_an_account_are_searched_for_once(bench: Bench) -> None:
    left(bench)
    specs = [bench.spec(), bench.another().spec(), bench.another().spec()]
    assembly = Assembly(bench.repository(*specs), Sessions(bench.session), Run(OperatorSettings()))
    bench.reset_calls()
    for spec in specs:
        STAGES["secrets"](assembly.stack(spec.stack)).plan()
    assert bench.calls("kms")["ListKeys"] == 1


def test_where_an_account_has_more_keys_than_are_looked_at_the_plan_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(bench)
    monkeypatch.setattr(kms_keys, "_MOST_CARRYING", 0)
    (note,) = orphans(bench)
    assert (note.action, said(note)) == (
        ChangeClass.NONE,
        ("the account has more keys than are looked at, so there may be others",),
    )


def test_a_key_that_a_component_still_declares_is_kept_although_no_secret_has_to_do_with_it(bench: Bench) -> None:
    key = left(bench)
    spec, other = bench.spec(), bench.another()
    here = TerraformKey(bench.stack, "kms/app", bench.alias)
    elsewhere = other.spec().model_copy(update={"target": Target(region="us-east-1")})
    there = TerraformKey(other.stack, "kms/app", bench.alias)

    def planned(*keys: TerraformKey, options: ApplyOptions = PRUNE) -> Change:
        repository = replace(bench.repository(spec, elsewhere), terraform_keys=keys)
        context = Assembly(repository, Sessions(bench.session), Run(OperatorSettings(), options, writes=True)).stack(
            bench.stack
        )
        reconciler = OrphanedKeyReconciler(context)
        (change,) = reconciler.plan()
        bench.run(reconciler, [change])
        return change

    kept = planned(here)
    assert (kept.action, kept.keeps) == (ChangeClass.NONE, True)
    assert [row.name for row in Plan({"secrets": [kept]}).rows()] == [bench.alias]
    assert not Plan({"secrets": [kept]}).differs
    said_so = f"is kept: component kms/app of stack {bench.stack} still declares it"
    assert said(kept) == (f"{said_so}: settings.secrets_pipeline.create: true manages it",)
    assert planned(TerraformKey(bench.stack, "kms/app", None)).action is ChangeClass.NONE
    assert planned(TerraformKey("declares-nothing-else", "kms/app", bench.alias)).action is ChangeClass.NONE
    assert about(bench, key)["KeyState"] == "Enabled"
    # In another region it is another key.
    assert planned(there).action is ChangeClass.PRUNE
    assert about(bench, key)["KeyState"] == "PendingDeletion"
