"""Cache what botocore, alembic and SQLAlchemy compute again for each session, client and Dagster instance.

The tests make thousands of these. The cached results are the same each time: event names, the methods and endpoint
rules of a service, Dagster's migrations and the text of SQL statements.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, lru_cache, partial
from types import ModuleType
from typing import Any
from weakref import WeakSet

from alembic.config import Config
from alembic.script import ScriptDirectory
from botocore import endpoint, hooks, httpsession, regions
from botocore.client import ClientCreator
from botocore.endpoint_provider import EndpointProvider
from botocore.hooks import BaseEventHooks, EventAliaser, NodeList
from botocore.model import ServiceModel
from botocore.session import Session
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
    _share_handlers()
    _register_handlers_once()
    _share_service_models()
    _list_regions_once()
    _find_proxies_once()
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
    """botocore inspects the signature of each of those handlers; boto3 makes some of them anew from the same code."""
    internals: Any = BaseEventHooks
    look = internals._verify_accept_kwargs
    seen: WeakSet[object] = WeakSet()

    def verify(emitter: BaseEventHooks, handler: object) -> None:
        code = getattr(handler, "__code__", handler)
        if code not in seen:
            look(emitter, handler)
            seen.add(code)

    internals._verify_accept_kwargs = verify


def _share_handlers() -> None:
    """Every client copies its session's tree of 350 handlers to register ten more: a copy shares what stays."""
    module: Any = hooks
    internals = module._PrefixTrie
    remove, copied = internals.remove_item, internals._recursive_copy

    def copy_tree(tree: Any) -> Any:  # noqa: ANN401 - botocore exports no name for it
        same = internals()
        same._root = tree._root
        return same

    def append_item(tree: Any, key: str, value: object, section: int = 1) -> None:  # noqa: ANN401 - as above
        tree._root = _with_handler(tree._root, key.split("."), value, section)

    def remove_item(tree: Any, key: str, value: object) -> None:  # noqa: ANN401 - as above
        tree._root = copied(tree, tree._root)
        remove(tree, key, value)

    internals.__copy__, internals.append_item, internals.remove_item = copy_tree, append_item, remove_item


def _with_handler(node: Any, parts: list[str], handler: object, section: int) -> dict[str, Any]:  # noqa: ANN401 - as above
    if not parts:
        values = [list(some) for some in node["values"] or ((), (), ())]
        values[section].append(handler)
        return {**node, "values": NodeList(*values)}
    child = node["children"].get(parts[0]) or {"chunk": parts[0], "values": None, "children": {}}
    return {**node, "children": {**node["children"], parts[0]: _with_handler(child, parts[1:], handler, section)}}


def _register_handlers_once() -> None:
    """Every session begins with botocore's own handlers."""
    internals: Any = Session
    register = internals._register_builtin_handlers
    registered: list[Any] = []

    def register_builtin_handlers(session: Session, events: Any) -> None:  # noqa: ANN401 - botocore exports no name for it
        tree = events._emitter._handlers
        if not registered:
            register(session, events)
            registered.append(tree._root)
        tree._root = registered[0]

    internals._register_builtin_handlers = register_builtin_handlers


def _share_service_models() -> None:
    """Every client has a model of its service, which makes the shapes of each operation as it is first called."""
    internals: Any = ClientCreator
    load = internals._load_service_model
    made: dict[int, ServiceModel] = {}

    def load_service_model(creator: ClientCreator, service_name: str, api_version: str | None = None) -> ServiceModel:
        model = load(creator, service_name, api_version)
        # The model keeps its data, so that no other data gets its id.
        return made.setdefault(id(model._service_description), model)

    internals._load_service_model = load_service_model


def _list_regions_once() -> None:
    """The regions of a service are searched in a list of all services."""
    internals: Any = Session
    find = internals.get_available_regions
    found: dict[tuple[object, ...], list[str]] = {}

    def regions_of(session: Session, *asked: Any, **named: Any) -> list[str]:  # noqa: ANN401 - as botocore takes it
        known = (*asked, *sorted(named.items()))
        if known not in found:
            found[known] = find(session, *asked, **named)
        return list(found[known])

    internals.get_available_regions = regions_of


def _find_proxies_once() -> None:
    """Every client looks through the whole environment for proxies, twice."""
    internals: Any = endpoint
    find = internals.get_environ_proxies
    variables: Any = os.environ

    @lru_cache(64)
    def found(url: str, _variables: frozenset[tuple[bytes, bytes]]) -> dict[str, str]:
        proxies: dict[str, str] = find(url)
        return proxies

    internals.get_environ_proxies = lambda url: dict(found(url, frozenset(variables._data.items())))


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
