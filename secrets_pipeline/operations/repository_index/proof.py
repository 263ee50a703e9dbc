"""Prove that an index is the pipeline's own: a MAC for each account and region, under the fingerprint key there.

An index file has a line of JSON with the MACs, a line of JSON about the reading, and the database. A place has two
MACs. One covers all but the first line: whoever made it is ours. The other also covers the input of the reading: it is
of what is there now. Before the first verifies, only account and region of a stack are taken from the file, to ask for
the fingerprint key there. Before the second verifies, the database is not opened.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from secrets_pipeline.desired.repository_index import VERSION

if TYPE_CHECKING:
    from secrets_pipeline.operations.repository_index.store import IndexStore
    from secrets_pipeline.values.fingerprint import Fingerprinter

_PURPOSE: Final = "repository-index"
_LONGEST_LINE: Final = 2**26
"""Bytes of JSON that are taken: the names of half a million files."""
_BLOCK: Final = 2**20


class UnusableIndexError(Exception):
    """An index cannot be used, so whoever needs it reads all stacks. The text says why."""


@dataclass(frozen=True, slots=True)
class FetchedIndex:
    """An index as it was found, nobody knows yet whose.

    Attributes:
        about: the line about the reading.
        database: a private file, gone when the block ends that fetched it.
        digest: of all of it but the MACs.
        macs: two by account and region, see `place_of`.
    """

    about: Mapping[str, Any]
    database: Path
    digest: str
    macs: Mapping[str, Any]

    def is_ours(self, fingerprinter: Fingerprinter, place: str) -> bool:
        """Verify that a holder of the fingerprint key made it.

        Args:
            fingerprinter: of the place.
            place: account and region, see `place_of`.
        """
        return self._verifies(0, place, fingerprinter, "")

    def is_current(self, fingerprinter: Fingerprinter, place: str, basis: str) -> bool:
        """Verify that it was made from the same input as there is now.

        Args:
            fingerprinter: of the place.
            place: account and region, see `place_of`.
            basis: digest of all that the stacks are made from.
        """
        return self._verifies(1, place, fingerprinter, basis)

    def _verifies(self, which: int, place: str, fingerprinter: Fingerprinter, basis: str) -> bool:
        found = self.macs.get(place)
        said = found[which] if isinstance(found, list) and which < len(found) else None
        made = macs_of(fingerprinter, self.digest, basis)[which]
        return isinstance(said, str) and said.isascii() and hmac.compare_digest(said, made)


def place_of(account_id: str, region: str) -> str:
    """Name an account and region."""
    return f"{account_id}/{region}"


def macs_of(fingerprinter: Fingerprinter, digest: str, basis: str) -> tuple[str, str]:
    """Compute the MACs of an index, in hexadecimal: of its digest, and of that with the digest of its input."""
    return fingerprinter.digest(_PURPOSE, VERSION, digest), fingerprinter.digest(_PURPOSE, VERSION, digest, basis)


def digest_of(about: Mapping[str, Any], database: Path) -> str:
    """Return the digest of an index that is about to be stored, without its MACs."""
    digest = hashlib.sha256(_line(about))
    with database.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def store_index(
    store: IndexStore, name: str, about: Mapping[str, Any], database: Path, macs: Mapping[str, tuple[str, str]]
) -> None:
    """Keep an index.

    Raises:
        OSError: if a disk refuses.
        AwsError: if S3 refuses.
    """
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / name
        with whole.open("xb") as file, database.open("rb") as body:
            file.write(_line(macs) + _line(about))
            while block := body.read(_BLOCK):
                file.write(block)
        store.put(name, whole)


@contextmanager
def fetched_index(store: IndexStore, name: str) -> Iterator[FetchedIndex]:
    """Fetch an index; its database has to be opened in the block.

    Raises:
        UnusableIndexError: if there is none, or it is none.
        OSError: if a disk refuses.
        AwsError: if S3 refuses.
    """
    with tempfile.TemporaryDirectory() as folder:
        database, digest = Path(folder) / "database", hashlib.sha256()
        with (Path(folder) / "whole").open("x+b") as whole:
            if not store.copy(name, whole):
                problem = "there is none"
                raise UnusableIndexError(problem)
            whole.seek(0)
            macs, about = whole.readline(_LONGEST_LINE), whole.readline(_LONGEST_LINE)
            digest.update(about)
            with os.fdopen(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                while block := whole.read(_BLOCK):
                    digest.update(block)
                    file.write(block)
        yield FetchedIndex(_read(about), database, digest.hexdigest(), _read(macs))


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _read(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        problem = "it is damaged"
        raise UnusableIndexError(problem)
    return found
