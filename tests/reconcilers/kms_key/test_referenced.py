"""Keys that secrets name: one look at each, whatever its spelling, and an error with the secrets if it is of no use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Skipped

if TYPE_CHECKING:
    from tests.bench import Bench

MISSING = "00000000-0000-0000-0000-000000000000"


def their_key(bench: Bench) -> tuple[str, str, str]:
    """Id, ARN and alias of a key that the stack does not make."""
    made = bench.kms.create_key()["KeyMetadata"]
    alias = f"{bench.alias}-theirs"
    bench.kms.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
    return made["KeyId"], made["Arn"], alias


def test_every_spelling_of_a_key_is_one_key_and_costs_one_call(bench: Bench) -> None:
    key, arn, alias = their_key(bench)
    alias_arn = f"{arn.rsplit(':', 1)[0]}:{alias}"
    secrets = [bench.declared(f"n{n}", kms_key=one) for n, one in enumerate((key, arn, alias, alias_arn))]
    spec = bench.create(*secrets)
    again = bench.spec(
        *(bench.declared(f"n{n}", kms_key=one) for n, one in enumerate((alias_arn, alias, arn, key))),
    )
    bench.reset_calls()
    context = bench.context(again, writing=False)
    (change,) = bench.plan(again, "kms_keys").values()
    assert (change.action, change.resource.component) == (ChangeClass.NONE, "secrets")
    assert "kms key" not in " ".join(one.reason for one in bench.plan(again).values())
    assert {one.action for one in bench.plan(spec).values()} == {ChangeClass.NONE}
    assert context.observed.keys.key_id(alias) == key
    bench.reset_calls()
    bench.provision(again, "kms_keys", "secrets")
    # Seal key, fingerprint key, and this one.
    assert bench.calls("kms")["DescribeKey"] == 3
    assert bench.calls("kms")["ListAliases"] == 1


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion", "missing", "elsewhere", "asymmetric"])
def test_a_key_that_cannot_encrypt_fails_before_any_write_and_the_other_secrets_go_on(bench: Bench, state: str) -> None:
    key, arn, alias = their_key(bench)
    problems = {
        "Disabled": "is Disabled",
        "PendingDeletion": "is PendingDeletion: it is deleted on ",
        "missing": "does not exist",
        "elsewhere": "is in us-east-1, and the secret in eu-west-2",
        "asymmetric": "is a RSA_2048 key for SIGN_VERIFY, and secrets need a symmetric encryption key",
    }
    if state == "missing":
        key = arn = alias = arn.replace(key, MISSING)
    if state == "elsewhere":
        key = arn = alias = arn.replace("eu-west-2", "us-east-1")
    if state == "asymmetric":
        key = arn = bench.kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        bench.kms.update_alias(AliasName=alias, TargetKeyId=key)
    existed = state in ("Disabled", "PendingDeletion")
    if existed:
        bench.create(bench.declared("old", kms_key=key))
    if state == "Disabled":
        bench.kms.disable_key(KeyId=key)
    if state == "PendingDeletion":
        bench.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    spec = bench.spec(
        bench.declared("old" if existed else "third", kms_key=arn, description="changed"),
        bench.declared("new", kms_key=alias),
        bench.declared("free"),
    )
    (change,) = bench.plan(spec, "kms_keys").values()
    assert change.action is ChangeClass.BLOCKED
    assert problems[state] in change.reason
    assert f"unreadable without it: {bench.name('new')}, {bench.name('old' if existed else 'third')}" in change.reason
    outcomes = bench.provision(spec)
    (failed,) = [outcome for outcome in outcomes.values() if isinstance(outcome, Failed)]
    assert failed.error.message == change.reason
    assert failed.error.remedy
    for one in (bench.name("new"), bench.name("old" if existed else "third")):
        skipped = outcomes[f"secrets {one}"]
        assert isinstance(skipped, Skipped)
        assert problems[state] in skipped.reason
    assert isinstance(outcomes[f"secrets {bench.name('free')}"], Applied)
    if existed:
        assert "Description" not in bench.describe("old")


def test_a_key_that_secrets_are_still_under_names_them_although_they_left_the_stack(bench: Bench) -> None:
    key, arn, alias = their_key(bench)
    bench.create(bench.declared("gone", kms_key=key), bench.declared("kept", kms_key=arn))
    bench.kms.disable_key(KeyId=key)
    (change,) = bench.plan(bench.spec(bench.declared("kept", kms_key=alias)), "kms_keys").values()
    assert change.reason.endswith(f"{bench.name('gone')}, {bench.name('kept')}")


def test_a_key_of_terraforms_in_another_stack_is_used_without_making_keys_of_ours_there(bench: Bench) -> None:
    region = "us-west-1"
    far = bench.session.client("kms", region_name=region)
    made = far.create_key()["KeyMetadata"]["KeyId"]
    other = bench.another()
    far.create_alias(AliasName=other.alias, TargetKeyId=made)
    target = Target(region=region, account_id=bench.aws.account_id)
    shared = StackSpec(stack=other.stack, target=target, keys=(other.key(),), components={"kms": "kms"})
    value = bench.late("${output." + other.stack + ":kms.key_id}")
    context = bench.context(bench.spec(), shared)
    assert context.resolve.text(value) == made
    assert [one["AliasName"] for one in far.list_aliases()["Aliases"] if "secrets-pipeline" in one["AliasName"]] == []
