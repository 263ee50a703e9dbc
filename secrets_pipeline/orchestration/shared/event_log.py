"""Keep the connections of Dagster's storage open, SQLite's and PostgreSQL's, in the process that executes a run.

Files and tables are those of Dagster's own storage: its webserver and daemon read and write them at the same time.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, inspect, text
from sqlalchemy.event import listen

from secrets_pipeline.orchestration.shared.dagster_internals import internal, is_as_known

_BUSY_SECONDS = 60
_INDEX = "index"
"""No run's id: that of events without a run is empty."""
_SQLITE = "SqliteEventLogStorage"
"""Dagster's default, one SQLite database a run and an index of all."""


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Keep those of an instance, once.

    A storage that is neither Dagster's default nor dagster-postgres's stays as it is, and so does one that lacks a name
    of `STORAGES`.
    """
    for storage in (instance.event_log_storage, instance.run_storage):
        if not is_as_known(storage):
            continue
        if type(storage).__name__ != _SQLITE:
            _pool(storage)
        elif "run_connection" not in vars(storage):
            PooledConnections(storage)


def _pool(storage: Any) -> None:  # noqa: ANN401 - Dagster exports no name for it
    """Give a storage a pool of connections, where dagster-postgres opens one for each statement.

    A connection is tried before it is used: a run outlives a database that is away between two of its events.
    """
    create = internal("create_pg_engine")
    if create is not None and isinstance(storage._engine.pool, NullPool):  # noqa: SLF001 - see `STORAGES`
        pooled = {"isolation_level": "AUTOCOMMIT", "pool_pre_ping": True}
        storage._engine = create(storage.postgres_url, storage._token_provider, **pooled)  # noqa: SLF001 - as above


class PooledConnections:
    """Keeps one engine for each database of an event log, where Dagster makes one for each read and write.

    Dagster's own makes an engine, and with it compiles each statement anew, for every connection; and it waits for the
    disk after each write. Here a machine that loses its power may lose the last events, and a process that is killed
    loses none. Source: https://sqlite.org/pragma.html#pragma_synchronous

    Args:
        event_log: Dagster's `SqliteEventLogStorage`; the methods of this object that it has too take their place.
    """

    _empty: ClassVar[bytes] = b""
    """A run's database as this process made its first one."""

    def __init__(self, event_log: Any) -> None:  # noqa: ANN401 - Dagster exports no name for it
        self._lock = threading.RLock()
        self._engines: dict[str | None, Engine] = {}
        self._tables: set[str] = set()
        self._event_log = event_log
        self._run_connection = event_log.run_connection
        self._index_connection = event_log.index_connection
        self._store_event = event_log.store_event
        self._dispose = event_log.dispose
        for taken in (self.run_connection, self.index_connection, self.has_table, self.store_event, self.dispose):
            setattr(event_log, taken.__name__, taken)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Connection]:
        """Open a transaction in the database of a run."""
        return self._connect(run_id, partial(self._run_connection, run_id))

    def index_connection(self) -> AbstractContextManager[Connection]:
        """Open a transaction in the index."""
        return self._connect(_INDEX, self._index_connection)

    def has_table(self, table_name: str) -> bool:
        """Tell whether the index has a table; one that is there stays."""
        if table_name not in self._tables:
            with self.index_connection() as connection:
                if inspect(connection).has_table(table_name):
                    self._tables.add(table_name)
        return table_name in self._tables

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event of a run, and let the webserver's live log see that the run's file has changed."""
        self._store_event(event)
        # SQLite writes to another file first: https://sqlite.org/wal.html
        os.utime(str(self._engines[event.run_id].url.database))

    def dispose(self) -> None:
        """Close the engines."""
        self._dispose()
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    @contextmanager
    def _connect(
        self, database: str | None, theirs: Callable[[], AbstractContextManager[Connection]]
    ) -> Iterator[Connection]:
        with self._lock:
            if database not in self._engines:
                is_new = database != _INDEX and bool(database) and self._make(str(database))
                # Dagster's own connection makes the tables.
                with theirs() as connection:
                    self._engines[database] = _engine(connection)
                    if is_new and not self._empty:
                        PooledConnections._empty = _content_if_empty(connection)
            with self._engines[database].begin() as connection:
                yield connection

    def _make(self, run_id: str) -> bool:
        """Make a run's database as a copy of the first one, for which Dagster ran through all that it ever migrated.

        Returns:
            Whether the run has had none.
        """
        path = Path(self._event_log.path_for_shard(run_id))
        if path.exists():
            return False
        if self._empty:
            made = path.with_name(f"{path.name}.{os.getpid()}")
            # Another process may have made it since, or the file system have no links: then Dagster does it.
            with suppress(OSError):
                made.write_bytes(self._empty)
                path.hardlink_to(made)
                self._event_log._initialized_dbs.add(run_id)  # noqa: SLF001 - it looks for migrations otherwise
            made.unlink(missing_ok=True)
        return True


def _content_if_empty(connection: Connection) -> bytes:
    """What the file of a database without events holds; nothing if another process has written to it already."""
    if connection.execute(text("SELECT 1 FROM event_logs LIMIT 1")).first() is not None:
        return b""
    driver: Any = connection.connection.driver_connection
    content: bytes = driver.serialize()
    return content


def _engine(like: Connection) -> Engine:
    engine = create_engine(like.engine.url, poolclass=QueuePool, connect_args={"timeout": _BUSY_SECONDS})
    listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = NORMAL"))
    return engine
