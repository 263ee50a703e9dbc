"""Tell as whom the processes of the embedded AWS run: where it is root, others are not."""

from __future__ import annotations

import logging
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

logger = logging.getLogger(__name__)

VARIABLES = {"PATH": os.defpath, "LANG": "C.UTF-8"}
"""The environment of processes that need nothing of whoever started the embedded AWS."""
_LOOKS = "import importlib.util, sys; open(sys.argv[1]).close(); sys.exit(importlib.util.find_spec('boto3') is None)"


class SubprocessIdentity(TypedDict):
    """Parameters of `subprocess`."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


@dataclass(frozen=True, slots=True)
class Identity:
    """User and group that a process runs as; None for both means the current user."""

    user: int | None
    group: int | None

    def can_reach(self, path: Path) -> bool:
        """Whether this user may traverse every parent of a path; only asked where it is not the current user."""
        if self.user is None:
            return True
        return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents if parent.exists())

    def give(self, path: Path) -> None:
        """Make this user the owner of a path of ours."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    @property
    def switch(self) -> SubprocessIdentity:
        """What lets `subprocess` start a process as this user."""
        return {"user": self.user, "group": self.group, "extra_groups": None if self.user is None else []}


def unprivileged() -> Identity:
    """`nobody` if we are root, else the current user."""
    if os.geteuid() != 0:
        return Identity(None, None)
    nobody = pwd.getpwnam("nobody")
    return Identity(nobody.pw_uid, nobody.pw_gid)


def of_functions(python: str, program: Path) -> Identity:
    """A user of its own for the code of Lambda functions if we are root, else the current user.

    It is none of the system's, so that neither PostgreSQL's data nor anything else belongs to it. Where this process
    may not switch to it, or it cannot reach the interpreter, boto3 or the program, functions run as the current user,
    and the log says so.

    Args:
        python: the interpreter.
        program: what it is going to run.
    """
    nobody = unprivileged().user
    if nobody is None:
        return Identity(None, None)
    own = Identity(nobody - 1, nobody - 1)
    look = [python, "-c", _LOOKS, str(program)]
    try:
        subprocess.run(look, check=True, capture_output=True, cwd="/", env=VARIABLES, **own.switch)
    except (OSError, subprocess.SubprocessError):
        logger.warning("Lambda functions run as root: user %s cannot run %s with boto3.", own.user, python)
        return Identity(None, None)
    return own
