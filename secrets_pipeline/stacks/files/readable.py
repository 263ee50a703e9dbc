"""Decide which files of a repository may be read: one rule for every way in.

Inside the base path, links followed; no name with a dot in front; nothing of the kernel's; and what becomes a value is
tracked by git, where there is a git work tree.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.files import disk
from secrets_pipeline.stacks.files.disk import real_path
from secrets_pipeline.stacks.files.git_index import GitIndexError, is_tracked

EXTENSIONS: Final = (".yaml", ".yml", ".yaml.tmpl", ".yml.tmpl")
"""Of manifests."""
_KERNEL: Final = ("/proc", "/sys", "/dev")
_OF_ATMOS: Final = frozenset({".atmos", ".atmos.d", ".atmos.yaml", ".atmos.yml"})
"""Source: https://atmos.tools/cli/configuration, https://atmos.tools/cli/configuration/profiles"""
_CONFIGURATIONS: Final = frozenset({"atmos.yaml", "atmos.yml", "atmos.d", *_OF_ATMOS})
"""Parts of names that make a file Atmos's configuration, whether or not another one imports it."""


class Use(Enum):
    """What a file is read as."""

    VALUE = auto()
    """Its content becomes a value: `!include`, `${file:…}`. Only what git tracks."""
    MANIFEST = auto()
    """A stack manifest: also one that has just been written, if it is YAML below the folder of the stacks."""
    STATE = auto()
    """A local state of Terraform, links followed: git hardly ever tracks one."""
    CONFIGURATION = auto()
    """Part of `atmos.yaml`: also one that has just been written where Atmos looks, `.atmos` and `.atmos.d` included."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file is not read: `problem` goes on after its name.

    Attributes:
        problem: for example `is outside of the base path`.
        remedy: what to do, a sentence.
    """

    problem: str
    remedy: str


_STATE: Final = re.compile(r"\.tfstate(\.[^/]*)?$|(^|/)terraform\.tfstate\.d/")
OUTSIDE: Final = Unreadable(
    "is outside of the base path", "Move it into the repository; what stack YAML may pull in ends at base_path."
)


class ReadableFiles:
    """The files of one repository that may be read.

    Args:
        base: the base path.
        top: folder whose `.git` says what is tracked, at or above the base path; the nearest one if not given.
        stacks: folder of the stack manifests; if not given, or no folder of its own, git tracks all that are read.
    """

    def __init__(self, base: Path, top: Path | None = None, stacks: Path | None = None) -> None:
        self.base = real_path(base)
        folder = real_path(stacks or base)
        self._stacks = None if within(self.base, folder) else folder
        found = git_root(Path(self.base)) if top is None else top
        self._top = real_path(found) if found is not None and disk.exists(found / ".git") else None

    def problem(self, path: Path, use: Use = Use.VALUE) -> Unreadable | None:
        """Why a file may not be read, `None` if it may; whether it exists is not asked.

        Args:
            path: absolute, or relative to the base path.
            use: what it is read as.
        """
        asked = os.path.normpath(os.path.join(self.base, path))  # noqa: PTH118 - a Path for each file takes longer
        return self.problem_of(real_path(asked), asked, use)

    def problem_of(self, real: str, asked: str, use: Use) -> Unreadable | None:
        """`problem` of a file whose path without links is known.

        Args:
            real: that path.
            asked: absolute path as it was asked for, without `..`.
            use: what it is read as.
        """
        if not within(real, self.base):
            return OUTSIDE
        if any(within(real, folder) and not within(self.base, folder) for folder in _KERNEL):
            return Unreadable("is the kernel's, not of a repository", "Name a file of the repository.")
        below = [relative(real, self.base)] + ([relative(asked, self.base)] if within(asked, self.base) else [])
        if any(is_hidden(name, use) for name in below):
            return Unreadable(
                "has a dot in front of its name, or is in such a folder, so it is never read",
                "Keep what stacks read in files without a dot in front.",
            )
        if use is Use.VALUE and any(map(_STATE.search, below)):
            return Unreadable(
                "is a state of Terraform, which holds secret values",
                "Read one output of it: !terraform.state COMPONENT OUTPUT.",
            )
        return None if self._may_be_new(real, use) else self._untracked(real)

    def _may_be_new(self, real: str, use: Use) -> bool:
        """Whether it is read without git knowing it: what an author names elsewhere may be the operator's own file."""
        if use is Use.STATE:
            return real.endswith("/terraform.tfstate")
        if use is Use.VALUE or not real.endswith(EXTENSIONS):
            return False
        if use is Use.MANIFEST:
            return self._stacks is not None and within(real, self._stacks)
        return not _CONFIGURATIONS.isdisjoint(relative(real, self.base).split("/"))

    def _untracked(self, real: str) -> Unreadable | None:
        if self._top is None:
            return None
        name = relative(real, self._top)
        tracked = disk.asked(tracks, (self._top, name))
        if isinstance(tracked, str):
            return Unreadable(f"cannot be told from files that git does not track: {tracked}", "Repair the work tree.")
        return None if tracked else Unreadable("is not tracked by git", f"git add {name}")


def tracks(about: tuple[str, str]) -> bool | str:
    """Whether the work tree at a folder has a file in its index; why that cannot be told, where it cannot."""
    try:
        return is_tracked(*about)
    except GitIndexError as error:
        return str(error)


def readable_problem(base: Path, name: str) -> Unreadable | None:
    """Why the file of that name, relative to the base path, may not become a value; `None` if it may."""
    return ReadableFiles(base).problem(Path(name))


def readable_state_problem(base: Path, name: str) -> Unreadable | None:
    """Why the Terraform state of that name, relative to the base path, may not be read; `None` if it may."""
    return ReadableFiles(base).problem(Path(name), Use.STATE)


def real_name(base: Path, name: str) -> str:
    """The path below the base path of the file that a name leads to by links and `..`; one that leads out as it is."""
    root = real_path(base)
    real = real_path(os.path.normpath(os.path.join(root, name)))  # noqa: PTH118 - a name may hold what no Path can
    return relative(real, root) if within(real, root) else name


def git_root(folder: Path) -> Path | None:
    """The nearest folder at or above with a `.git`."""
    return next((place for place in (folder, *folder.parents) if disk.exists(place / ".git")), None)


def limit(root: Path, folder: Path) -> Path:
    """The folder, without links, that a configuration in `folder` may not lead out of.

    Raises:
        StackError: if a link in a git repository stands in place of the root, and leads out of the repository.
    """
    real = real_path(root)
    git = git_root(root)
    if git is not None and not within(real, real_path(git)):
        raise StackError(
            f"{root} leads out of its git repository by a symbolic link",
            remedy="Name the folder itself: --base-path DIR, or ATMOS_BASE_PATH.",
        )
    return git_root(Path(real)) or Path(real_path(folder if root.is_relative_to(folder) else root))


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder, or below it, both without links."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def relative(path: str, folder: str) -> str:
    """The path below a folder that it is within."""
    return path[len(folder.rstrip("/")) + 1 :]


def is_hidden(name: str, use: Use = Use.VALUE) -> bool:
    """Whether a part of a relative path has a dot in front; of those that Atmos itself reads, the configuration may."""
    if name[:1] != "." and "/." not in name:
        return False
    allowed = _OF_ATMOS if use is Use.CONFIGURATION else frozenset()
    return any(part.startswith(".") and part not in allowed for part in name.split("/"))
