"""Open the Dagster instance for runs in this process (`DagsterInstance.get`); its storage keeps connections open.

The files are those of Dagster's own storage: its webserver and daemon read and write them at the same time.
"""

from contextlib import nullcontext

import dagster as dg
from filelock import FileLock

from secrets_pipeline.orchestration.shared.event_log import keep_connections
from secrets_pipeline.orchestration.shared.home import prepare_home, settings_errors, storage_errors, stores_elsewhere

_OPENING_SECONDS = 120


def open_instance() -> dg.DagsterInstance:
    """Open the instance of DAGSTER_HOME, which is prepared first; see `keep_connections`.

    Raises:
        StorageError: if it cannot be used.
    """
    with storage_errors():
        home = prepare_home()
        # Two processes cannot make Dagster's tables of SQLite at once.
        opening = (
            nullcontext() if stores_elsewhere(home) else FileLock(home / ".opening.lock", timeout=_OPENING_SECONDS)
        )
        with opening, settings_errors(home):
            instance = dg.DagsterInstance.get()
            keep_connections(instance)
            return instance
