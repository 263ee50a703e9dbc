"""Clones that tests work in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_GIT = shutil.which("git") or "git"
OWN = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "tests@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str) -> str:
    """What git prints in a folder, whatever this machine's configuration says."""
    command = [_GIT, "-C", str(folder), "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **OWN}).stdout.strip()


def committed(folder: Path, message: str = "as it is") -> str:
    """Commit all that is in a folder, which is made a clone where it is none, and give the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")
