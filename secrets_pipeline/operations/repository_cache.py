"""Keep what was read of repositories, and read again only what reading again would find otherwise."""

from __future__ import annotations

import hmac
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from secrets_pipeline.errors import StackError
from secrets_pipeline.operations.open_repository import MANIFESTS, OpenRepository, open_repository, operator_settings
from secrets_pipeline.operations.revision.model import clone_of
from secrets_pipeline.stacks import SourceChoice
from secrets_pipeline.stacks.files.disk import Seen, noted_in
from secrets_pipeline.stacks.files.git_index import is_being_written

_MOST_KEPT: Final = 4
_MOST_READINGS: Final = 3
_KEY: Final = secrets.token_bytes(32)
_GIT_SECONDS, _PAUSE_SECONDS = 10.0, 0.05


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository and its settings are.

    Attributes:
        base_path: the Atmos repository.
        origin: where its stacks come from.
        settings_file: the operator's settings; None for the file that SECRETS_PIPELINE_CONFIG names.
        called: what the repository's folder is called in values; None for its own path.
        commit: what the operator says that it is, where it is no clone.
    """

    base_path: Path
    origin: SourceChoice = MANIFESTS
    settings_file: Path | None = None
    called: Path | None = None
    commit: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    repository: OpenRepository
    seen: Seen
    around: bytes

    def holds(self) -> bool:
        """Whether reading again would give the same: cheap where nothing changed, as no file is opened."""
        seen = (self.seen, self.repository.seen)
        return self.around == _around() and all(one.repeatable and one.holds() for one in seen)


class RepositoryCache:
    """Opens repositories, each again only when something has changed that its reading asked for.

    That is every file that was read (by times, size and inode; by its content where these prove nothing), every folder
    that was listed for globs, every name that was looked for, found or not, links, what git tracks, and the whole
    environment. What depends on the clock or chance, or was printed by the `atmos` command, is read each time. Several
    threads may use it; they wait for each other.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Place, _Kept] = {}

    def open(self, place: Place) -> OpenRepository:
        """Open a repository as it is now: every answer of the file system that it was made from is of one moment.

        Raises:
            StackError: if there is no repository, or it keeps changing while it is read.
            SpecError: if the operator's settings cannot be read.
        """
        with self._lock:
            kept = self._kept.get(place)
            if kept is None or not kept.holds():
                self._kept.pop(place, None)
                kept = self._kept[place] = _read(place)
                while len(self._kept) > _MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
            return kept.repository


def _read(place: Place) -> _Kept:
    for _ in range(_MOST_READINGS):
        _wait_for_git(place.base_path)
        around, seen = _around(), Seen()
        with noted_in(seen):
            settings = operator_settings(place.settings_file)
        repository = open_repository(
            place.base_path, origin=place.origin, settings=settings, called=place.called, commit=place.commit
        )
        # Asks which commit is checked out: the same as when the first file was read, then.
        _ = repository.revision
        if seen.holds() and repository.seen.holds():
            return _Kept(repository, seen, around)
    raise StackError(
        f"the repository at {place.base_path} keeps changing while it is read",
        remedy="Wait until whoever writes to it, for example `git pull`, is done.",
    )


def _wait_for_git(base_path: Path) -> None:
    """Wait while git writes to the clone: half of a pull looks as if somebody had edited all the files of it."""
    top = clone_of(base_path)
    deadline = time.monotonic() + _GIT_SECONDS
    while top is not None and is_being_written(top) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)


def _around() -> bytes:
    """A digest of the current folder and the environment, whose values may be secret."""
    around = os.getcwd(), sorted(os.environ.items())  # noqa: PTH109 - compared as text
    return hmac.digest(_KEY, repr(around).encode(), "sha256")


REPOSITORIES: Final = RepositoryCache()
"""The one of this process."""
