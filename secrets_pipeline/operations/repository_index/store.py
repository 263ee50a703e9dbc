"""Store indexes where seals lie: under the prefix of a bucket, by PutObject and GetObject, or in a private folder."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

INDEXES: Final = "indexes"
"""The folder in DAGSTER_HOME, and below the prefix of seals."""
_BLOCK: Final = 2**20
_LEFT_SECONDS: Final = 86_400
"""After which nobody writes an index again: of a bucket, a lifecycle rule deletes it then."""


class IndexStore(Protocol):
    """Stores the indexes of repositories by name."""

    def put(self, name: str, file: Path) -> None:
        """Keep an index in place of an earlier one; a reader gets the old one or the new one, whole."""

    def copy(self, name: str, into: IO[bytes]) -> bool:
        """Copy an index into a file, and return whether there is one."""


class LocalIndexStore:
    """Files of mode 0600 in a folder of mode 0700.

    Args:
        folder: made when it is first written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, file: Path) -> None:
        """See `IndexStore`.

        Raises:
            OSError: if the disk refuses.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{name}.{os.getpid()}"
        try:
            shutil.copyfile(file, unfinished)
            unfinished.chmod(0o600)
            unfinished.replace(self._folder / name)
        finally:
            unfinished.unlink(missing_ok=True)
        for one in self._folder.iterdir():
            # Another process may delete it at the same time.
            with suppress(OSError):
                if one.stat().st_mtime < time.time() - _LEFT_SECONDS:
                    one.unlink()

    def copy(self, name: str, into: IO[bytes]) -> bool:
        """See `IndexStore`.

        Raises:
            OSError: if the disk refuses.
        """
        try:
            with (self._folder / name).open("rb") as file:
                shutil.copyfileobj(file, into, _BLOCK)
        except FileNotFoundError:
            return False
        return True


class S3IndexStore:
    """Objects under a prefix of a bucket.

    Args:
        client: S3 client of the bucket's account.
        bucket: bucket name.
        prefix: key prefix, with or without a trailing slash.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix.strip("/")

    def put(self, name: str, file: Path) -> None:
        """See `IndexStore`.

        Raises:
            AwsError: if S3 refuses.
        """
        key = self._key(name)
        with file.open("rb") as body, calling("PutObject", f"s3://{self._bucket}/{key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    def copy(self, name: str, into: IO[bytes]) -> bool:
        """See `IndexStore`.

        Raises:
            AwsError: if S3 refuses.
        """
        key = self._key(name)
        try:
            with calling("GetObject", f"s3://{self._bucket}/{key}"):
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
                for block in body.iter_chunks(_BLOCK):
                    into.write(block)
        except AwsError as error:
            if error.missing:
                return False
            raise
        return True

    def _key(self, name: str) -> str:
        return "/".join(filter(None, [self._prefix, INDEXES, name]))
