"""Store seals between two assets: in a private folder, or by PutObject under an unversioned S3 prefix."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.names import STACK_NAME_REMEDY, stack_name_problem
from secrets_pipeline.errors import AwsError, SealError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_SUFFIX = ".seal"


class SealStore(Protocol):
    """Stores one seal for each stack."""

    def put(self, stack: str, message: bytes) -> None:
        """Keep a seal, in place of an earlier one."""

    def get(self, stack: str) -> bytes | None:
        """The seal of a stack, or None."""

    def delete(self, stack: str) -> bool:
        """Delete the seal of a stack; False where there was none."""


class LocalSealStore:
    """Files of mode 0600 in a folder of mode 0700. A reader sees the old seal or the new one, whole.

    Args:
        folder: made when it is first written to.
        prefix: of the files' names.
    """

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self._folder = folder
        self._prefix = prefix

    def put(self, stack: str, message: bytes) -> None:
        """Keep a seal, in place of an earlier one; it is on disk when this returns.

        Raises:
            SealError: if the stack's name is no file name, or the disk refuses.
        """
        path = self._path(stack)
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            try:
                _write(unfinished, message)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
            _sync_folder(self._folder)
        except OSError as error:
            raise _refused(path, error) from None

    def get(self, stack: str) -> bytes | None:
        """The seal of a stack, or None.

        Raises:
            SealError: if the stack's name is no file name, or the disk refuses.
        """
        path = self._path(stack)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(path, error) from None

    def delete(self, stack: str) -> bool:
        """Delete the seal of a stack, and what a killed `put` left of it; False where there was none.

        Raises:
            SealError: if the stack's name is no file name, or the disk refuses.
        """
        path = self._path(stack)
        try:
            for entry in self._folder.iterdir():
                if entry.name.startswith(f".{path.name}."):
                    entry.unlink(missing_ok=True)
            path.unlink()
            _sync_folder(self._folder)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _refused(path, error) from None
        return True

    def _path(self, stack: str) -> Path:
        return self._folder / f"{self._prefix}{_checked(stack)}{_SUFFIX}"


class S3SealStore:
    """Objects under a prefix of a bucket that keeps no versions: a deleted seal is gone.

    Args:
        client: S3 client of the bucket's account.
        bucket: bucket name.
        prefix: key prefix, with or without a trailing slash.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._unversioned = False

    def put(self, stack: str, message: bytes) -> None:
        """Keep a seal, in place of an earlier one.

        Raises:
            SealError: if the stack's name cannot be a key, or the bucket keeps versions.
            AwsError: if S3 refuses.
        """
        key = self._key(stack)
        self._refuse_versions()
        with calling("PutObject", f"s3://{self._bucket}/{key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=message)

    def get(self, stack: str) -> bytes | None:
        """The seal of a stack, or None.

        Raises:
            SealError: if the stack's name cannot be a key.
            AwsError: if S3 refuses.
        """
        key = self._key(stack)
        with calling("GetObject", f"s3://{self._bucket}/{key}"):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None

    def delete(self, stack: str) -> bool:
        """Delete the seal of a stack; False where there was none.

        Raises:
            SealError: if the stack's name cannot be a key.
            AwsError: if S3 refuses.
        """
        key = self._key(stack)
        try:
            with calling("HeadObject", f"s3://{self._bucket}/{key}"):
                self._client.head_object(Bucket=self._bucket, Key=key)
        except AwsError as error:
            if error.missing:
                return False
            raise
        with calling("DeleteObject", f"s3://{self._bucket}/{key}"):
            self._client.delete_object(Bucket=self._bucket, Key=key)
        return True

    def _key(self, stack: str) -> str:
        return "/".join(filter(None, [self._prefix, f"{_checked(stack)}{_SUFFIX}"]))

    def _refuse_versions(self) -> None:
        if self._unversioned:
            return
        with calling("GetBucketVersioning", self._bucket):
            status = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status")
        if status is not None:
            raise SealError(
                f"bucket {self._bucket} keeps versions ({status}): a deleted seal would stay there",
                remedy="Name a bucket on which versioning was never switched on.",
            )
        self._unversioned = True


def _checked(stack: str) -> str:
    if stack_name_problem(stack):
        raise SealError(f"stack name {stack!r} cannot name a seal", remedy=STACK_NAME_REMEDY)
    return stack


def _write(path: Path, message: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(message)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Some network file systems know no fsync of a folder.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(path: Path, error: OSError) -> SealError:
    return SealError(
        f"the seal {path} cannot be kept: {error.strerror}", remedy="Make the folder writable for this user alone."
    )
