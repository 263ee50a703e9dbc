"""Healing narrows what somebody widened, says everything else, and never gives anybody more than they found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.access.policy_text.narrow import is_narrower
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.narrow_policies import MOST_A_DAY, NarrowedPolicy, Reported, narrow_policies
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from tests.bench import Bench


def stranger(bench: Bench, action: str = "secretsmanager:GetSecretValue") -> dict[str, Any]:
    root = f"arn:aws:iam::{bench.aws.account_id}:root"
    return {"Effect": "Allow", "Principal": {"AWS": root}, "Action": action, "Resource": "*"}


def made(bench: Bench, *, self_heal: bool = True, kms_key: str | None = None) -> StackSpec:
    """A stack whose secret has a policy of its own."""
    secret = bench.declared(policy=(TLS_ONLY,), kms_key=kms_key)
    return bench.create(secret, keys=(bench.key(),), self_heal=("secrets", "kms") if self_heal else ())


def healed(bench: Bench, spec: StackSpec, **today: int) -> list[NarrowedPolicy | Reported]:
    context = bench.context(spec, writing=False)
    return list(narrow_policies(context, {bench.name(key): times for key, times in today.items()}))


def policy(bench: Bench) -> dict[str, Any]:
    found = bench.secrets.get_resource_policy(SecretId=bench.name("api")).get("ResourcePolicy")
    return json.loads(found) if found else {"Statement": []}


def put(bench: Bench, *statements: dict[str, Any]) -> str:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    bench.secrets.put_resource_policy(SecretId=bench.name("api"), ResourcePolicy=text)
    return text


def test_a_stack_that_is_as_declared_is_not_touched(bench: Bench) -> None:
    spec = made(bench)
    bench.reset_calls()
    assert healed(bench, spec) == []
    assert not [call for call in bench.calls() if call.startswith(("Put", "Delete", "Update", "Tag"))]


def test_a_widened_policy_is_made_as_declared_again(bench: Bench) -> None:
    spec = made(bench)
    put(bench, TLS_ONLY, stranger(bench))
    (one,) = healed(bench, spec)
    assert isinstance(one, NarrowedPolicy)
    assert one.whole
    assert policy(bench)["Statement"] == [TLS_ONLY]
    assert healed(bench, spec) == []


def test_our_denial_comes_back(bench: Bench) -> None:
    spec = made(bench)
    bench.secrets.delete_resource_policy(SecretId=bench.name("api"))
    (one,) = healed(bench, spec)
    assert isinstance(one, NarrowedPolicy)
    assert policy(bench)["Statement"] == [TLS_ONLY]


def test_a_foreign_denial_stays_while_a_foreign_allow_goes(bench: Bench) -> None:
    spec = made(bench)
    denial = {**stranger(bench, "secretsmanager:DeleteSecret"), "Effect": "Deny"}
    before = put(bench, denial, stranger(bench))
    (one,) = healed(bench, spec)
    assert isinstance(one, NarrowedPolicy)
    assert not one.whole
    after = policy(bench)
    assert denial in after["Statement"]
    assert TLS_ONLY in after["Statement"]
    assert stranger(bench) not in after["Statement"]
    assert is_narrower(after, before)
    # What is left would remove a denial: it is said, and not done.
    (again,) = healed(bench, spec)
    assert isinstance(again, Reported)
    assert "would allow something" in again.why
    assert policy(bench) == after


def test_without_self_heal_it_is_only_said(bench: Bench) -> None:
    spec = made(bench, self_heal=False)
    put(bench, TLS_ONLY, stranger(bench))
    (one,) = healed(bench, spec)
    assert isinstance(one, Reported)
    assert "self_heal" in one.why
    assert stranger(bench) in policy(bench)["Statement"]


def test_a_secret_that_was_healed_too_often_is_left_alone(bench: Bench) -> None:
    spec = made(bench)
    put(bench, TLS_ONLY, stranger(bench))
    (one,) = healed(bench, spec, api=MOST_A_DAY)
    assert isinstance(one, Reported)
    assert one.fought_over
    assert stranger(bench) in policy(bench)["Statement"]
    assert isinstance(healed(bench, spec, api=MOST_A_DAY - 1)[0], NarrowedPolicy)


def test_a_change_of_the_yaml_that_nobody_applied_is_no_tampering(bench: Bench) -> None:
    spec = made(bench)
    edited = bench.declared(policy=({**TLS_ONLY, "Action": "secretsmanager:GetSecretValue"},))
    assert healed(bench, spec.model_copy(update={"secrets": (edited,)})) == []
    assert policy(bench)["Statement"] == [TLS_ONLY]


@pytest.mark.parametrize("what", ["secret deleted", "key disabled"])
def test_a_deleted_secret_stays_deleted_and_a_disabled_key_disabled(bench: Bench, what: str) -> None:
    spec = made(bench, kms_key=bench.alias)
    if what == "secret deleted":
        bench.secrets.delete_secret(SecretId=bench.name("api"), RecoveryWindowInDays=7)
    else:
        bench.kms.disable_key(KeyId=bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"])
    found = healed(bench, spec)
    assert found
    assert all(isinstance(one, Reported) for one in found)
    if what == "secret deleted":
        assert "DeletedDate" in bench.describe("api")
    else:
        assert bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyState"] == "Disabled"


def test_a_widened_key_policy_is_narrowed_and_one_without_its_administration_is_left_to_a_human(bench: Bench) -> None:
    spec = made(bench, kms_key=bench.alias)
    key = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]["KeyId"]
    ours = json.loads(bench.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    foreign = {**stranger(bench, "kms:Decrypt"), "Principal": {"AWS": "*"}}
    widened = {**ours, "Statement": [*ours["Statement"], foreign]}
    bench.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(widened))
    (one,) = healed(bench, spec)
    assert isinstance(one, NarrowedPolicy)
    assert one.whole
    assert json.loads(bench.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]) == ours
    taken = {
        **ours,
        "Statement": [{**foreign, "Action": ["kms:PutKeyPolicy", "kms:Get*", "kms:List*", "kms:Describe*"]}, foreign],
    }
    bench.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(taken))
    found = healed(bench, spec)
    assert bench.alias in {one.resource.name for one in found}
    assert all(isinstance(one, Reported) for one in found)
    assert json.loads(bench.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]) == taken
