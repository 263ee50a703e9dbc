"""The KMS keys that open secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.access.snapshot.model import GrantSnapshot, KeySnapshot
from secrets_pipeline.emulator import FaultAction, InjectedFault, arm
from tests.access.snapshot.conftest import CANARY, policy

if TYPE_CHECKING:
    from tests.access.snapshot.conftest import World

OTHER = "444455556666"


def key_of(world: World) -> KeySnapshot:
    (key,) = world.snapshot().keys.values()
    return key


def test_a_key_has_its_policy_grants_tags_and_aliases(world: World) -> None:
    document = policy("kms:*", Principal={"AWS": f"arn:aws:iam::{world.account_id}:root"})
    about = world.kms.create_key(
        Policy=json.dumps(document), Tags=[{"TagKey": "team", "TagValue": "a"}], MultiRegion=True
    )["KeyMetadata"]
    for alias in ("alias/b", "alias/a"):
        world.kms.create_alias(AliasName=alias, TargetKeyId=about["KeyId"])
    role = world.role("reader")
    grant = world.kms.create_grant(
        KeyId=about["KeyId"],
        GranteePrincipal=role,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"SecretARN": "arn:x"}},
    )
    world.secrets.create_secret(Name="app/db", SecretString=CANARY, KmsKeyId=about["Arn"])
    assert key_of(world) == KeySnapshot(
        arn=about["Arn"],
        aliases=("alias/a", "alias/b"),
        state="Enabled",
        policy=document,
        grants=(
            GrantSnapshot(
                grant_id=grant["GrantId"], grantee=role, operations=("Decrypt",), subset={"SecretARN": "arn:x"}
            ),
        ),
        tags={"team": "a"},
        multi_region=True,
    )


def test_the_default_key_is_known_as_such_with_the_policy_that_aws_gives_it(world: World) -> None:
    world.secrets.create_secret(Name="app/db", SecretString=CANARY)
    key = key_of(world)
    assert key.aws_managed
    assert key.aliases == ("alias/aws/secretsmanager",)
    assert world.secret().keys == (key.arn,)
    assert key.arn.startswith(f"arn:aws:kms:eu-west-2:{world.account_id}:key/")
    assert key.policy is not None
    condition = key.policy["Statement"][0]["Condition"]["StringEquals"]
    assert condition == {
        "kms:CallerAccount": world.account_id,
        "kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com",
    }


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_the_state_of_a_key_is_told(world: World, state: str) -> None:
    key_id = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.secrets.create_secret(Name="app/db", SecretString=CANARY, KmsKeyId=key_id)
    if state == "Disabled":
        world.kms.disable_key(KeyId=key_id)
    else:
        world.kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    key = key_of(world)
    assert (key.state, key.unread) == (state, "")
    assert key.policy is not None


@pytest.mark.parametrize(
    ("operation", "lost"),
    [("GetKeyPolicy", "policy"), ("ListGrants", "grants"), ("ListResourceTags", "tags"), ("ListAliases", "aliases")],
)
def test_what_kms_refuses_is_said_and_nothing_else_is_lost(world: World, operation: str, lost: str) -> None:
    about = world.kms.create_key(Tags=[{"TagKey": "team", "TagValue": "a"}])["KeyMetadata"]
    world.kms.create_alias(AliasName="alias/app", TargetKeyId=about["KeyId"])
    world.kms.create_grant(KeyId=about["KeyId"], GranteePrincipal=world.role("reader"), Operations=["Decrypt"])
    world.secrets.create_secret(Name="app/db", SecretString=CANARY, KmsKeyId=about["Arn"])
    whole = key_of(world)
    world.deny("kms", operation)
    key = key_of(world)
    assert f"{operation} " in key.unread
    assert "AccessDeniedException" in key.unread
    assert not getattr(key, lost)
    assert getattr(whole, lost)
    assert key.model_copy(update={lost: getattr(whole, lost), "unread": ""}) == whole


@pytest.mark.parametrize("call", [1, 2])
def test_a_key_is_unknown_where_kms_refuses_either_of_its_policies(world: World, call: int) -> None:
    about = world.kms.create_key()["KeyMetadata"]
    world.secrets.create_secret(Name="app/db", SecretString=CANARY, KmsKeyId=about["Arn"])
    fault = InjectedFault(FaultAction.DENY, at=call, service="kms", operation="GetKeyPolicy")
    arm(world.aws, fault)
    key = key_of(world)
    assert key.policy is None
    assert "GetKeyPolicy" in key.unread


def test_a_key_that_may_not_be_described_is_unread(world: World) -> None:
    arn = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.secrets.create_secret(Name="app/db", SecretString=CANARY, KmsKeyId=arn)
    world.deny("kms", "DescribeKey")
    found = world.snapshot()
    assert found.secrets[0].keys == (arn,)
    assert (found.keys[arn].state, found.keys[arn].policy) == ("", None)
    assert "DescribeKey" in found.keys[arn].unread


def test_the_default_key_stays_the_default_key_when_it_may_not_be_described(world: World) -> None:
    world.secrets.create_secret(Name="app/db", SecretString=CANARY)
    world.deny("kms", "DescribeKey")
    key = key_of(world)
    assert key.aws_managed
    assert key.arn == f"arn:aws:kms:eu-west-2:{world.account_id}:alias/aws/secretsmanager"
    assert world.snapshot().secrets[0].unread == ""


def test_a_key_that_is_gone_is_unread(world: World) -> None:
    about = world.kms.create_key()["KeyMetadata"]
    world.kms.create_alias(AliasName="alias/app", TargetKeyId=about["KeyId"])
    world.secrets.create_secret(Name="app/db", SecretString=CANARY, KmsKeyId="alias/app")
    world.kms.delete_alias(AliasName="alias/app")
    key = key_of(world)
    assert key.arn == f"arn:aws:kms:eu-west-2:{world.account_id}:alias/app"
    assert "NotFoundException" in key.unread


def test_a_key_of_another_account_is_read_with_the_role_that_the_operator_names(world: World) -> None:
    theirs = world.in_account(OTHER)
    both = policy("kms:*", Principal={"AWS": [OTHER, world.account_id]})
    about = theirs.kms.create_key(Policy=json.dumps(both), Tags=[{"TagKey": "of", "TagValue": "them"}])
    arn = about["KeyMetadata"]["Arn"]
    auditor = theirs.auditor(world.account_id)
    world.secrets.create_secret(Name="app/db", SecretString=CANARY, KmsKeyId=arn)
    found = world.snapshot(accounts=[OTHER], named={OTHER: auditor})
    assert found.keys[arn].tags == {"of": "them"}
    assert found.keys[arn].unread == ""
    world.deny("sts", "AssumeRole")
    refused = world.snapshot(named={OTHER: auditor}).keys[arn]
    assert (refused.state, refused.policy) == ("", None)
    assert "AssumeRole " in refused.unread
