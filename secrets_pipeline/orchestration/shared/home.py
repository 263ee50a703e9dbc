"""Prepare DAGSTER_HOME for local use: one folder that the command line, the Makefile and `dg` share."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml
from sqlalchemy.exc import DBAPIError

from secrets_pipeline.errors import StorageError
from secrets_pipeline.operations.own_folder import keep_from_git, why_not_own
from secrets_pipeline.operations.revision.checkouts import CHECKOUTS

DAGSTER_HOME = "DAGSTER_HOME"
_SETTINGS = "dagster.yaml"
_TEMPLATE = Path(__file__).with_name(_SETTINGS)
_KEPT = ("history", "storage", "schedules")
"""Where Dagster's default storage keeps what runs said, in files that everybody may read."""
_STORAGES = frozenset({"storage", "run_storage", "event_log_storage", "schedule_storage"})

_ELSEWHERE = "or set DAGSTER_HOME to another folder: it holds the history of runs, and no state of AWS's"
_REFUSED = ("it may not be written", f"Make it writable for this user, {_ELSEWHERE}.")
_FULL = ("there is no room left for it", f"Make room, {_ELSEWHERE}; then run again, finished work is not repeated.")
_FAILING = ("its disk fails, or is full", _FULL[1])
_NO_FOLDER = ("it is no folder", "Set DAGSTER_HOME to a folder.")
_HELD = ("another process keeps its database locked", "Wait for it, or end it; then run again.")
_DAMAGED = ("a database in it is damaged", f"Move that folder away, {_ELSEWHERE}.")
_SETTINGS_WRONG = (f"Dagster does not understand its {_SETTINGS}", f"Mend that file, {_ELSEWHERE}.")
_POSTGRES_AWAY = (
    "its PostgreSQL cannot be reached",
    "See that it runs and lets this process in, and that the variables of its dagster.yaml say where it is.",
)
_OF_POSTGRES = "DagsterPostgresException"
"""dagster-postgres's, after several tries; the package is an extra, so it is known by its name."""
_UNKNOWN = ("its database does not answer as it should", f"Look at `storage` in its {_SETTINGS}.")

_BY_ERRNO = {
    errno.EACCES: _REFUSED,
    errno.EPERM: _REFUSED,
    errno.EROFS: _REFUSED,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EIO: _FAILING,
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
}
_BY_SQLITE_CODE = {
    sqlite3.SQLITE_PERM: _REFUSED,
    sqlite3.SQLITE_READONLY: _REFUSED,
    sqlite3.SQLITE_CANTOPEN: _REFUSED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FAILING,
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
"""Source: https://sqlite.org/rescode.html"""
_PRIMARY = 0xFF


def prepare_home(home: Path | None = None) -> Path:
    """Make the folder, with the project's dagster.yaml in it where it has none, and name it in the environment.

    What is made here is its owner's alone; a folder that was there keeps its mode. One that nobody named is taken only
    if it was made here: Dagster runs what the dagster.yaml in it says. One whose dagster.yaml names another storage may
    be read-only: nothing is made in it.

    Args:
        home: the folder; DAGSTER_HOME if None, else `.dagster` under the current folder.

    Raises:
        StorageError: if it cannot be made or written, or if nobody named it and it was not made here.
    """
    asked = home or _folder()
    folder = asked.resolve()
    with storage_errors(folder):
        unnamed = home is None and not os.environ.get(DAGSTER_HOME)
        if unnamed and (foreign := why_not_own(asked, scratch=(CHECKOUTS,))):
            reason, remedy = foreign
            raise _unusable(asked.absolute(), (reason, f"{remedy}, {_ELSEWHERE}."))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if unnamed:
            keep_from_git(folder)
        for name in () if stores_elsewhere(folder) else _KEPT:
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        if not (folder / _SETTINGS).exists():
            # Another process that opens it meanwhile sees the whole file, or none.
            made = folder / f".{_SETTINGS}.{os.getpid()}"
            shutil.copyfile(_TEMPLATE, made)
            made.replace(folder / _SETTINGS)
    os.environ[DAGSTER_HOME] = str(folder)
    return folder


def is_prepared() -> bool:
    """Tell whether DAGSTER_HOME, else `.dagster` under the current folder, has a dagster.yaml, so that Dagster ran."""
    return (_folder() / _SETTINGS).exists()


def home_folder() -> Path:
    """Return DAGSTER_HOME, else `.dagster` under the current folder, absolute; it may not be there."""
    return _folder().resolve()


def stores_elsewhere(home: Path) -> bool:
    """Tell whether the dagster.yaml of a home names a storage, as deployments do; Dagster's default is in the home.

    Raises:
        StorageError: if it cannot be understood.
    """
    settings = home / _SETTINGS
    if not settings.exists():
        return False
    with settings_errors(home):
        found = yaml.safe_load(settings.read_text())
    return isinstance(found, dict) and not _STORAGES.isdisjoint(found)


@contextmanager
def storage_errors(home: Path | None = None) -> Iterator[None]:
    """Translate errors of Dagster's storage to what is wrong and what to do; all others pass unchanged.

    Args:
        home: the folder; DAGSTER_HOME if None.

    Raises:
        StorageError: in their place.
    """
    folder = home or _folder().resolve()
    try:
        yield
    except (DBAPIError, OSError) as error:
        found = _about(error, folder)
        if found is None:
            raise
        raise _unusable(folder, found) from None
    except Exception as error:
        if type(error).__name__ != _OF_POSTGRES:
            raise
        raise _unusable(folder, _POSTGRES_AWAY) from None


@contextmanager
def settings_errors(home: Path) -> Iterator[None]:
    """Translate errors in a home's dagster.yaml to what to do.

    Raises:
        StorageError: in the place of Dagster's and PyYAML's.
    """
    try:
        yield
    except (yaml.YAMLError, dg.DagsterInvalidConfigError):
        raise _unusable(home, _SETTINGS_WRONG) from None


def _folder() -> Path:
    return Path(os.environ.get(DAGSTER_HOME) or ".dagster")


def _unusable(folder: Path, found: tuple[str, str]) -> StorageError:
    reason, remedy = found
    return StorageError(f"DAGSTER_HOME {folder} cannot be used: {reason}", remedy=remedy)


def _about(error: DBAPIError | OSError, folder: Path) -> tuple[str, str] | None:
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return _UNKNOWN if code is None else _BY_SQLITE_CODE.get(code & _PRIMARY, _UNKNOWN)
    named = error.filename is None or str(error.filename).startswith(str(folder))
    return _BY_ERRNO.get(error.errno or 0) if named else None
