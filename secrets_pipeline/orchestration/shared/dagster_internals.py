"""List every private name of Dagster's that the product uses, and say once if this version of Dagster lacks one.

No other module imports from `dagster._core`, or reads or replaces what a storage keeps for itself. Where a name is
missing, Dagster's own way is used.
"""

import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import dagster as dg

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Internal:
    """An object of a private module.

    Attributes:
        module: where it is.
        otherwise: what becomes of the product without it, as a sentence.
    """

    module: str
    otherwise: str


INTERNALS: Final[Mapping[str, Internal]] = MappingProxyType(
    {
        "AssetCheckEvaluationTargetMaterializationData": Internal(
            "dagster._core.definitions.asset_checks.asset_check_evaluation",
            "An evaluation does not name the materialization that it judges.",
        ),
        "COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES": Internal(
            "dagster._core.storage.asset_check_execution_record",
            "The last evaluation of a check is looked for among those of all stacks.",
        ),
        "DefinitionsLoadContext": Internal(
            "dagster._core.definitions.definitions_load_context", "The process of a run reads all stacks as it loads."
        ),
        "DefinitionsLoadType": Internal(
            "dagster._core.definitions.definitions_load_context", "The process of a run reads all stacks as it loads."
        ),
        "PartitionKeyFilter": Internal(
            "dagster._core.event_api", "The last evaluation of a check is looked for among those of all stacks."
        ),
        "auto_reexecution_should_retry_run": Internal(
            "dagster._core.execution.retries", "A failed run is repeated by Dagster's `run_retries` alone."
        ),
        "create_pg_engine": Internal(
            "dagster_postgres.utils", "A run opens a connection to PostgreSQL for each statement."
        ),
    }
)

_POSTGRES: Final = {"_engine": None, "_token_provider": None, "postgres_url": None}
STORAGES: Final[Mapping[str, Mapping[str, tuple[str, ...] | None]]] = MappingProxyType(
    {
        "SqliteEventLogStorage": {
            "run_connection": ("run_id",),
            "index_connection": (),
            "has_table": ("table_name",),
            "store_event": ("event",),
            "dispose": (),
            "path_for_shard": ("run_id",),
            "_initialized_dbs": None,
        },
        "PostgresEventLogStorage": _POSTGRES,
        "PostgresRunStorage": _POSTGRES,
    }
)
"""Class of a storage → name of what we read or replace in its objects → parameters of a method; None for a value.

Classes are known by their names, as dagster.yaml knows them.
"""


@cache
def internal(name: str) -> Any:  # noqa: ANN401 - Dagster exports no name for its type
    """Return a private object of Dagster's, or None if this version has none; then say so, once a process.

    Args:
        name: one of `INTERNALS`.
    """
    one = INTERNALS[name]
    try:
        return getattr(import_module(one.module), name)
    except (ImportError, AttributeError):
        _LOG.warning("Dagster %s has no %s.%s. %s", dg.__version__, one.module, name, one.otherwise)
        return None


def is_as_known(storage: object) -> bool:
    """Tell whether a storage is one of `STORAGES` and has all that is named there; if it lacks some, say so, once.

    Args:
        storage: of Dagster's instance.
    """
    kind = type(storage).__name__
    missing = tuple(name for name, parameters in STORAGES.get(kind, {}).items() if _lacks(storage, name, parameters))
    if missing:
        _say_missing(kind, missing)
    return kind in STORAGES and not missing


def _lacks(storage: object, name: str, parameters: tuple[str, ...] | None) -> bool:
    if not hasattr(storage, name):
        return True
    return parameters is not None and tuple(inspect.signature(getattr(storage, name)).parameters) != parameters


@cache
def _say_missing(kind: str, names: tuple[str, ...]) -> None:
    _LOG.warning(
        "Dagster %s: %s has no %s, or another one. A run opens a connection for each statement.",
        dg.__version__,
        kind,
        ", ".join(names),
    )
