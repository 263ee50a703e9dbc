"""Make what the pages of the UI show: a sentence first, then tables with red rows first, and data of programs last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import dagster as dg

from secrets_pipeline.engine.model import Outcome
from secrets_pipeline.engine.report import count, rows, summary, told
from secrets_pipeline.orchestration.pages.console import console_link
from secrets_pipeline.reconcilers.stack import Stack

Row: TypeAlias = Mapping[str, str]
Metadata: TypeAlias = Mapping[str, dg.MetadataValue[Any]]

DATA: Final = "written for programs"
"""Metadata that programs read, under one key. The UI shows that of a check by its keys' alphabet, and this one last."""
OUTCOMES: Final = "outcomes"
"""In the data of a stage: a row an outcome, as `engine.report.rows` makes them."""
_LONGEST_NAME: Final = 40
"""Characters of a name in a table of outcomes; a longer one keeps its end, and is whole in the data."""
MOST_ROWS = 100
"""In one table: an event log keeps every event, each check and stage of a run has one, and the UI draws all rows."""
_TELLING = ("failed", "skipped", "applied")


# Each asset of a run asks for it, and the digest is over the whole stack.
@lru_cache(maxsize=1)
def version_of(stack: Stack) -> dg.DataVersion:
    """Return the data version of every asset of a stack: what is declared, so that "Unsynced" means changed YAML."""
    return dg.DataVersion(stack.spec.digest())


def materialized(
    stack: Stack,
    stage: str,
    outcomes: Sequence[Outcome],
    *,
    shown: Metadata | None = None,
    data: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult[None]:
    """Make the `MaterializeResult` of outcomes.

    Args:
        stack: whose.
        stage: the asset.
        outcomes: what became of it.
        shown: what people see besides, behind the changes.
        data: what programs read besides.
    """
    link = console_link(stack, stage)
    return dg.MaterializeResult(
        data_version=version_of(stack),
        metadata={
            **outcomes_page(rows(outcomes)),
            **(shown or {}),
            **({"console": dg.MetadataValue.url(link)} if link else {}),
            "changed": count(outcomes).applied,
            DATA: outcomes_data(outcomes, data or {}),
        },
    )


def outcomes_data(
    outcomes: Sequence[Outcome], further: Mapping[str, Any] = MappingProxyType({})
) -> dg.MetadataValue[Any]:
    """Make the data of outcomes: a row of each, and how many there are of a kind."""
    return dg.MetadataValue.json({**asdict(count(outcomes)), OUTCOMES: rows(outcomes), **further})


def outcomes_page(table: Sequence[Row]) -> Metadata:
    """Make the sentence of outcomes, and the table of those that are more than "unchanged"."""
    changes = [row for row in table if row["outcome"] != "unchanged"]
    shown = {"changes": outcomes_table(sorted(changes, key=telling))} if changes else {}
    return {"summary": dg.MetadataValue.text(summary(table)), **shown}


def outcomes_table(table: Sequence[Row]) -> dg.MetadataValue[Any]:
    """Make a table of outcomes in their order; those of which the same is said are one row."""
    return table_of([_outcome(row) for row in told(table)], telling)


def _outcome(row: Row) -> Row:
    return {
        "outcome": row["outcome"],
        "change": f"{row['action']} {row['kind']}",
        # One row may name several.
        "name": " ".join(map(_narrow, row["name"].split(" "))),
        "detail": row["detail"],
    }


def _narrow(word: str) -> str:
    return word if len(word) <= _LONGEST_NAME else f"…{word[1 - _LONGEST_NAME :]}"


def data_of(metadata: Mapping[str, dg.MetadataValue[Any]] | None) -> Mapping[str, Any]:
    """Read what programs read of an event; empty where there is none."""
    value = metadata[DATA].value if metadata and DATA in metadata else {}
    return value if isinstance(value, dict) else {}


def outcome_rows(metadata: Mapping[str, dg.MetadataValue[Any]] | None) -> list[dict[str, str]]:
    """Read the outcomes of an event."""
    value = data_of(metadata).get(OUTCOMES)
    return [dict(row) for row in value] if isinstance(value, list) else []


def telling(row: Row) -> int:
    """Rank a row of outcomes: what failed comes first, what is unchanged last."""
    return _TELLING.index(row["outcome"]) if row["outcome"] in _TELLING else len(_TELLING)


def table_of(
    table: Sequence[Row], rank: Callable[[Row], int] | None = None, *, empty: str = "Nothing is declared here."
) -> dg.MetadataValue[Any]:
    """Make a table of rows as metadata, which the UI renders.

    Args:
        table: the first row has every column.
        rank: of which rows a hundred stay of a longer table, the lowest first; None for the order that they are in.
        empty: what stands in the place of a table without rows.
    """
    if not table:
        return dg.MetadataValue.text(empty)
    schema = dg.TableSchema([dg.TableColumn(column) for column in table[0]])
    ranked = table if rank is None or len(table) <= MOST_ROWS else sorted(table, key=rank)
    records = [dg.TableRecord({column: row.get(column, "") for column in table[0]}) for row in ranked[:MOST_ROWS]]
    if more := len(table) - len(records):
        records.append(dg.TableRecord({**dict.fromkeys(table[0], ""), next(iter(table[0])): f"… {more} more"}))
    return dg.MetadataValue.table(records, schema)
