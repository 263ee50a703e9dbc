"""An embedded AWS is again what it was, whatever happened since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from secrets_pipeline import emulator
from tests.embedded import emptied, lead_to, operator
from tests.snapshots import Snapshot
from tests.waiting import WAITER

PASSWORD = "first-password-of-the-owner"
_pg8000: Any = pg8000.native


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.fixture
def session(aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    lead_to(emptied(aws), monkeypatch)
    return operator(aws)


def test_values_schedules_and_files_are_again_as_they_were(
    aws: emulator.LocalAws, session: boto3.Session, instance: dg.DagsterInstance, folder: Path
) -> None:
    secrets, kms = session.client("secretsmanager"), session.client("kms")
    secrets.create_secret(Name="kept", SecretString="first")
    secrets.create_secret(Name="leaving", SecretString="first")
    secrets.delete_secret(SecretId="leaving", RecoveryWindowInDays=7)
    keys = kms.list_keys()["Keys"]
    (folder / "file").write_text("first")
    instance.add_dynamic_partitions("stacks", ["first"])
    snapshot = Snapshot(aws, instance, folder)
    for turn in ("one", "another"):
        secrets.put_secret_value(SecretId="kept", SecretString=turn)
        secrets.restore_secret(SecretId="leaving")
        secrets.create_secret(Name=turn, SecretString="x")
        session.client("sqs", region_name="eu-west-1").create_queue(QueueName=turn)
        kms.create_key()
        (folder / "file").write_text(turn)
        instance.add_dynamic_partitions("stacks", [turn])
        emulator.advance(aws, timedelta(days=90))
        snapshot.restore()
        assert secrets.get_secret_value(SecretId="kept")["SecretString"] == "first"
        listed = secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]
        assert {one["Name"]: "DeletedDate" in one for one in listed} == {"kept": False, "leaving": True}
        assert kms.list_keys()["Keys"] == keys
        assert "QueueUrls" not in session.client("sqs", region_name="eu-west-1").list_queues()
        assert (folder / "file").read_text() == "first"
        assert instance.get_dynamic_partitions("stacks") == ["first"]


def test_a_deletion_that_was_planned_happens_at_its_time(
    aws: emulator.LocalAws, session: boto3.Session, instance: dg.DagsterInstance, folder: Path
) -> None:
    secrets = session.client("secretsmanager")
    secrets.create_secret(Name="leaving", SecretString="first")
    secrets.delete_secret(SecretId="leaving", RecoveryWindowInDays=7)
    snapshot = Snapshot(aws, instance, folder)
    for _ in range(2):
        emulator.advance(aws, timedelta(days=8))
        assert secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
        snapshot.restore()
        assert len(secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 1


def test_a_database_has_the_password_that_it_had_at_the_same_port_even_after_it_was_deleted(
    aws: emulator.LocalAws, session: boto3.Session, instance: dg.DagsterInstance, folder: Path
) -> None:
    rds = session.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="orders",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword=PASSWORD,
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="orders", WaiterConfig=WAITER)
    endpoint = rds.describe_db_instances()["DBInstances"][0]["Endpoint"]
    snapshot = Snapshot(aws, instance, folder)

    def owner_can_log_in() -> None:
        _pg8000.Connection(
            "owner", password=PASSWORD, host=endpoint["Address"], port=endpoint["Port"], database="postgres"
        ).close()

    rds.modify_db_instance(
        DBInstanceIdentifier="orders", MasterUserPassword="another-of-the-owner", ApplyImmediately=True
    )
    emulator.settle(aws)
    with pytest.raises(DatabaseError):
        owner_can_log_in()
    snapshot.restore()
    owner_can_log_in()
    rds.stop_db_instance(DBInstanceIdentifier="orders")
    snapshot.restore()
    owner_can_log_in()
    rds.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
    emulator.settle(aws)
    with pytest.raises(InterfaceError):
        owner_can_log_in()
    snapshot.restore()
    owner_can_log_in()
    assert rds.describe_db_instances()["DBInstances"][0]["Endpoint"] == endpoint
