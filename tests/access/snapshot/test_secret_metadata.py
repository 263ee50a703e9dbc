"""Secrets without their values."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.quotas import SECRETS_MANAGER
from secrets_pipeline.emulator import calls, freeze_lists, reset_calls
from secrets_pipeline.errors import AwsError
from tests.access.snapshot.conftest import CANARY, policy, zipped

if TYPE_CHECKING:
    from tests.access.snapshot.conftest import World


def test_a_secret_has_its_policy_and_its_tags(world: World) -> None:
    principal = {"AWS": f"arn:aws:iam::{world.account_id}:root"}
    made = world.secrets.create_secret(Name="app/db", SecretString=CANARY, Tags=[{"Key": "team", "Value": "a"}])
    world.secrets.put_resource_policy(SecretId="app/db", ResourcePolicy=json.dumps(policy(Principal=principal)))
    secret = world.secret()
    assert (secret.arn, secret.name) == (made["ARN"], "app/db")
    assert secret.policy == policy(Principal=principal)
    assert secret.tags == {"team": "a"}
    assert secret.unread == ""
    assert (secret.rotation.enabled, secret.rotation.lambda_arn) == (False, None)


def test_no_snapshot_reads_a_value(world: World) -> None:
    world.secrets.create_secret(Name="app/db", SecretString=CANARY)
    counted = world.counted()
    assert counted["ListSecretVersionIds"] == 1
    assert not {"GetSecretValue", "BatchGetSecretValue", "Decrypt"} & counted.keys()


def test_secrets_come_by_name(world: World) -> None:
    for name in ("b", "a", "app", "app/db", "app/db/x"):
        world.secrets.create_secret(Name=name, SecretString=CANARY)
    assert [one.name for one in world.snapshot().secrets] == ["a", "app", "app/db", "app/db/x", "b"]


def test_a_secret_that_is_scheduled_for_deletion_is_left_out(world: World) -> None:
    world.secrets.create_secret(Name="going", SecretString=CANARY)
    world.secrets.delete_secret(SecretId="going", RecoveryWindowInDays=7)
    assert world.snapshot().secrets == ()


def test_a_secret_that_the_list_still_shows_is_left_out(world: World) -> None:
    world.secrets.create_secret(Name="gone", SecretString=CANARY)
    world.secrets.create_secret(Name="here", SecretString=CANARY)
    freeze_lists(world.aws)
    world.secrets.delete_secret(SecretId="gone", ForceDeleteWithoutRecovery=True)
    assert [one.name for one in world.snapshot().secrets] == ["here"]


def test_the_keys_are_those_of_the_current_version(world: World) -> None:
    first, second = (world.kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    world.secrets.create_secret(Name="app/db", SecretString=CANARY, KmsKeyId=first)
    assert world.secret().keys == (first,)
    # AWS re-encrypts what it can decrypt: under a disabled key the version stays where it is.
    world.kms.disable_key(KeyId=first)
    world.secrets.update_secret(SecretId="app/db", KmsKeyId=second)
    found = world.snapshot()
    assert (found.secrets[0].kms_key_id, found.secrets[0].keys) == (second, (first,))
    assert found.keys[first].state == "Disabled"
    world.secrets.put_secret_value(SecretId="app/db", SecretString=CANARY)
    assert world.secret().keys == (second,)


def test_every_name_of_a_key_becomes_its_arn(world: World) -> None:
    about = world.kms.create_key()["KeyMetadata"]
    world.kms.create_alias(AliasName="alias/app", TargetKeyId=about["KeyId"])
    alias_arn = about["Arn"].replace(f"key/{about['KeyId']}", "alias/app")
    for number, name in enumerate((about["KeyId"], about["Arn"], "alias/app", alias_arn)):
        world.secrets.create_secret(Name=f"secret-{number}", SecretString=CANARY, KmsKeyId=name)
    found = world.snapshot()
    assert {secret.keys for secret in found.secrets} == {(about["Arn"],)}
    assert list(found.keys) == [about["Arn"]]
    assert found.keys[about["Arn"]].aliases == ("alias/app",)


def test_a_secret_without_a_value_has_no_key(world: World) -> None:
    world.secrets.create_secret(Name="empty")
    assert (world.secret().keys, world.secret().unread) == ((), "")


def test_a_rotation_function_is_looked_at_once_for_its_role(world: World) -> None:
    role = world.role("rotator")
    functions = world.client("lambda")
    made = functions.create_function(
        FunctionName="rotate", Runtime="python3.11", Role=role, Handler="index.handler", Code={"ZipFile": zipped()}
    )
    functions.add_permission(
        FunctionName="rotate", StatementId="a", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com"
    )
    for name in ("one", "two"):
        world.secrets.create_secret(Name=name, SecretString=CANARY)
        world.secrets.rotate_secret(
            SecretId=name,
            RotationLambdaARN=made["FunctionArn"],
            RotationRules={"ScheduleExpression": "rate(10 days)"},
            RotateImmediately=False,
        )
    assert world.counted()["GetFunctionConfiguration"] == 1
    rotation = world.snapshot().secrets[0].rotation
    assert (rotation.enabled, rotation.lambda_arn, rotation.lambda_role) == (True, made["FunctionArn"], role)
    world.deny("awslambda", "GetFunctionConfiguration")
    refused = world.snapshot().secrets[0].rotation
    assert (refused.lambda_arn, refused.lambda_role) == (made["FunctionArn"], None)
    functions.delete_function(FunctionName="rotate")
    assert world.snapshot().secrets[0].rotation.lambda_role is None


@pytest.mark.parametrize("operation", ["GetResourcePolicy", "ListSecretVersionIds"])
def test_one_refused_secret_hides_no_other(world: World, operation: str) -> None:
    statement = policy(Principal={"AWS": f"arn:aws:iam::{world.account_id}:root"})
    for name in ("a", "b", "c"):
        world.secrets.create_secret(Name=name, SecretString=CANARY)
        world.secrets.put_resource_policy(SecretId=name, ResourcePolicy=json.dumps(statement))
    whole = world.snapshot().secrets
    world.deny("secretsmanager", operation)
    found = world.snapshot().secrets
    (refused,) = (one for one in found if one.unread)
    assert f"{operation} {refused.arn} failed: AccessDeniedException" in refused.unread
    if operation == "GetResourcePolicy":
        assert (refused.policy, refused.keys) == (None, whole[0].keys)
    else:
        assert (refused.policy, refused.keys) == (statement, ())
    assert [one for one in found if not one.unread] == [one for one in whole if one.name != refused.name]


def test_without_a_list_of_secrets_there_is_no_snapshot(world: World) -> None:
    world.deny("secretsmanager", "ListSecrets")
    with pytest.raises(AwsError, match="ListSecrets of the account failed: AccessDeniedException"):
        world.snapshot()


class Meeting(Pacer):
    """Lets the first calls of two operations go on only when both have come."""

    def __init__(self, *operations: str) -> None:
        super().__init__(sleep=lambda _seconds: None)
        self.paced: Counter[str] = Counter()
        self._expected, self._lock_of_counts = set(operations), threading.Lock()
        self._both = threading.Barrier(len(operations), timeout=120)

    def wait(self, operation: str, service: str = SECRETS_MANAGER) -> float:
        with self._lock_of_counts:
            first = operation in self._expected
            self._expected.discard(operation)
            self.paced[operation] += 1
        if first:
            self._both.wait()
        return super().wait(operation, service)


def test_policies_and_versions_are_asked_for_at_once_each_at_the_pace_of_its_quota(world: World) -> None:
    for number in range(20):
        world.secrets.create_secret(Name=f"secret-{number:03}", SecretString=CANARY)
    reset_calls(world.aws)
    pacer = Meeting("GetResourcePolicy", "ListSecretVersionIds")
    found = world.snapshot(pacer=pacer)
    assert len(found.secrets) == 20
    made = Counter({one.operation: one.count for one in calls(world.aws) if one.service == "secretsmanager"})
    assert made["GetResourcePolicy"] == made["ListSecretVersionIds"] == 20
    assert {operation: pacer.paced[operation] for operation in made} == made
    assert not [one for one in threading.enumerate() if one.name.startswith("snapshot")]
