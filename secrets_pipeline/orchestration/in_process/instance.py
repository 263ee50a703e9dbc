"""The Dagster instance for runs in this process: its event log makes a SQLAlchemy engine once, not for each event.

The files are those of Dagster's own storage: its webserver and daemon read and write them at the same time.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster._core.instance import InstanceRef
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from filelock import FileLock
from sqlalchemy import Connection, Engine, QueuePool, create_engine, inspect
from sqlalchemy.event import listen

from secrets_pipeline.orchestration.shared.home import prepare_home, settings, storage

_OPENING_SECONDS = 120


def open_instance() -> dg.DagsterInstance:
    """Open the instance of DAGSTER_HOME, which is prepared first; another storage than Dagster's default stays.

    Raises:
        StorageError: if it cannot be used.
    """
    with storage():
        home = prepare_home()
        # Two processes cannot make Dagster's tables at once.
        with FileLock(home / ".opening.lock", timeout=_OPENING_SECONDS):
            with settings(home):
                ref = InstanceRef.from_dir(str(home))
            stored = ref.storage_data
            if stored is not None and stored.class_name == DagsterSqliteStorage.__name__:
                ours = ConfigurableClassData(__name__, PooledSqliteStorage.__name__, stored.config_yaml)
                ref = ref._replace(storage_data=ours)
            return dg.DagsterInstance.from_ref(ref)


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log, one SQLite database a run and an index of all, with an engine for each until `dispose`.

    Dagster's own makes an engine, and with it compiles each statement anew, for every read and write; and it waits for
    the disk after each of them. Here a machine that loses its power may lose the last events, and a process that is
    killed loses none. Source: https://sqlite.org/pragma.html#pragma_synchronous
    """

    def __init__(self, base_dir: str) -> None:
        self._lock = threading.RLock()
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table."""
        with self.index_connection() as connection:
            return inspect(connection).has_table(table_name)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event of a run, and let the webserver's live log see that the run's file has changed."""
        super().store_event(event)
        # SQLite writes to another file first: https://sqlite.org/wal.html
        os.utime(self.path_for_shard(event.run_id))

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._lock:
            if shard not in self._engines:
                # Dagster's own connection makes the tables.
                with super()._connect(shard):
                    self._engines[shard] = self._engine(shard)
            with self._engines[shard].begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        engine = create_engine(self.conn_string_for_shard(shard), poolclass=QueuePool, connect_args=timeout)
        listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = NORMAL"))
        return engine


class PooledSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with `PooledSqliteEventLogStorage`."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        folder = Path(self._event_log_storage.path_for_shard(INDEX_SHARD_NAME)).parent
        self._event_log_storage = PooledSqliteEventLogStorage(str(folder))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:  # noqa: ANN401 - Dagster's
        """Make it of its configuration, as Dagster does."""
        return cls.from_local(inst_data=inst_data, **config_value)
