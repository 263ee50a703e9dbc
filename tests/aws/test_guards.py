from __future__ import annotations

import json
from typing import TYPE_CHECKING

import botocore.session
import pytest

from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.guards import Fence, ReadOnly
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.emulator import FaultAction, InjectedFault, arm, disarm
from secrets_pipeline.errors import AwsError, GuardError
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.seal import SealContext, seal

if TYPE_CHECKING:
    from secrets_pipeline.emulator import LocalAws
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
    assert check_account(account, target, stack="dev") is None


def test_an_account_that_nobody_named_is_said(account: AwsAccount, emulator: Emulator) -> None:
    said = check_account(account, OURS, stack="dev") or ""
    assert said.startswith(f"stack dev names no account, so {emulator.account_id} was taken")


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


def test_a_fenced_run_asks_before_each_try_of_a_write_and_never_before_a_read(
    aws: LocalAws, account: AwsAccount, emulator: Emulator
) -> None:
    asked: list[str] = []
    client = Sessions().derived(fence=Fence(lambda: asked.append("asked"))).for_target(OURS).client("secretsmanager")
    client.list_secrets()
    assert asked == []
    arm(aws, InjectedFault(FaultAction.ERROR, operation="CreateSecret"))
    client.meta.events.register("request-created", lambda **_: asked.append("try"))
    client.create_secret(Name="a", SecretString="first")
    assert disarm(aws)[0].seen == asked.count("try") == 2
    # Once before a connection is chosen, then before each piece that goes: head and body.
    assert asked == ["try", "asked", "asked", "asked"] * 2


def test_what_the_fence_refuses_never_leaves_not_even_as_another_try(
    aws: LocalAws, account: AwsAccount, emulator: Emulator
) -> None:
    answers: list[str] = []

    def lost_after_the_first_try() -> None:
        if answers:
            raise GuardError("another run took over")

    client = Sessions().derived(fence=Fence(lost_after_the_first_try)).for_target(OURS).client("secretsmanager")
    client.meta.events.register("response-received", lambda **_: answers.append("answer"))
    arm(aws, InjectedFault(FaultAction.THROTTLE, operation="CreateSecret"))
    with pytest.raises(GuardError, match="another run took over"):
        client.create_secret(Name="a", SecretString="canary")
    assert disarm(aws)[0].seen == 1
    assert account.client("secretsmanager").list_secrets()["SecretList"] == []


def test_the_fence_is_of_one_run_and_goes_wherever_its_session_goes(account: AwsAccount, emulator: Emulator) -> None:
    def lost() -> None:
        raise GuardError("another run took over")

    shared = Sessions()
    fenced = shared.derived(fence=Fence(lost))
    shared.for_target(OURS).client("secretsmanager").create_secret(Name="a", SecretString="x")
    with pytest.raises(GuardError, match="took over"):
        fenced.for_target(OURS).client("secretsmanager").create_secret(Name="b", SecretString="x")
    # Parameter Store's client sleeps at the same event; another role's session is made of the first.
    with pytest.raises(GuardError, match="took over"):
        fenced.for_target(OURS).client("ssm").put_parameter(Name="p", Value="x", Type="String")
    trust = {"Effect": "Allow", "Principal": {"AWS": emulator.account_id}, "Action": "sts:AssumeRole"}
    role = account.client("iam").create_role(
        RoleName="any", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    beyond = fenced.beyond(fenced.for_target(OURS), role["Role"]["Arn"])
    with pytest.raises(GuardError, match="took over"):
        beyond.client("sqs").create_queue(QueueName="q")
    with pytest.raises(GuardError, match="took over"):
        seal(
            GeneratedPasswords({}),
            session=fenced.for_target(OURS).botocore_session,
            key_arn=f"arn:aws:kms:{REGION}:123456789012:key/1",
            context=SealContext("123456789012", REGION, "dev"),
        )
    assert emulator.calls["PutParameter"] == emulator.calls["CreateQueue"] == emulator.calls["GenerateDataKey"] == 0


def test_derived_sessions_are_as_read_only_as_those_they_come_from(emulator: Emulator) -> None:
    assert Sessions(read_only=True).derived().read_only
    assert Sessions(read_only=False).derived(read_only=True).read_only
    assert not Sessions(read_only=False).derived().read_only
