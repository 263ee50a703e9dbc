"""What somebody changed behind our back is named as exactly that; after a rotation there is nothing to say."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.secret.model import ReplicaSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Change, ChangeClass, Unchanged
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.bench import ROTATES, said
from tests.statements import TLS_ONLY
from tests.waiting import SECONDS, eventually

if TYPE_CHECKING:
    from tests.bench import Bench

KEY = "password"


def rotation_function(bench: Bench) -> str:
    """A function that rotates as AWS's templates do: the new value is the old one and a `+`."""
    role = f"arn:aws:iam::{bench.aws.account_id}:role/{bench.stack}"
    emulator.stand_in(bench.aws, [emulator.StandInRole(role, "lambda.amazonaws.com")])
    bench.session.client("iam").put_role_policy(RoleName=bench.stack, PolicyName="rotate", PolicyDocument=ROTATES)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.write(Path(__file__).parents[1] / "emulator/rotation_function.py", "rotation_function.py")
    client = bench.session.client("lambda")
    made = client.create_function(
        FunctionName=bench.stack,
        Role=role,
        Runtime="python3.12",
        Handler="rotation_function.handler",
        Timeout=SECONDS,
        Code={"ZipFile": archive.getvalue()},
    )
    client.add_permission(
        FunctionName=bench.stack,
        StatementId="rotation",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount=bench.aws.account_id,
    )
    return str(made["FunctionArn"])


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    """A finished secret with everything that can be changed outside, under the stack's own key."""
    secret = bench.generated(
        description="ours",
        tags={"Team": "orders"},
        kms_key=bench.late("${output.kms.key_arn}"),
        policy=(TLS_ONLY,),
        rotation=RotationSpec(lambda_arn=rotation_function(bench), automatically_after_days=30),
    )
    return bench.create(secret, keys=(bench.key(),))


def planned(bench: Bench, spec: StackSpec, *, deep: bool) -> list[Change]:
    """Everything of the plan that is not simply as it should be."""
    plans = plan_stack(bench.context(spec, writing=False), deep=deep).values()
    return [one for plan in plans for one in plan if one.drift or one.action is not ChangeClass.NONE]


def tag(bench: Bench) -> None:
    bench.secrets.tag_resource(SecretId=bench.name(KEY), Tags=[{"Key": "Team", "Value": "theirs"}])


def description(bench: Bench) -> None:
    bench.secrets.update_secret(SecretId=bench.name(KEY), Description="theirs")


def kms_key(bench: Bench) -> None:
    bench.secrets.update_secret(SecretId=bench.name(KEY), KmsKeyId=bench.kms.create_key()["KeyMetadata"]["Arn"])


def policy(bench: Bench) -> None:
    theirs = {"Version": "2012-10-17", "Statement": [{**TLS_ONLY, "Action": "secretsmanager:DeleteSecret"}]}
    bench.secrets.put_resource_policy(SecretId=bench.name(KEY), ResourcePolicy=json.dumps(theirs))


def no_policy(bench: Bench) -> None:
    bench.secrets.delete_resource_policy(SecretId=bench.name(KEY))


def rotation(bench: Bench) -> None:
    bench.secrets.cancel_rotate_secret(SecretId=bench.name(KEY))


def rules(bench: Bench) -> None:
    bench.secrets.rotate_secret(
        SecretId=bench.name(KEY), RotationRules={"AutomaticallyAfterDays": 90}, RotateImmediately=False
    )


def deletion(bench: Bench) -> None:
    bench.secrets.delete_secret(SecretId=bench.name(KEY), RecoveryWindowInDays=7)


@dataclass(frozen=True)
class Case:
    """What is done by hand, and how a plan names it."""

    by_hand: Callable[[Bench], None]
    kind: str
    action: ChangeClass
    said: str
    deep: bool = False


CASES = (
    Case(tag, "secret", ChangeClass.UPDATE, "tag Team differs: 'theirs' → 'orders'"),
    Case(description, "secret", ChangeClass.UPDATE, "description differs: 'theirs' → 'ours'"),
    Case(kms_key, "secret", ChangeClass.UPDATE, "kms key differs: "),
    Case(policy, "secret-policy", ChangeClass.UPDATE, "policy differs", deep=True),
    Case(no_policy, "secret-policy", ChangeClass.CREATE, "no policy yet", deep=True),
    Case(rotation, "rotation", ChangeClass.CREATE, "rotation is off → every 30 days"),
    Case(rules, "rotation", ChangeClass.UPDATE, "rotation rules differ: every 90 days → every 30 days"),
    Case(deletion, "secret", ChangeClass.RESTORE, "is scheduled for deletion"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.by_hand.__name__)
def test_a_change_made_outside_is_named_as_exactly_that_and_mended(bench: Bench, spec: StackSpec, case: Case) -> None:
    value, version = bench.value(KEY), bench.current(KEY)
    assert planned(bench, spec, deep=True) == []
    case.by_hand(bench)
    found = planned(bench, spec, deep=case.deep)
    (change,) = [one for one in found if one.resource.kind == case.kind]
    assert (change.action, change.drift) == (case.action, True)
    assert change.reason.startswith(f"changed outside: {case.said}")
    assert len(said(change)) == 1
    # What hangs on a secret that is on its way out follows it back.
    assert len(found) == 1 or case.by_hand is deletion
    bench.provision(spec, options=ApplyOptions(deep=case.deep))
    assert planned(bench, spec, deep=True) == []
    assert bench.value(KEY) == value
    assert (bench.current(KEY) == version) is (case.by_hand is not kms_key)


def test_a_rotation_function_that_lost_its_permission_is_named_by_a_deep_plan_with_what_to_do(
    bench: Bench, spec: StackSpec
) -> None:
    bench.session.client("lambda").remove_permission(FunctionName=bench.stack, StatementId="rotation")
    assert planned(bench, spec, deep=False) == []
    (change,) = planned(bench, spec, deep=True)
    assert (change.resource.kind, change.action, change.drift) == ("rotation", ChangeClass.BLOCKED, True)
    assert change.reason.startswith("changed outside: function ")
    assert change.reason.endswith("does not let secretsmanager.amazonaws.com invoke it")
    assert "add-permission" in change.remedy


def test_a_replica_that_was_removed_is_named_by_a_deep_plan_and_made_again(bench: Bench) -> None:
    replicated = bench.create(bench.generated(replicas=(ReplicaSpec(region="eu-west-1"),)))
    assert planned(bench, replicated, deep=True) == []
    bench.secrets.remove_regions_from_replication(SecretId=bench.name(KEY), RemoveReplicaRegions=["eu-west-1"])
    assert planned(bench, replicated, deep=False) == []
    (change,) = planned(bench, replicated, deep=True)
    assert (change.resource.kind, change.action, change.drift) == ("replica", ChangeClass.REPLICATE, True)
    assert said(change) == ("changed outside: replica in eu-west-1 is missing",)
    bench.provision(replicated, options=ApplyOptions(deep=True))
    assert planned(bench, replicated, deep=True) == []


def test_a_shallow_plan_says_that_it_did_not_read_the_policy(bench: Bench, spec: StackSpec) -> None:
    policy(bench)
    assert planned(bench, spec, deep=False) == []
    (change,) = plan_stack(bench.context(spec, writing=False))["secret_policies"]
    assert change.reason == "not read: `verify` and `plan --deep` do"


def test_a_value_that_somebody_wrote_is_said_and_kept(bench: Bench, spec: StackSpec) -> None:
    bench.secrets.cancel_rotate_secret(SecretId=bench.name(KEY))
    plain = bench.spec(spec.secrets[0].model_copy(update={"rotation": None}), keys=spec.keys)
    bench.provision(plain)
    theirs = bench.secrets.put_secret_value(SecretId=bench.name(KEY), SecretString="theirs")["VersionId"]
    (change,) = planned(bench, plain, deep=True)
    assert (change.resource.kind, change.action, change.drift) == ("secret", ChangeClass.NONE, True)
    assert change.reason == f"changed outside: value: version {theirs} was written by somebody else and is kept"
    assert {type(one) for one in bench.provision(plain).values()} == {Unchanged}
    assert (bench.value(KEY), bench.current(KEY)) == ("theirs", theirs)


def test_what_was_changed_outside_is_told_apart_from_what_the_yaml_changed(bench: Bench, spec: StackSpec) -> None:
    tag(bench)
    edited = spec.model_copy(update={"secrets": (spec.secrets[0].model_copy(update={"description": "new"}),)})
    (change,) = planned(bench, edited, deep=True)
    assert change.drift
    assert said(change) == (
        "description differs: 'ours' → 'new'",
        "changed outside: tag Team differs: 'theirs' → 'orders'",
    )


def test_after_a_rotation_there_is_nothing_to_do(bench: Bench, spec: StackSpec) -> None:
    before, value = bench.current(KEY), bench.value(KEY)
    bench.secrets.rotate_secret(SecretId=bench.name(KEY))
    eventually(lambda: bench.current(KEY) != before and "LastRotatedDate" in bench.describe(KEY))
    assert bench.value(KEY) == f"{value}+"
    assert planned(bench, spec, deep=True) == []
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert bench.value(KEY) == f"{value}+"


def test_no_reason_holds_a_value_or_a_hash_of_one(bench: Bench, spec: StackSpec) -> None:
    for by_hand in (tag, description, kms_key, policy, rotation):
        by_hand(bench)
    said = repr(planned(bench, spec, deep=True))
    value = bench.value(KEY)
    digests = [hashlib.new(name, value.encode()).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")]
    assert [one for one in (value, *digests) if one in said] == []
