"""Cache what botocore, alembic and SQLAlchemy compute again for each session, client and Dagster instance.

The tests make thousands of these. The cached results are the same each time: event names, the methods of a service,
Dagster's migrations and the text of SQL statements.
"""

from __future__ import annotations

from functools import cache, lru_cache
from types import ModuleType
from typing import Any
from weakref import WeakSet

from alembic.config import Config
from alembic.script import ScriptDirectory
from botocore.client import ClientCreator
from botocore.hooks import BaseEventHooks, EventAliaser
from botocore.model import ServiceModel
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage


def pytest_configure() -> None:
    """Install the caches before a test creates the first session or instance."""
    _alias_events_once()
    _look_at_handlers_once()
    _make_methods_once()
    _read_migrations_once()
    for storage in (sqlite_run_storage, sqlite_schedule_storage):
        _compile_statements_once(storage)


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


def _compile_statements_once(storage: ModuleType) -> None:
    """An engine caches compiled statements, but these storages create an engine for every connection."""
    internals: Any = storage
    internals.create_engine = lru_cache(16)(internals.create_engine)
