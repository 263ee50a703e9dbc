"""Values, versions and staging labels, against AWS's API reference."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients, Refused


@pytest.fixture
def secrets(clients: Clients) -> SecretsManagerClient:
    return clients.secrets


def labels(secrets: SecretsManagerClient, name: str) -> dict[str, list[str]]:
    return secrets.describe_secret(SecretId=name)["VersionIdsToStages"]


def test_a_read_without_a_stage_follows_awscurrent(secrets: SecretsManagerClient, name: str) -> None:
    first = secrets.create_secret(Name=name, SecretString="one")["VersionId"]
    second = secrets.put_secret_value(SecretId=name, SecretString="two", VersionStages=["OURS"])["VersionId"]
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "one"
    secrets.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=first, MoveToVersionId=second
    )
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "two"
    assert labels(secrets, name) == {first: ["AWSPREVIOUS"], second: ["OURS", "AWSCURRENT"]}


def test_a_put_after_a_move_leaves_one_awscurrent_and_one_awsprevious(secrets: SecretsManagerClient, name: str) -> None:
    first = secrets.create_secret(Name=name, SecretString="one")["VersionId"]
    second = secrets.put_secret_value(SecretId=name, SecretString="two", VersionStages=["OURS"])["VersionId"]
    secrets.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=first, MoveToVersionId=second
    )
    third = secrets.put_secret_value(SecretId=name, SecretString="three")["VersionId"]
    assert labels(secrets, name) == {second: ["OURS", "AWSPREVIOUS"], third: ["AWSCURRENT"]}


def test_a_stale_remove_from_version_id_is_refused_and_moves_nothing(
    refused: Refused, secrets: SecretsManagerClient, name: str
) -> None:
    first = secrets.create_secret(Name=name, SecretString="one")["VersionId"]
    second = secrets.put_secret_value(SecretId=name, SecretString="two")["VersionId"]
    third = secrets.put_secret_value(SecretId=name, SecretString="three", VersionStages=["OURS"])["VersionId"]
    before = labels(secrets, name)
    with refused("InvalidParameterException"):
        secrets.update_secret_version_stage(
            SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=first, MoveToVersionId=third
        )
    with refused("InvalidParameterException"):
        secrets.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=third)
    with refused("InvalidParameterException"):
        secrets.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=second)
    assert labels(secrets, name) == before


def test_a_token_writes_once_and_never_moves_awscurrent_back(
    refused: Refused, secrets: SecretsManagerClient, name: str
) -> None:
    token = "t" * 64
    secrets.create_secret(Name=name, SecretString="one", ClientRequestToken=token)
    assert secrets.create_secret(Name=name, SecretString="one", ClientRequestToken=token)["VersionId"] == token
    newer = secrets.put_secret_value(SecretId=name, SecretString="two")["VersionId"]
    again = secrets.put_secret_value(SecretId=name, SecretString="one", ClientRequestToken=token)
    assert again["VersionStages"] == ["AWSPREVIOUS"]
    assert labels(secrets, name)[newer] == ["AWSCURRENT"]
    with refused("ResourceExistsException"):
        secrets.put_secret_value(SecretId=name, SecretString="other", ClientRequestToken=token)
    with refused("ResourceExistsException"):
        secrets.update_secret(SecretId=name, SecretString="one", ClientRequestToken=token)
    with refused("ResourceExistsException"):
        secrets.create_secret(Name=name, SecretString="three", ClientRequestToken=str(uuid.uuid4()))


def test_a_first_version_is_current_whatever_its_labels(
    refused: Refused, secrets: SecretsManagerClient, name: str
) -> None:
    secrets.create_secret(Name=name)
    assert "VersionIdsToStages" not in secrets.describe_secret(SecretId=name)
    with refused("ResourceNotFoundException"):
        secrets.get_secret_value(SecretId=name)
    put = secrets.put_secret_value(SecretId=name, SecretString="one", VersionStages=["OURS"])
    assert put["VersionStages"] == ["OURS", "AWSCURRENT"]


def test_versions_without_labels_are_listed_only_as_deprecated_and_pruned_beyond_a_hundred(
    secrets: SecretsManagerClient, name: str
) -> None:
    created = secrets.create_secret(Name=name, SecretString="0")
    for number in range(1, 105):
        secrets.put_secret_value(SecretId=name, SecretString=str(number))
    listed = secrets.list_secret_version_ids(SecretId=name)
    assert listed["ARN"] == created["ARN"]
    assert [one["VersionStages"] for one in listed["Versions"]] == [["AWSPREVIOUS"], ["AWSCURRENT"]]
    first = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True, MaxResults=60)
    rest = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True, NextToken=first["NextToken"])
    found = first["Versions"] + rest["Versions"]
    assert len(found) == 100
    assert created["VersionId"] not in {one["VersionId"] for one in found}
    assert found[0]["CreatedDate"] < found[-1]["CreatedDate"]


@pytest.mark.parametrize("wrong", ["bad name", "a*b", "é"])
def test_a_name_outside_the_alphabet_is_refused(refused: Refused, secrets: SecretsManagerClient, wrong: str) -> None:
    with refused("ValidationException"):
        secrets.create_secret(Name=wrong, SecretString="x")


def test_what_is_too_large_or_ambiguous_is_refused(refused: Refused, secrets: SecretsManagerClient, name: str) -> None:
    with refused("ValidationException"):
        secrets.create_secret(Name="n" * 513, SecretString="x")
    with refused("ValidationException"):
        secrets.create_secret(Name=name, SecretString="x" * 65_537)
    with refused("InvalidParameterException"):
        secrets.create_secret(Name=name, SecretString="é" * 40_000)
    with refused("InvalidParameterException"):
        secrets.create_secret(Name=name, SecretString="x", SecretBinary=b"x")
    secrets.create_secret(Name=name, SecretString="x" * 65_536)


def test_a_refused_value_is_not_repeated_in_the_error(secrets: SecretsManagerClient, name: str) -> None:
    with pytest.raises(ClientError) as caught:
        secrets.create_secret(Name=name, SecretString="canary" * 12_000)
    assert "canary" not in str(caught.value)


def test_an_update_without_a_value_makes_no_version_and_can_empty_the_description(
    secrets: SecretsManagerClient, name: str
) -> None:
    secrets.create_secret(Name=name, SecretString="one", Description="old")
    before = secrets.describe_secret(SecretId=name)
    assert "VersionId" not in secrets.update_secret(SecretId=name, Description="")
    after = secrets.describe_secret(SecretId=name)
    assert "Description" not in after
    assert after["VersionIdsToStages"] == before["VersionIdsToStages"]


def test_a_batch_reports_each_failure_beside_the_values(secrets: SecretsManagerClient, name: str) -> None:
    secrets.create_secret(Name=name, SecretBinary=b"\x00\x01")
    answer = secrets.batch_get_secret_value(SecretIdList=[name, "missing"])
    assert answer["SecretValues"][0]["SecretBinary"] == b"\x00\x01"
    assert [(one["SecretId"], one["ErrorCode"]) for one in answer["Errors"]] == [
        ("missing", "ResourceNotFoundException")
    ]
