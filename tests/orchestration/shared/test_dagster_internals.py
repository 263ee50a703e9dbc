"""Where a version of Dagster lacks a private name that the product uses, Dagster's own way is used, and said once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage
from sqlalchemy import NullPool, QueuePool

from secrets_pipeline.orchestration.shared import dagster_internals
from secrets_pipeline.orchestration.shared.dagster_internals import INTERNALS, STORAGES, internal, is_as_known
from secrets_pipeline.orchestration.shared.event_log import keep_connections
from secrets_pipeline.orchestration.verification.history import last_evaluation, last_materialization

PRODUCT = Path(dagster_internals.__file__).parents[2]
URL = "postgresql+psycopg2://nobody:x@127.0.0.1:1/none"
KEY = dg.AssetCheckKey(dg.AssetKey("secrets"), "marks_verify")
NAMES = [(kind, name) for kind, names in STORAGES.items() for name in names]


@pytest.fixture(autouse=True)
def unsaid() -> Iterator[None]:
    """Nothing was said yet, and nothing stays said."""
    for clear in (internal.cache_clear, dagster_internals._say_missing.cache_clear):
        clear()
    yield
    for clear in (internal.cache_clear, dagster_internals._say_missing.cache_clear):
        clear()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


@pytest.fixture
def storage(instance: dg.DagsterInstance) -> Callable[[str], Any]:
    """A storage of each class, which opens no connection."""
    return {
        "SqliteEventLogStorage": lambda: instance.event_log_storage,
        "PostgresEventLogStorage": lambda: PostgresEventLogStorage(URL, should_autocreate_tables=False),
        "PostgresRunStorage": lambda: PostgresRunStorage(URL, should_autocreate_tables=False),
    }.__getitem__


def lacking(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have Dagster lack an object of a private module."""
    monkeypatch.delattr(import_module(INTERNALS[name].module), name)


def without(kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the objects of a class lack a name."""

    def lost(_self: object) -> None:
        raise AttributeError(name)

    classes = {one.__name__: one for one in (SqliteEventLogStorage, PostgresEventLogStorage, PostgresRunStorage)}
    monkeypatch.setattr(classes[kind], name, property(lost, lambda _self, _value: None), raising=False)


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.message for one in caplog.records if one.levelno >= logging.WARNING]


def test_this_version_has_every_name(storage: Callable[[str], Any], caplog: pytest.LogCaptureFixture) -> None:
    assert [name for name in INTERNALS if internal(name) is None] == []
    assert [kind for kind in STORAGES if not is_as_known(storage(kind)())] == []
    assert warnings_of(caplog) == []


def test_no_other_module_imports_what_dagster_calls_private() -> None:
    sources = {path.relative_to(PRODUCT): path.read_text() for path in PRODUCT.rglob("*.py")}
    assert [path for path, text in sources.items() if "TID251" in text or "import dagster._" in text] == []
    assert [path for path, text in sources.items() if "from dagster._" in text] == []


@pytest.mark.parametrize("name", sorted(INTERNALS))
def test_a_missing_object_is_said_once(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lacking(monkeypatch, name)
    assert (internal(name), internal(name)) == (None, None)
    (said,) = warnings_of(caplog)
    assert f"has no {INTERNALS[name].module}.{name}. {INTERNALS[name].otherwise}" in said


def test_a_missing_module_is_said_too(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    moved = dagster_internals.Internal("dagster._core.moved_elsewhere", "Nothing is lost.")
    monkeypatch.setattr(dagster_internals, "INTERNALS", {"PartitionKeyFilter": moved})
    assert internal("PartitionKeyFilter") is None
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_storage_that_lacks_a_name_stays_as_dagster_made_it(
    kind: str,
    name: str,
    storage: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = storage(kind)()
    before = dict(vars(made))
    with monkeypatch.context() as patch:
        without(kind, name, patch)
        for _ in range(2):
            keep_connections(_Instance(made))  # type: ignore[arg-type] # it has what is asked of one
    assert dict(vars(made)) == before
    (said,) = warnings_of(caplog)
    assert f"{kind} has no {name}, or another one" in said


@pytest.mark.parametrize("name", [name for name, parameters in STORAGES["SqliteEventLogStorage"].items() if parameters])
def test_a_run_is_as_dagster_does_it_where_a_method_takes_other_parameters(
    name: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = getattr(SqliteEventLogStorage, name)

    def other(self: SqliteEventLogStorage, *arguments: object) -> object:
        return own(self, *arguments)

    monkeypatch.setattr(SqliteEventLogStorage, name, other)
    keep_connections(instance)
    assert "run_connection" not in vars(instance.event_log_storage)

    @dg.job
    def work() -> None:
        pass

    assert work.execute_in_process(instance=instance).success


def test_a_storage_that_has_every_name_keeps_its_connections(
    storage: Callable[[str], Any], instance: dg.DagsterInstance
) -> None:
    keep_connections(instance)
    assert "run_connection" in vars(instance.event_log_storage)
    for kind in ("PostgresEventLogStorage", "PostgresRunStorage"):
        made = storage(kind)()
        keep_connections(_Instance(made))  # type: ignore[arg-type] # it has what is asked of one
        assert isinstance(made._engine.pool, QueuePool)


def test_without_the_function_that_makes_an_engine_postgresql_is_as_dagster_has_it(
    storage: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking(monkeypatch, "create_pg_engine")
    made = storage("PostgresRunStorage")()
    keep_connections(_Instance(made))  # type: ignore[arg-type] # it has what is asked of one
    assert isinstance(made._engine.pool, NullPool)


@pytest.mark.parametrize("name", [None, "PartitionKeyFilter", "COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES"])
def test_the_last_evaluation_of_a_stack_is_found_without_dagsters_filter(
    name: str | None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name is not None:
        lacking(monkeypatch, name)
    for stack, passed in (("a-dev", True), ("b-dev", False)):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(KEY.asset_key, KEY.name, passed=passed, partition=stack)
        )
    found = {stack: last_evaluation(instance, KEY, stack) for stack in ("a-dev", "b-dev", "c-dev")}
    assert {stack: one and one.is_green for stack, one in found.items()} == {
        "a-dev": True,
        "b-dev": False,
        "c-dev": None,
    }


def test_an_evaluation_names_no_materialization_where_dagster_has_no_class_for_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY.asset_key, partition="a-dev"))
    assert last_materialization(instance, KEY.asset_key, "a-dev") is not None
    internal.cache_clear()
    lacking(monkeypatch, "AssetCheckEvaluationTargetMaterializationData")
    assert last_materialization(instance, KEY.asset_key, "a-dev") is None


class _Instance:
    """An instance that keeps everything in one storage."""

    def __init__(self, storage: object) -> None:
        self.event_log_storage = self.run_storage = storage
