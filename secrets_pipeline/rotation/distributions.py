"""Read the pure-Python distributions that the rotation function brings along, from the wheels in `vendored/`."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import PackageError

VENDORED: Final = Path(__file__).with_name("vendored")
_PINS: Final = VENDORED / "requirements.txt"
_LEGAL: Final = ("METADATA", "LICENSE")


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
