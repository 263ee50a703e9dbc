"""Snapshots on disk."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.access.snapshot.store import load, save
from secrets_pipeline.errors import PolicyError
from tests.access.snapshot.conftest import CANARY, policy

if TYPE_CHECKING:
    from tests.access.snapshot.conftest import World

OTHER = "444455556666"


def furnish(world: World) -> None:
    """Something of everything."""
    bound = world.iam.create_policy(PolicyName="bound", PolicyDocument=json.dumps(policy("*")))["Policy"]["Arn"]
    role = world.role("reader", PermissionsBoundary=bound, Tags=[{"Key": "team", "Value": "é"}])
    world.iam.put_role_policy(RoleName="reader", PolicyName="own", PolicyDocument=json.dumps(policy()))
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.kms.create_grant(KeyId=key, GranteePrincipal=role, Operations=["Decrypt"])
    world.secrets.create_secret(Name="own", SecretString=f"{CANARY}-own", KmsKeyId=key)
    world.secrets.create_secret(Name="default", SecretString=f"{CANARY}-default")
    world.secrets.put_secret_value(SecretId="own", SecretString=f"{CANARY}-2", VersionStages=["AWSPENDING"])
    world.secrets.put_resource_policy(SecretId="own", ResourcePolicy=json.dumps(policy(Principal={"AWS": role})))
    world.secrets.get_secret_value(SecretId="own")
    world.organizations.create_organization()


def test_what_was_saved_is_loaded_as_it_was(world: World, tmp_path: Path) -> None:
    furnish(world)
    snapshot = world.snapshot(accounts=[OTHER])
    save(snapshot, tmp_path / "snapshot.json")
    assert load(tmp_path / "snapshot.json") == snapshot
    assert len(snapshot.secrets) == 2
    assert snapshot.organization.paths


def test_a_snapshot_holds_no_value(world: World, tmp_path: Path) -> None:
    furnish(world)
    snapshot = world.snapshot()
    save(snapshot, tmp_path / "snapshot.json")
    text = (tmp_path / "snapshot.json").read_text(encoding="utf-8")
    assert "secret:own-" in text
    assert CANARY not in text
    assert CANARY not in repr(snapshot)


def test_the_same_snapshot_is_the_same_file_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    furnish(world)
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    other.write_text("older")
    other.chmod(0o644)
    save(world.snapshot(), one)
    save(world.snapshot(), other)
    assert one.read_bytes() == other.read_bytes()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (one, other)] == [0o600, 0o600]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.json", "other.json"]
    keys = list(json.loads(one.read_text(encoding="utf-8")))
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no JSON", "is not a snapshot"),
        ("[]", "is not a snapshot"),
        ("{}", "is not a snapshot"),
        ("\x00\xff", "is not a snapshot"),
        ('{"format": 1}', "is a snapshot of format 1, this version reads format 2"),
        ('{"format": 2, "secrets": 3}', "is not a snapshot: account_id"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(PolicyError) as refused:
        load(path)
    assert f"{path} {problem}" in refused.value.message
    assert "access snapshot" in refused.value.remedy


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        load(tmp_path / "snapshot.json")


def test_a_folder_that_is_not_there_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be written: No such file"):
        save(world.snapshot(), tmp_path / "nowhere" / "snapshot.json")
