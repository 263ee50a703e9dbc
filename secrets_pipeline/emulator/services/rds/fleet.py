"""Start and stop every PostgreSQL server of this process."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from secrets_pipeline.emulator.handle.state import TEMPLATE_FOLDER
from secrets_pipeline.emulator.postgres import Authority, Binaries, DataFolderTemplate, PostgresServer, find
from secrets_pipeline.emulator.services.settings import settings

_STOPPED_AT_ONCE = 8


@dataclass(slots=True)
class Fleet:
    """Every PostgreSQL of this process, each in a folder of its own below the settings' `postgres_root`."""

    _binaries: Binaries | None = None
    _template: DataFolderTemplate | None = None
    _authority: Authority | None = None
    _servers: dict[str, PostgresServer] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)  # the dictionary's; each server has a lock of its own

    def new(self, name: str) -> PostgresServer:
        """Reserve a server that is not yet created.

        Raises:
            LocalError: PostgreSQL is not installed.
        """
        with self._lock:
            self._binaries = self._binaries or find()
            root, authority = settings().postgres_root, settings().authority
            self._template = self._template or DataFolderTemplate(self._binaries, root / TEMPLATE_FOLDER)
            self._authority = authority or self._authority or Authority.make()
            server = PostgresServer(self._binaries, self._template, root / name, self._authority.server_context)
            self._servers[name] = server
            return server

    @property
    def version(self) -> str:
        """PostgreSQL's version, once a server was reserved."""
        return self._binaries.version if self._binaries else ""

    def remove(self, name: str) -> None:
        """Stop a server and remove its folder."""
        with self._lock:
            server = self._servers.pop(name, None)
        if server is not None:
            server.stop()

    def save(self) -> dict[PostgresServer, str]:
        """Keep the data of every server, for `restore`; the names of the servers."""
        with self._lock:
            names = {server: name for name, server in self._servers.items()}
        for server in names:
            server.save()
        return names

    def restore(self, names: Mapping[PostgresServer, str]) -> None:
        """Have exactly these servers again, with the data that was kept."""
        for name in [name for name, server in self._servers.items() if server not in names]:
            self.remove(name)
        for server, name in names.items():
            self._servers[name] = server
            server.restore()

    def stop(self) -> None:
        """Stop every server, several at a time: each takes its time to shut down."""
        with ThreadPoolExecutor(max_workers=_STOPPED_AT_ONCE) as pool:
            list(pool.map(self.remove, list(self._servers)))


FLEET = Fleet()
"""This process's: moto makes its backends itself, so nothing can be handed to them."""
