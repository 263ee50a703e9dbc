"""Cache what botocore, alembic and SQLAlchemy compute again for each session, client and Dagster instance.

The tests make thousands of these. The cached results are the same each time: event names, the methods and endpoint
rules of a service, Dagster's migrations and the text of SQL statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, lru_cache, partial
from types import ModuleType
from typing import Any
from weakref import WeakSet

from alembic.config import Config
from alembic.script import ScriptDirectory
from botocore import httpsession, regions
from botocore.client import ClientCreator
from botocore.endpoint_provider import EndpointProvider
from botocore.hooks import BaseEventHooks, EventAliaser
from botocore.model import ServiceModel
from dagster._core.storage.event_log import in_memory as event_log_in_memory
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs import in_memory as runs_in_memory
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.event import listen
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import LRUCache


def pytest_configure() -> None:
    """Install the caches before a test creates the first session or instance."""
    _alias_events_once()
    _look_at_handlers_once()
    _make_methods_once()
    _read_migrations_once()
    _compile_statements_once()
    for storage in (sqlite_run_storage, sqlite_schedule_storage):
        _create_engines_once(storage)
    _keep_connections()
    _look_at_columns_once()
    _make_tls_context_once()
    _read_endpoint_rules_once()


def _alias_events_once() -> None:
    """Every session registers 350 event handlers, and botocore searches 70 aliases for each of their names."""
    internals: Any = EventAliaser
    alias = cache(internals(None)._alias_event_name)
    internals._alias_event_name = lambda _, event_name: alias(event_name)


def _look_at_handlers_once() -> None:
    """botocore inspects the signature of each of those handlers."""
    internals: Any = BaseEventHooks
    look = internals._verify_accept_kwargs
    seen: WeakSet[object] = WeakSet()

    def verify(hooks: BaseEventHooks, handler: object) -> None:
        if handler not in seen:
            look(hooks, handler)
            seen.add(handler)

    internals._verify_accept_kwargs = verify


def _make_methods_once() -> None:
    """botocore builds a class for every client, with a method and a docstring for each operation."""
    internals: Any = ClientCreator
    make = internals._create_methods
    made: dict[tuple[str, str], dict[str, Any]] = {}

    def methods(creator: ClientCreator, service_model: ServiceModel) -> dict[str, Any]:
        service = (service_model.service_name, service_model.api_version)
        if service not in made:
            made[service] = make(creator, service_model)
        return dict(made[service])

    internals._create_methods = methods


def _read_migrations_once() -> None:
    """Dagster stamps every new database, and alembic imports all migrations to find the last one."""
    internals: Any = ScriptDirectory
    read = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def from_config(config: Config) -> ScriptDirectory:
        location = config.get_main_option("script_location")
        if location not in known:
            known[location] = read(config)
        return known[location]

    internals.from_config = from_config


def _compile_statements_once() -> None:
    """Each engine has a cache of compiled statements and a dialect of its own, though all are SQLite's."""
    dialect: Any = SQLiteDialect_pysqlite
    dialect.__eq__ = lambda one, other: type(one) is type(other)
    dialect.__hash__ = lambda one: hash(type(one))
    internals: Any = Engine
    make = internals.__init__
    compiled: Any = LRUCache(2_000)

    def init(engine: Engine, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as SQLAlchemy calls it
        make(engine, *args, **options)
        if isinstance(engine.dialect, SQLiteDialect_pysqlite):
            given: Any = engine
            given._compiled_cache = compiled

    internals.__init__ = init


def _create_engines_once(storage: ModuleType) -> None:
    """These storages create an engine for every connection."""
    internals: Any = storage
    internals.create_engine = lru_cache(16)(internals.create_engine)


def _keep_connections() -> None:
    """The storages of an ephemeral instance connect for every call, and say each time how SQLite is to behave."""
    storages: Any = (
        (event_log_in_memory, "InMemoryEventLogStorage", "_connect"),
        (runs_in_memory, "InMemoryRunStorage", "connect"),
    )
    for module, storage, connect in storages:
        module.NullPool = QueuePool
        module.create_engine = partial(_with_foreign_keys, module.create_engine)
        setattr(getattr(module, storage), connect, _begun)


def _with_foreign_keys(create_engine: Callable[..., Engine], *args: Any, **options: Any) -> Engine:  # noqa: ANN401 - as Dagster calls it
    engine = create_engine(*args, **options)
    listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON").close())
    return engine


@contextmanager
def _begun(storage: Any) -> Iterator[Connection]:  # noqa: ANN401 - Dagster exports no name for it
    with getattr(storage, "_db_lock", nullcontext()), storage._engine.begin() as connection:
        yield connection


def _look_at_columns_once() -> None:
    """For each look at an asset, the event log asks its database twice which columns it has; Dagster made all of it."""
    internals: Any = SqlEventLogStorage
    look = internals._has_asset_key_col_on_connection
    known: dict[str, bool] = {}

    def has_column(storage: SqlEventLogStorage, connection: Connection, column_name: str) -> bool:
        if column_name not in known:
            known[column_name] = look(storage, connection, column_name)
        return known[column_name]

    internals._has_asset_key_col_on_connection = has_column


def _make_tls_context_once() -> None:
    """Every client makes one, though its endpoint speaks HTTP."""
    internals: Any = httpsession
    internals.create_urllib3_context = cache(internals.create_urllib3_context)


def _read_endpoint_rules_once() -> None:
    """Every client makes a tree of objects of its service's endpoint rules."""
    internals: Any = regions
    made: dict[int, tuple[Any, EndpointProvider]] = {}

    def provider(ruleset_data: Any, **more: Any) -> EndpointProvider:  # noqa: ANN401 - JSON
        # The data is kept, so that no other data gets its id.
        if id(ruleset_data) not in made:
            made[id(ruleset_data)] = (ruleset_data, EndpointProvider(ruleset_data, **more))
        return made[id(ruleset_data)][1]

    internals.EndpointProvider = provider
