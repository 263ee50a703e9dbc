from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.session
import pytest

from secrets_pipeline.aws.account_check import Unverified, Verified, check_account
from secrets_pipeline.aws.guards import ReadOnly
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import AwsError, GuardError
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.seal import SealContext, seal

if TYPE_CHECKING:
    from tests.aws.conftest import Emulator

REGION = "eu-west-1"
OURS = Target(region=REGION)


def read_only(*, read_only: bool | None = True) -> AwsAccount:
    return Sessions(read_only=read_only).for_target(OURS)


def test_a_read_only_run_reads_and_refuses_a_write_before_it_leaves(account: AwsAccount, emulator: Emulator) -> None:
    account.client("secretsmanager").create_secret(Name="a", SecretString="first")
    emulator.forget_calls()
    client = read_only().client("secretsmanager")
    assert client.describe_secret(SecretId="a")["Name"] == "a"
    with pytest.raises(GuardError, match="secretsmanager PutSecretValue was refused") as refusal:
        client.put_secret_value(SecretId="a", SecretString="canary-value")
    assert "canary" not in str(refusal.value)
    assert emulator.calls["DescribeSecret"] == 1
    assert emulator.calls["PutSecretValue"] == 0
    assert client.get_secret_value(SecretId="a")["SecretString"] == "first"


@pytest.mark.parametrize(("value", "refused"), [("1", True), ("true", True), ("yes", True), ("0", False), ("", False)])
def test_the_environment_can_ask_for_a_read_only_run(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, value: str, refused: bool
) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_READ_ONLY", value)
    client = read_only(read_only=None).client("secretsmanager")
    if refused:
        with pytest.raises(GuardError):
            client.create_secret(Name="a", SecretString="x")
    else:
        client.create_secret(Name="a", SecretString="x")
    assert emulator.calls["CreateSecret"] == (0 if refused else 1)


def test_a_presigned_write_is_refused_as_well(emulator: Emulator) -> None:
    with pytest.raises(GuardError, match="PutObject"):
        read_only().client("s3").generate_presigned_url("put_object", Params={"Bucket": "b", "Key": "k"})


def test_a_library_that_is_given_the_session_is_guarded_too(emulator: Emulator) -> None:
    with pytest.raises(GuardError, match="kms GenerateDataKey"):
        seal(
            GeneratedPasswords({}),
            session=read_only().botocore_session,
            key_arn=f"arn:aws:kms:{REGION}:123456789012:key/1",
            context=SealContext("123456789012", REGION, "dev"),
        )
    assert emulator.calls["GenerateDataKey"] == 0


WRITES = {
    "secretsmanager": {"CreateSecret", "PutSecretValue", "UpdateSecret", "DeleteSecret", "RotateSecret", "TagResource"},
    "kms": {"CreateKey", "CreateAlias", "PutKeyPolicy", "CreateGrant", "ScheduleKeyDeletion", "GenerateDataKey"},
    "rds": {"CreateDBInstance", "ModifyDBInstance", "DeleteDBInstance", "RebootDBInstance"},
    "lambda": {"Invoke", "UpdateFunctionConfiguration", "AddPermission"},
    "ecs": {"RegisterTaskDefinition", "UpdateService", "RunTask"},
    "apigateway": {"UpdateStage", "CreateDeployment", "ImportRestApi"},
    "ssm": {"PutParameter", "DeleteParameter", "SendCommand"},
    "s3": {"PutObject", "DeleteObject", "CopyObject"},
    "iam": {"PutRolePolicy", "AttachRolePolicy", "CreateAccessKey"},
}
READS = {
    "secretsmanager": {"ListSecrets", "BatchGetSecretValue", "GetResourcePolicy", "ValidateResourcePolicy"},
    "kms": {"DescribeKey", "GenerateMac", "VerifyMac", "Decrypt", "ListAliases", "GetKeyPolicy"},
    "rds": {"DescribeDBInstances", "ListTagsForResource"},
    "lambda": {"GetFunctionConfiguration", "ListFunctions"},
    "ecs": {"DescribeServices", "DescribeTaskDefinition"},
    "apigateway": {"GetRestApis", "GetStage"},
    "ssm": {"GetParameter"},
    "s3": {"GetObject", "HeadObject"},
    "iam": {"GetAccountAuthorizationDetails", "SimulatePrincipalPolicy"},
    "sts": {"AssumeRole", "GetCallerIdentity"},
    "logs": {"FilterLogEvents"},
}


@pytest.mark.parametrize("service", sorted(READS))
def test_what_reads_passes_and_what_writes_does_not(service: str) -> None:
    model = botocore.session.Session().get_service_model(service)
    refused = set()
    for name in model.operation_names:
        try:
            ReadOnly().refuse(model=model.operation_model(name))
        except GuardError:
            refused.add(name)
    assert WRITES.get(service, set()) <= refused
    assert READS[service].isdisjoint(refused)


def test_the_expected_account_is_verified(account: AwsAccount, emulator: Emulator) -> None:
    target = Target(region=REGION, account_id=emulator.account_id)
    assert check_account(account, target, stack="dev") == Verified(emulator.account_id)


def test_an_account_that_nobody_named_is_said(account: AwsAccount, emulator: Emulator) -> None:
    answer = check_account(account, OURS, stack="dev")
    assert isinstance(answer, Unverified)
    assert answer.account_id == emulator.account_id
    assert "dev" in answer.reason


def test_another_account_stops_the_run_with_both_accounts_and_the_stack(
    account: AwsAccount, emulator: Emulator
) -> None:
    with pytest.raises(GuardError) as refusal:
        check_account(account, Target(region=REGION, account_id="999988887777"), stack="fnx-dev")
    text = str(refusal.value)
    assert "999988887777" in text
    assert emulator.account_id in text
    assert "fnx-dev" in text
    assert "role to assume" in text


def test_an_account_that_cannot_be_asked_is_an_error(monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    session = botocore.session.Session()
    session.set_config_variable("region", REGION)
    with pytest.raises(AwsError, match="EndpointConnectionError"):
        check_account(AwsAccount(session, REGION), OURS, stack="dev")
