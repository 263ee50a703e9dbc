"""Build the zip of the managed rotation function for AWS Lambda, byte for byte the same wherever it is built."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from secrets_pipeline import rotation_lambda
from secrets_pipeline.errors import PackageError
from secrets_pipeline.rotation_lambda.tls import CA_BUNDLE

HANDLER: Final = "lambda_function.handler.handle"
RUNTIME: Final = "python3.13"

VENDORED: Final = Path(__file__).with_name("vendored")
_PINS: Final = VENDORED / "requirements.txt"
_LEGAL: Final = ("METADATA", "LICENSE")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE_0644 = 0o100644
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Package:
    """What CreateFunction and UpdateFunctionCode take.

    Attributes:
        content: the zip.
        sha256: its SHA-256 in base64, as Lambda tells it (CodeSha256).
        handler: `module.function`.
        runtime: Lambda's identifier of it.

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    """

    content: bytes = field(repr=False)
    sha256: str
    handler: str = HANDLER
    runtime: str = RUNTIME


def build_package(*, ca_bundle: bytes | None = None) -> Package:
    """Build the zip from this project's own modules and the vendored distributions that they need.

    Args:
        ca_bundle: PEM of the certificates to trust in databases, in place of RDS's authorities that the package brings.

    Raises:
        PackageError: if a vendored distribution is missing, or is not what was published.
    """
    files = _own_modules() | contents()
    if ca_bundle is not None:
        files[f"lambda_function/{CA_BUNDLE}"] = ca_bundle
    content = _zip(files)
    return Package(content, base64.b64encode(hashlib.sha256(content).digest()).decode())


def _own_modules() -> dict[str, bytes]:
    folder = Path(str(rotation_lambda.__file__)).parent
    files = (*folder.glob("*.py"), folder / CA_BUNDLE)
    return {f"lambda_function/{path.name}": path.read_bytes() for path in files}


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Stored, not deflated: what a compressor writes depends on its version, and Lambda's limits are far away."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _REGULAR_FILE_0644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def pins() -> dict[str, str]:
    """Name → version of each distribution; boto3 is none of them, as Lambda's runtime brings it."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", _PINS.read_text(), re.MULTILINE))


def contents(folder: Path = VENDORED) -> dict[str, bytes]:
    """Modules, metadata and licences of all of them, by their path in site-packages.

    Args:
        folder: where the wheels lie, one a pin.

    Raises:
        PackageError: if a wheel is missing, or its SHA-256 is not among those of the pins.
    """
    published = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", _PINS.read_text()))
    files: dict[str, bytes] = {}
    for name, version in pins().items():
        wheel = next(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"), None)
        if wheel is None:
            raise _refusal(f"the wheel of {name} {version} is missing")
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in published:
            raise _refusal(f"{wheel.name} is not what was published")
        with zipfile.ZipFile(wheel) as archive:
            files |= {path: archive.read(path) for path in archive.namelist() if _is_shipped(path)}
    return files


def _is_shipped(path: str) -> bool:
    folder, _, rest = path.partition("/")
    return not folder.endswith(".dist-info") or rest.rpartition("/")[2] in _LEGAL


def _refusal(problem: str) -> PackageError:
    return PackageError(
        f"the rotation function cannot be built: {problem}",
        remedy="Install secrets-pipeline again; in a checkout, run `make vendored`.",
    )
