"""Keep checkouts of commits: what a sensor decided by is what its run reads, though somebody pulls in between.

A checkout is written from the objects of the clone: no git is run, no hook, no filter. Its `.git` says what is tracked,
which commit it is and where it came from, so that all else takes it for a clone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from secrets_pipeline.operations.repository_id import repository_id
from secrets_pipeline.operations.revision.commits import COMMIT_ID, Commit, Entry, UnreadableCommitError

CHECKOUTS: Final = "checkouts"
"""The folder in DAGSTER_HOME, unless the component names another."""
_MOST_KEPT: Final = 10
_UNUSED_SECONDS: Final = 86_400.0
_IN_USE_SECONDS: Final = 3_600.0
"""A run that uses a checkout may not have read all of it before."""
_CURRENT: Final = Path(".git", "HEAD")
"""The file whose date says when a checkout was current last."""
_DECIDING_SECONDS: Final = 300.0
"""From a sensor's look at the repository until the run that it asks for is made, if it asks for hundreds."""
_PARTIAL: Final = ".partial-"
"""Before the name of a checkout that is being written or removed; nothing else is removed but commits."""
_SHA1: Final = 40
_BLOCK: Final = 4096
"""Bytes of a disk that the smallest file takes."""
_MOST_BYTES: Final = 2**30
_MOST_BYTES_IN_ALL: Final = 4 * _MOST_BYTES
_PATIENCE_SECONDS: Final = 60.0


class CheckoutError(Exception):
    """A commit cannot be kept. The text says why."""


@dataclass(frozen=True, slots=True)
class Checkouts:
    """The commits that are kept in a folder, which is made where it is missing.

    Attributes:
        folder: a folder for each commit.
    """

    folder: Path

    def current_at(self, commit: str, moment: float) -> Path | None:
        """Find the checkout of a commit that was current at a moment, since, or just before; None where it is not kept.

        Args:
            commit: its id; anything else is not kept.
            moment: seconds since 1970.
        """
        kept = self._used(commit)
        try:
            return kept if kept and moment - (kept / _CURRENT).stat().st_mtime < _DECIDING_SECONDS else None
        except OSError:
            return None

    def _used(self, commit: str) -> Path | None:
        kept = self.folder / commit
        if not COMMIT_ID.fullmatch(commit) or self.folder.is_symlink() or kept.is_symlink():
            return None
        try:
            os.utime(kept)
        except OSError:
            return None
        return kept

    def keep(self, top: Path, commit: str) -> Path:
        """Keep a commit of a clone, which is current now: whole or not at all, written beside and then renamed.

        A commit takes 1 GiB at most, and all that are kept 4 GiB: first goes what no run may still read, then no more
        is kept. One process at a time writes.

        Args:
            top: folder of the clone.
            commit: id of the commit.

        Raises:
            CheckoutError: if the commit cannot be read, is too large or has a file of a forbidden name, or the folder
                cannot be written.
        """
        try:
            if (found := self._used(commit)) is not None:
                os.utime(found / _CURRENT)
                return found
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.folder.is_symlink():
                raise CheckoutError(f"{self.folder} is a link: name the folder that it leads to")
            with FileLock(self.folder / ".lock", timeout=_PATIENCE_SECONDS):
                if self._used(commit) is None:  # another process was first
                    self._make(top, commit, _MOST_BYTES_IN_ALL - self._forget())
        except UnreadableCommitError as error:
            raise CheckoutError(f"commit {commit} of {top}: {error}") from None
        except OSError as error:
            raise CheckoutError(f"{self.folder} cannot be written: {error.strerror or error}") from None
        return self.folder / commit

    def _make(self, top: Path, commit: str, room: int) -> None:
        made = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.folder))
        try:
            with Commit(str(top), commit) as one:
                _write(one, made, repository_id("", top), min(room, _MOST_BYTES))
            made.rename(self.folder / commit)
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def _forget(self) -> int:
        """Make room for one more: remove what nobody used for a day, and the oldest beyond a number or a size.

        Returns:
            Bytes of what is left. What a run may still read is.
        """
        for gone in self.folder.glob(f"{_PARTIAL}*"):  # of a process that was killed
            shutil.rmtree(gone, ignore_errors=True)
        now = time.time()
        kept = (one for one in self.folder.iterdir() if COMMIT_ID.fullmatch(one.name) and not one.is_symlink())
        left = 0
        for place, (age, one) in enumerate(sorted((now - one.stat().st_mtime, one) for one in kept), 1):
            size = _bytes_of(one)
            is_beyond = place >= _MOST_KEPT or left + size > _MOST_BYTES_IN_ALL - _MOST_BYTES
            if age > _UNUSED_SECONDS or (is_beyond and age > _IN_USE_SECONDS):
                # By another name first: nobody finds half a checkout.
                shutil.rmtree(one.rename(self.folder / f"{_PARTIAL}{one.name}"), ignore_errors=True)
            else:
                left += size
        return left


def _bytes_of(folder: Path) -> int:
    files = (os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)  # noqa: PTH118 - a Path for each file takes longer
    return sum(max(_BLOCK, os.lstat(file).st_size) for file in files)


def _write(commit: Commit, folder: Path, repository: str, most: int) -> None:
    from dulwich.index import Index, IndexEntry  # noqa: PLC0415 - 50 ms, where there is a clone
    from dulwich.objects import ObjectID  # noqa: PLC0415 - the same

    git = folder / ".git"
    (git / "refs").mkdir(parents=True)
    if len(commit.id) > _SHA1:
        # dulwich opens what an `alternates` file names as SHA-1.
        raise UnreadableCommitError("commits of SHA-256 are not kept")
    index = Index(git / "index", read=False)
    links: list[tuple[Path, Entry]] = []
    size = 0
    for name, entry in commit.files():
        sha, length = ObjectID(entry.id.encode("ascii")), len(entry.content)
        size += max(_BLOCK, length)
        if size > most:
            raise UnreadableCommitError(
                f"it takes more than {most >> 20} MiB: a commit may take {_MOST_BYTES >> 20} MiB, and all of the last "
                f"hour {_MOST_BYTES_IN_ALL >> 20} MiB"
            )
        index[os.fsencode(name)] = IndexEntry(0, 0, 0, 0, entry.mode, 0, 0, length, sha)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.is_link:
            links.append((path, entry))
            continue
        with path.open("xb") as file:
            file.write(entry.content)
    for number, (submodule, store) in enumerate(commit.stores.items()):
        # As git keeps submodules: https://git-scm.com/docs/gitsubmodules#_forms
        own = git / "modules" / str(number) if submodule else git
        (own / "objects" / "info").mkdir(parents=True)
        (own / "objects" / "info" / "alternates").write_text(f"{os.path.realpath(store.path)}\n")
        if submodule:
            (folder / submodule).mkdir(parents=True, exist_ok=True)
            (folder / submodule / ".git").write_text(f"gitdir: {os.path.relpath(own, folder / submodule)}\n")
    # Last, when every folder has been made: nothing is written through one.
    for path, entry in links:
        path.symlink_to(os.fsdecode(entry.content))
    index.write()
    (git / "HEAD").write_text(f"{commit.id}\n")
    origin = f'[remote "origin"]\n\turl = https://{repository}\n' if repository else ""
    (git / "config").write_text(origin)
