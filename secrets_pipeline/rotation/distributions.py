"""Collect the pure-Python distributions that the rotation function brings along, each pinned to its bytes."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution

from secrets_pipeline.errors import PackageError


@dataclass(frozen=True, slots=True)
class Pin:
    """One distribution.

    Attributes:
        name: as on the package index.
        version: the only one that is taken.
        digest: SHA-256 (hex) of the list of its files with their hashes, see `digest_of`.
    """

    name: str
    version: str
    digest: str


PINS = (
    Pin("asn1crypto", "1.5.1", "d45cbdb1f2621365402aa27893143a0271e4ba6965a39318a18235672f6a7989"),
    Pin("pg8000", "1.31.6", "851a0c2c8e01fcb9ec5b0093dd34a61269b2a4b9a0512627198087446a9a8bdf"),
    Pin("pymysql", "1.2.4", "dc17c3a4f93dbf93ec7b5e3407ff36734873aab60e69e6e294fbd3f2f6e64e88"),
    Pin("python-dateutil", "2.9.0.post0", "42b93235f585ffedf87f6fbfca92452367318dd9072afe7dbeabed4da7c53f2a"),
    Pin("scramp", "1.5.0", "509fc05b862786511180afefa4f0f28d93c62890e548ba6c1cabe52c44c3dddb"),
    Pin("six", "1.17.0", "85766fb924fbb44c7c38ae5d0c6958917f9441700aa781de23ad4f9d0f0def54"),
)
"""The same versions as in requirements/runtime.txt; boto3 comes with Lambda's runtime."""

_LEGAL = ("METADATA", "LICENSE")


def contents(pin: Pin) -> dict[str, bytes]:
    """Its modules, metadata and licence by their path in site-packages.

    Raises:
        PackageError: if the distribution is missing, of another version, or not what was published.
    """
    try:
        found = distribution(pin.name)
    except PackageNotFoundError:
        raise _refusal(pin, "is not installed") from None
    if found.version != pin.version:
        raise _refusal(pin, f"is installed as {found.version}")
    files = {str(path): _verified(pin, path) for path in _shipped(found)}
    if digest_of(files) != pin.digest:
        raise _refusal(pin, "is installed with other files than those of its wheel")
    return files


def digest_of(files: dict[str, bytes]) -> str:
    """SHA-256 (hex) over `SHA-256 path` lines, as `sha256sum` writes them, sorted by path."""
    lines = (f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _shipped(found: Distribution) -> list[PackagePath]:
    """Without what an installer adds: bytecode, RECORD, INSTALLER, REQUESTED, direct_url.json."""
    return [
        path
        for path in found.files or []
        if path.suffix != ".pyc" and (not path.parts[0].endswith(".dist-info") or path.name in _LEGAL)
    ]


def _verified(pin: Pin, path: PackagePath) -> bytes:
    content = path.read_binary()
    recorded = path.hash
    if recorded is None or recorded.mode != "sha256":
        raise _refusal(pin, f"has no SHA-256 of {path} in its RECORD")
    actual = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    if actual != recorded.value:
        raise _refusal(pin, f"was changed after its installation: {path}")
    return content


def _refusal(pin: Pin, problem: str) -> PackageError:
    return PackageError(
        f"the rotation function cannot be built: {pin.name} {problem}",
        remedy=f"Install its wheel: pip install --force-reinstall --only-binary :all: {pin.name}=={pin.version}",
    )
