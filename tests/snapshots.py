"""An embedded AWS that is ready: what it holds once, and again before each test that asks for it.

A test that needs an applied stack would otherwise wait for an apply of its own.
"""

from __future__ import annotations

import copy
import copyreg
import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from moto.core.base_backend import BackendDict
from moto.organizations.models import organizations_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ParameterDict

from secrets_pipeline import emulator
from secrets_pipeline.emulator.core.scheduler import SCHEDULER
from secrets_pipeline.emulator.services.rds.background import WHOLE
from secrets_pipeline.emulator.services.rds.fleet import FLEET
from secrets_pipeline.emulator.services.secretsmanager.backend import EmulatedSecretsManagerBackend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import dagster as dg

    from secrets_pipeline.emulator import LocalAws

_Result = TypeVar("_Result")
_State = dict[Any, dict[str, Any]]
"""Backend of moto → its attributes."""

copyreg.pickle(type(threading.Lock()), lambda _lock: (threading.Lock, ()))
copyreg.pickle(type(threading.RLock()), lambda _lock: (threading.RLock, ()))


def _reduced(parameters: ParameterDict) -> Any:  # noqa: ANN401 - its type knows no entries of a dictionary
    place = (parameters.account_id, parameters.region_name)
    return ParameterDict, place, vars(parameters), None, iter(parameters.items())


copyreg.pickle(ParameterDict, _reduced)


class Ready:
    """The set-ups of a file of tests: each is done once, and is there again for every other test that asks for it.

    Args:
        aws: of this process.
        instance: an ephemeral one.
        folder: an empty one, for what else a set-up writes.
    """

    def __init__(self, aws: LocalAws, instance: dg.DagsterInstance, folder: Path) -> None:
        self.instance = instance
        self.folder = folder
        self._aws = aws
        self._empty = Snapshot(aws, instance, folder)
        self._done: dict[str, tuple[Snapshot, Any]] = {}

    def clear(self) -> None:
        """Be empty again."""
        self._empty.restore()

    def after(self, set_up: Callable[[], _Result]) -> _Result:
        """Be as a set-up has left it: the first time, it is done on what is there.

        Args:
            set_up: a function of the file of tests, known by its name.

        Returns:
            What it has returned.
        """
        result: _Result
        if set_up.__qualname__ in self._done:
            snapshot, result = self._done[set_up.__qualname__]
            snapshot.restore()
        else:
            result = set_up()
            self._done[set_up.__qualname__] = (Snapshot(self._aws, self.instance, self.folder), result)
        return copy.deepcopy(result)


class Snapshot:
    """What the embedded AWS of this process holds, what a Dagster instance knows and what a folder has.

    Args:
        aws: of this process; nothing lags, fails or has its clock moved.
        instance: an ephemeral one.
        folder: with a few files.
    """

    def __init__(self, aws: LocalAws, instance: dg.DagsterInstance, folder: Path) -> None:
        self._aws = aws
        emulator.settle(aws)
        self._servers = FLEET.save()
        self._places = _places()
        self._state = self._copied({backend: backend.__dict__ for backend in self._places})
        self._masters = dict(organizations_backends.master_accounts)
        self._databases = [(one, _filled(sqlite3.connect(":memory:"), one)) for one in _databases(instance)]
        self._folder = folder
        self._files = {one.relative_to(folder): one.read_bytes() for one in folder.rglob("*") if one.is_file()}

    def restore(self) -> None:
        """Hold exactly that again, with every condition ended and no call counted; clients of before go on."""
        emulator.settle(self._aws)
        emulator.reset_conditions(self._aws)
        emulator.reset_calls(self._aws)
        FLEET.restore(self._servers)
        SCHEDULER.clear()
        for backend, (accounts, account, region) in _places().items():
            if backend not in self._places:
                del accounts[account][region]
        for backend, (accounts, account, region) in self._places.items():
            accounts[account][region] = backend
        for backend, state in self._copied(self._state).items():
            backend.__dict__.clear()
            backend.__dict__.update(state)
        organizations_backends.master_accounts = dict(self._masters)
        for accounts in secretsmanager_backends.values():
            for backend in accounts.values():
                if isinstance(backend, EmulatedSecretsManagerBackend):
                    backend.resume()
        for live, kept in self._databases:
            _filled(live, kept)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        for name, content in self._files.items():
            file = self._folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def _copied(self, state: _State) -> _State:
        """Copies of what backends hold; they refer to the backends and to the servers themselves."""
        memo: dict[Any, Any] = {WHOLE: True, **{id(one): one for one in (*state, *self._servers)}}
        return {backend: copy.deepcopy(held, memo) for backend, held in state.items()}


def _places() -> dict[Any, tuple[Any, str, str]]:
    """Every backend: what it belongs to, account, region."""
    known: list[Any] = list(BackendDict._instances)  # type: ignore[misc]
    return {backend: (one, account, region) for one in known for account, region, backend in one.iter_backends()}


def _databases(instance: dg.DagsterInstance) -> list[sqlite3.Connection]:
    """What an ephemeral instance has run, and what happened then."""
    stores: Any = (instance.run_storage, instance.event_log_storage)
    return [one._held_conn.connection.driver_connection for one in stores]


def _filled(target: sqlite3.Connection, source: sqlite3.Connection) -> sqlite3.Connection:
    source.backup(target)
    return target
