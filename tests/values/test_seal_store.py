from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.names import STACK_NAME_LENGTH
from secrets_pipeline.errors import AwsError, SealError
from secrets_pipeline.values.seal_store import LocalSealStore, S3SealStore, SealStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BAD_NAMES = [
    "",
    ".",
    "..",
    "a/b",
    "/a",
    "../a",
    "a..b",
    ".hidden",
    "a\\b",
    "a\0b",
    "a\nb",
    "x" * (STACK_NAME_LENGTH + 1),
    "é",
]


@pytest.fixture
def s3(account: AwsAccount) -> S3Client:
    client = account.client("s3")
    if "seals" not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket="seals", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    return client


@pytest.fixture(params=["local", "s3", "s3 with prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SealStore:
    if request.param == "local":
        return LocalSealStore(tmp_path / "deep" / "seals")
    s3 = request.getfixturevalue("s3")
    return S3SealStore(s3, "seals", "team/seals/" if "prefix" in request.param else "")


def test_a_seal_is_kept_replaced_and_deleted_once(store: SealStore) -> None:
    assert store.get("fnx-dev") is None
    assert not store.delete("fnx-dev")
    store.put("fnx-dev", b"one")
    store.put("fnx-dev", b"two")
    store.put("fnx-prod", b"other")
    assert store.get("fnx-dev") == b"two"
    assert store.delete("fnx-dev")
    assert not store.delete("fnx-dev")
    assert store.get("fnx-dev") is None
    assert store.get("fnx-prod") == b"other"
    assert store.delete("fnx-prod")


def test_the_longest_name_of_a_stack_names_a_seal(store: SealStore) -> None:
    name = "x" * STACK_NAME_LENGTH
    store.put(name, b"one")
    assert store.get(name) == b"one"
    assert store.delete(name)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_stack_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    store = LocalSealStore(tmp_path / "seals")
    for act in (lambda: store.put(name, b"x"), lambda: store.get(name), lambda: store.delete(name)):
        with pytest.raises(SealError, match="cannot name a seal"):
            act()
    assert list(tmp_path.rglob("*")) == []


def test_files_and_folder_are_private_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "seals"
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        LocalSealStore(folder).put("dev", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "dev.seal").stat().st_mode) == 0o600


def test_only_the_seal_is_left_in_the_folder(tmp_path: Path) -> None:
    store = LocalSealStore(tmp_path)
    store.put("dev", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["dev.seal"]


def test_a_reader_sees_the_old_seal_until_the_new_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalSealStore(tmp_path)
    store.put("dev", b"old")
    seen = []
    really = os.fsync

    def fsync(descriptor: int) -> None:
        seen.append(store.get("dev"))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store.put("dev", b"new")
    assert seen == [b"old", b"new"]


def test_what_a_killed_write_left_is_deleted_with_the_seal(tmp_path: Path) -> None:
    store = LocalSealStore(tmp_path)
    store.put("dev", b"x")
    (tmp_path / ".dev.seal.0123").write_bytes(b"half")
    (tmp_path / ".dev-2.seal.0123").write_bytes(b"another stack's")
    assert store.delete("dev")
    assert [path.name for path in tmp_path.iterdir()] == [".dev-2.seal.0123"]


def test_a_failed_write_leaves_the_old_seal_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalSealStore(tmp_path)
    store.put("dev", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SealError, match="No space left on device"):
        store.put("dev", b"new")
    assert store.get("dev") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["dev.seal"]


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "seals").write_text("")
    store = LocalSealStore(tmp_path / "seals")
    for act in (lambda: store.put("dev", b"x"), lambda: store.get("dev"), lambda: store.delete("dev")):
        with pytest.raises(SealError, match="cannot be kept"):
            act()


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_a_bucket_that_keeps_versions_is_refused_before_a_seal_is_written(s3: S3Client, status: str) -> None:
    bucket = f"versions-{status.lower()}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    if status == "Suspended":
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(SealError, match="keeps versions"):
        S3SealStore(s3, bucket).put("dev", b"x")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_bucket_that_does_not_exist_is_an_error_and_not_an_empty_store(s3: S3Client) -> None:
    store = S3SealStore(s3, "no-such-bucket")
    with pytest.raises(AwsError, match="NoSuchBucket"):
        store.put("dev", b"x")
    with pytest.raises(AwsError, match="NoSuchBucket") as refused:
        store.get("dev")
    assert "s3://no-such-bucket/dev" in str(refused.value)
