"""Replicas, against AWS's user guide and API reference."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_kms import KMSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients, Refused

THERE = "eu-west-1"


@pytest.fixture
def secrets(clients: Clients) -> SecretsManagerClient:
    return clients.secrets


@pytest.fixture
def there(clients: Clients) -> SecretsManagerClient:
    """Secrets Manager of the replica's region."""
    made: SecretsManagerClient = clients.session.client(
        "secretsmanager", region_name=THERE, endpoint_url=clients.endpoint_url
    )
    return made


@pytest.fixture
def keys_there(clients: Clients) -> KMSClient:
    """KMS of the replica's region."""
    made: KMSClient = clients.session.client("kms", region_name=THERE, endpoint_url=clients.endpoint_url)
    return made


def test_a_replica_follows_its_primary_and_is_read_only(
    refused: Refused, clients: Clients, secrets: SecretsManagerClient, name: str
) -> None:
    made = secrets.create_secret(Name=name, SecretString="x", AddReplicaRegions=[{"Region": "eu-west-1"}])
    assert made["ReplicationStatus"][0]["Status"] == "InSync"
    there: SecretsManagerClient = clients.session.client(
        "secretsmanager", region_name="eu-west-1", endpoint_url=clients.endpoint_url
    )
    secrets.put_secret_value(SecretId=name, SecretString="y")
    read = there.get_secret_value(SecretId=name)
    assert (read["SecretString"], read["ARN"]) == ("y", made["ARN"].replace("eu-west-2", "eu-west-1"))
    assert there.describe_secret(SecretId=name)["PrimaryRegion"] == "eu-west-2"
    with refused("InvalidParameterException"):
        there.put_secret_value(SecretId=name, SecretString="z")
    with refused("InvalidParameterException"):
        secrets.delete_secret(SecretId=name)
    secrets.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=["eu-west-1"])
    with refused("ResourceNotFoundException"):
        there.describe_secret(SecretId=name)
    with refused("InvalidParameterException"):
        secrets.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": "eu-west-2"}])


def test_the_default_key_of_a_replica_is_shown_by_its_alias(secrets: SecretsManagerClient, name: str) -> None:
    made = secrets.create_secret(Name=name, SecretString="x", AddReplicaRegions=[{"Region": THERE}])
    assert made["ReplicationStatus"][0]["KmsKeyId"] == "alias/aws/secretsmanager"
    (status,) = secrets.describe_secret(SecretId=name)["ReplicationStatus"]
    assert (status["Region"], status["KmsKeyId"]) == (THERE, "alias/aws/secretsmanager")


def test_of_a_replica_the_key_alone_can_be_updated_and_the_primary_knows(
    refused: Refused,
    secrets: SecretsManagerClient,
    there: SecretsManagerClient,
    keys_there: KMSClient,
    name: str,
) -> None:
    secrets.create_secret(Name=name, SecretString="x", AddReplicaRegions=[{"Region": THERE}])
    key = keys_there.create_key()["KeyMetadata"]["Arn"]
    there.update_secret(SecretId=name, KmsKeyId=key)
    assert there.describe_secret(SecretId=name)["KmsKeyId"] == key
    assert secrets.describe_secret(SecretId=name)["ReplicationStatus"][0]["KmsKeyId"] == key
    assert "KmsKeyId" not in secrets.describe_secret(SecretId=name)
    with refused("InvalidParameterException"):
        there.update_secret(SecretId=name, KmsKeyId=key, Description="mine")
    with refused("InvalidParameterException"):
        there.update_secret(SecretId=name, SecretString="mine")
    with refused("InvalidParameterException"):
        there.put_resource_policy(SecretId=name, ResourcePolicy="{}")
    with refused("InvalidParameterException"):
        there.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "b"}])
    with refused("InvalidParameterException"):
        there.delete_secret(SecretId=name)


def test_a_replica_that_cannot_be_made_is_failed_with_a_reason_and_can_be_tried_again(
    refused: Refused,
    secrets: SecretsManagerClient,
    there: SecretsManagerClient,
    keys_there: KMSClient,
    name: str,
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    there.create_secret(Name=name, SecretString="theirs")
    (status,) = secrets.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": THERE}])[
        "ReplicationStatus"
    ]
    assert (status["Status"], "already exists in region eu-west-1" in status["StatusMessage"]) == ("Failed", True)
    assert there.get_secret_value(SecretId=name)["SecretString"] == "theirs"
    there.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    key = keys_there.create_key()["KeyMetadata"]["KeyId"]
    keys_there.disable_key(KeyId=key)
    again = [{"Region": THERE, "KmsKeyId": key}]
    (status,) = secrets.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=again)["ReplicationStatus"]  # type: ignore[arg-type] # stubs want typed dicts
    assert (status["Status"], "is disabled" in status["StatusMessage"]) == ("Failed", True)
    keys_there.enable_key(KeyId=key)
    (status,) = secrets.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=again)["ReplicationStatus"]  # type: ignore[arg-type] # the same
    assert status["Status"] == "InSync"
    with refused("InvalidParameterException"):
        secrets.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=again)  # type: ignore[arg-type] # the same


def test_a_replica_needs_the_key_of_its_primary_as_well(
    clients: Clients, secrets: SecretsManagerClient, name: str
) -> None:
    key = clients.kms.create_key()["KeyMetadata"]["KeyId"]
    secrets.create_secret(Name=name, SecretString="x", KmsKeyId=key)
    clients.kms.disable_key(KeyId=key)
    made = secrets.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": THERE}])
    assert made["ReplicationStatus"][0]["Status"] == "Failed"


@pytest.fixture
def slow(aws: emulator.LocalAws) -> Iterator[emulator.LocalAws]:
    """The embedded AWS, which takes its time to replicate."""
    emulator.set_pace(aws, emulator.Pace(seconds={"replica InProgress": 60}))
    yield aws
    emulator.reset_conditions(aws)


def test_replication_takes_its_time_where_it_is_told_to(
    slow: emulator.LocalAws, secrets: SecretsManagerClient, name: str
) -> None:
    made = secrets.create_secret(Name=name, SecretString="x", AddReplicaRegions=[{"Region": THERE}])
    assert made["ReplicationStatus"] == [
        {"Region": THERE, "KmsKeyId": "alias/aws/secretsmanager", "Status": "InProgress"}
    ]
    assert secrets.describe_secret(SecretId=name)["ReplicationStatus"][0]["Status"] == "InProgress"
    emulator.advance(slow, timedelta(seconds=61))
    assert secrets.describe_secret(SecretId=name)["ReplicationStatus"][0]["Status"] == "InSync"


def test_a_copy_in_another_account_is_described_and_keeps_its_primary_from_being_deleted(
    clients: Clients, name: str, refused: Refused
) -> None:
    secrets: Any = clients.secrets  # whose stubs are older than these operations
    primary = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    copy = clients.in_account("444455556666").secrets.create_secret(Name=name, SecretString="y")["ARN"]
    named = {"SecretId": name, "CrossAccountReplicaARN": copy}
    with refused("ResourceNotFoundException"):
        secrets.associate_cross_account_replica(**{**named, "CrossAccountReplicaARN": f"{copy}x"})
    assert secrets.associate_cross_account_replica(**named)["ReplicationStatus"] == "InProgress"
    (found,) = secrets.describe_secret(SecretId=name)["CrossAccountReplicas"]
    assert found == {"ReplicaSecretARN": copy, "ReplicationStatus": "InProgress"}
    with refused("InvalidRequestException"):
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert secrets.disassociate_cross_account_replica(**named)["ARN"] == primary
    assert "CrossAccountReplicas" not in secrets.describe_secret(SecretId=name)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
