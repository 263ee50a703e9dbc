"""Listing, tags, deletion, replicas, against AWS's API reference."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients, Refused


@pytest.fixture
def secrets(clients: Clients) -> SecretsManagerClient:
    return clients.secrets


POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},'
    '"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}'
)


def test_a_secret_is_found_by_name_arn_and_partial_arn(
    refused: Refused, secrets: SecretsManagerClient, name: str
) -> None:
    arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    assert re.fullmatch(rf"arn:aws:secretsmanager:eu-west-2:111122223333:secret:{name}-[A-Za-z0-9]{{6}}", arn)
    for secret_id in (name, arn, arn[:-7]):
        assert secrets.describe_secret(SecretId=secret_id)["ARN"] == arn
    for secret_id in (arn[:-1], arn.replace("eu-west-2", "eu-west-1"), name[:-1]):
        with refused("ResourceNotFoundException"):
            secrets.describe_secret(SecretId=secret_id)


def test_an_entry_of_a_list_says_all_that_plans_need(
    clients: Clients, secrets: SecretsManagerClient, name: str
) -> None:
    key = clients.kms.create_key()["KeyMetadata"]["Arn"]
    made = secrets.create_secret(
        Name=name, SecretString="x", Description="d", KmsKeyId=key, Tags=[{"Key": "k:1", "Value": "v"}]
    )
    (entry,) = secrets.list_secrets(Filters=[{"Key": "name", "Values": [name]}])["SecretList"]
    assert (entry["Name"], entry["ARN"], entry["KmsKeyId"], entry["Description"]) == (name, made["ARN"], key, "d")
    assert entry["Tags"] == [{"Key": "k:1", "Value": "v"}]
    assert entry["SecretVersionsToStages"] == {made["VersionId"]: ["AWSCURRENT"]}
    assert "LastAccessedDate" not in entry
    assert "ReplicationStatus" not in entry


def test_pages_neither_repeat_nor_hide_a_secret_while_others_come_and_go(
    refused: Refused, secrets: SecretsManagerClient, name: str
) -> None:
    names = [f"{name}/{number}" for number in range(7)]
    for one in names:
        secrets.create_secret(Name=one, SecretString="x")
    only = [{"Key": "name", "Values": [name + "/"]}]
    first = secrets.list_secrets(Filters=only, MaxResults=3)  # type: ignore[arg-type] # stubs want literals
    secrets.delete_secret(SecretId=names[0], ForceDeleteWithoutRecovery=True)
    seen = [one["Name"] for one in first["SecretList"]]
    token = first["NextToken"]
    while token:
        page = secrets.list_secrets(Filters=only, MaxResults=3, NextToken=token)  # type: ignore[arg-type] # the same
        seen += [one["Name"] for one in page["SecretList"]]
        token = page.get("NextToken", "")
    assert seen == names
    with refused("ValidationException"):
        secrets.list_secrets(MaxResults=101)
    with refused("InvalidNextTokenException"):
        secrets.list_secrets(NextToken="nonsense")


def test_every_modification_moves_last_changed_date(secrets: SecretsManagerClient, name: str) -> None:
    first = secrets.create_secret(Name=name, SecretString="x")["VersionId"]
    second = secrets.put_secret_value(SecretId=name, SecretString="y", VersionStages=["OURS"])["VersionId"]
    changes: list[Callable[[], Any]] = [
        lambda: secrets.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "b"}]),
        lambda: secrets.untag_resource(SecretId=name, TagKeys=["a"]),
        lambda: secrets.put_resource_policy(SecretId=name, ResourcePolicy=POLICY),
        lambda: secrets.delete_resource_policy(SecretId=name),
        lambda: secrets.update_secret_version_stage(
            SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=first, MoveToVersionId=second
        ),
    ]
    for change in changes:
        before = secrets.describe_secret(SecretId=name)["LastChangedDate"]
        time.sleep(0.002)
        change()
        assert secrets.describe_secret(SecretId=name)["LastChangedDate"] > before


def test_a_secret_scheduled_for_deletion_refuses_changes_and_its_name(
    refused: Refused, secrets: SecretsManagerClient, name: str
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    calls: list[Callable[[], Any]] = [
        lambda: secrets.get_secret_value(SecretId=name),
        lambda: secrets.put_secret_value(SecretId=name, SecretString="y"),
        lambda: secrets.update_secret(SecretId=name, Description="y"),
        lambda: secrets.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "b"}]),
        lambda: secrets.untag_resource(SecretId=name, TagKeys=["a"]),
        lambda: secrets.put_resource_policy(SecretId=name, ResourcePolicy=POLICY),
        lambda: secrets.get_resource_policy(SecretId=name),
        lambda: secrets.rotate_secret(SecretId=name),
        lambda: secrets.cancel_rotate_secret(SecretId=name),
        lambda: secrets.delete_secret(SecretId=name),
        lambda: secrets.create_secret(Name=name, SecretString="x"),
    ]
    for call in calls:
        with refused("InvalidRequestException"):
            call()
    with pytest.raises(ClientError, match="already scheduled for deletion"):
        secrets.create_secret(Name=name, SecretString="x")
    assert secrets.list_secrets(Filters=[{"Key": "name", "Values": [name]}])["SecretList"] == []
    (planned,) = secrets.list_secrets(IncludePlannedDeletion=True, Filters=[{"Key": "name", "Values": [name]}])[
        "SecretList"
    ]
    assert planned["DeletedDate"] == secrets.describe_secret(SecretId=name)["DeletedDate"]
    secrets.restore_secret(SecretId=name)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x"


def test_a_forced_deletion_frees_the_name_at_once_and_is_idempotent(
    refused: Refused, secrets: SecretsManagerClient, name: str
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    for _ in range(2):
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    secrets.create_secret(Name=name, SecretString="y")
    with refused("InvalidParameterException"):
        secrets.delete_secret(SecretId=name, RecoveryWindowInDays=6)


def test_tags_beyond_what_aws_takes_are_refused(refused: Refused, secrets: SecretsManagerClient, name: str) -> None:
    tags = [{"Key": str(number), "Value": ""} for number in range(50)]
    secrets.create_secret(Name=name, SecretString="x", Tags=tags)  # type: ignore[arg-type] # stubs want typed dicts
    for wrong in (
        [{"Key": "one more", "Value": ""}],
        [{"Key": "aws:mine", "Value": ""}],
        [{"Key": "1", "Value": "a"}, {"Key": "1", "Value": "b"}],
    ):
        with refused("InvalidParameterException"):
            secrets.tag_resource(SecretId=name, Tags=wrong)  # type: ignore[arg-type] # the same
    with refused("ValidationException"):
        secrets.tag_resource(SecretId=name, Tags=[{"Key": "1", "Value": "v" * 257}])
    secrets.tag_resource(SecretId=name, Tags=[{"Key": "1", "Value": "changed"}])


def test_accounts_do_not_share_names(clients: Clients, secrets: SecretsManagerClient, name: str) -> None:
    other = clients.in_account("444455556666").secrets
    arns = {one.create_secret(Name=name, SecretString="x")["ARN"].split(":")[4] for one in (secrets, other)}
    assert arns == {"111122223333", "444455556666"}


def test_ssm_and_the_tagging_api_see_the_same_secrets(
    clients: Clients, secrets: SecretsManagerClient, name: str
) -> None:
    arn = secrets.create_secret(Name=name, SecretString="x", Tags=[{"Key": "team", "Value": name}])["ARN"]
    reference = clients.ssm.get_parameter(Name=f"/aws/reference/secretsmanager/{name}", WithDecryption=True)
    assert reference["Parameter"]["Value"] == "x"
    session: boto3.Session = clients.session
    tagging = session.client("resourcegroupstaggingapi", endpoint_url=clients.endpoint_url)
    found = tagging.get_resources(TagFilters=[{"Key": "team", "Values": [name]}])["ResourceTagMappingList"]
    assert [one["ResourceARN"] for one in found] == [arn]


def test_a_random_password_keeps_to_what_is_excluded(secrets: SecretsManagerClient) -> None:
    password = secrets.get_random_password(PasswordLength=40, ExcludePunctuation=True, ExcludeCharacters="aeiou0")
    assert re.fullmatch(r"[A-Za-z0-9]{40}", password["RandomPassword"])
    assert not set(password["RandomPassword"]) & set("aeiou0")
