"""Make what the pages of the UI show: a sentence first, then lists with red lines first, and data of programs last."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import dagster as dg

from secrets_pipeline.engine.model import Outcome
from secrets_pipeline.engine.report import count, rows, summary, told
from secrets_pipeline.orchestration.pages.console import console_link
from secrets_pipeline.orchestration.pages.lines import MOST_ROWS, common_folder, lines_of
from secrets_pipeline.reconcilers.stack import Stack

Row: TypeAlias = Mapping[str, str]
Metadata: TypeAlias = Mapping[str, dg.MetadataValue[Any]]

DATA: Final = "written for tools"
"""Metadata that programs read, under one key. The UI shows that of a check by its keys' alphabet, and this one last."""
_SHOWN: Final = 1_000
"""Characters from which on the UI shows JSON and Markdown behind a link, not in the page."""
OUTCOMES: Final = "outcomes"
"""In the data of a stage: a row an outcome, as `engine.report.rows` makes them."""
_FILLING: Final = "-"
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
            **outcomes_page(rows(outcomes), common_folder(stack.spec)),
            **(shown or {}),
            **link_of("console", link),
            "changed": count(outcomes).applied,
            DATA: outcomes_data(outcomes, data or {}),
        },
    )


def outcomes_data(
    outcomes: Sequence[Outcome], further: Mapping[str, Any] = MappingProxyType({})
) -> dg.MetadataValue[Any]:
    """Make the data of outcomes: a row of each, and how many there are of a kind."""
    return program_data({**asdict(count(outcomes)), OUTCOMES: rows(outcomes), **further})


def program_data(data: Mapping[str, Any]) -> dg.MetadataValue[Any]:
    """Make metadata of what programs read, long enough to stand behind a link: as text it widens the page."""
    return dg.MetadataValue.json({**data, _FILLING: " " * (_SHOWN - len(json.dumps(data)))})


def link_of(name: str, url: str) -> Metadata:
    """Make metadata that is a link with a name; none of an empty URL. The UI shows a URL whole, as one long word."""
    return {name: dg.MetadataValue.md(f"[{name}]({url})")} if url else {}


def folded_list(lines: Sequence[str]) -> dg.MetadataValue[Any]:
    """Make a list that stands behind a link, where each line is whole and can be copied."""
    return dg.MetadataValue.md("\n".join(f"- `{line}`" for line in lines).ljust(_SHOWN))


def outcomes_page(table: Sequence[Row], folder: str = "") -> Metadata:
    """Make the sentence of outcomes, and the list of those that are more than "unchanged".

    Args:
        table: as `engine.report.rows` makes it.
        folder: see `lines_of`.
    """
    changes = [row for row in table if row["outcome"] != "unchanged"]
    shown = {"changes": outcome_lines(sorted(changes, key=telling), folder)} if changes else {}
    return {"summary": dg.MetadataValue.text(summary(table)), **shown}


def outcome_lines(table: Sequence[Row], folder: str = "") -> dg.MetadataValue[Any]:
    """List outcomes; equal ones share a line, and a long list begins with the failed ones."""
    shown = told(table)
    if len(shown) > MOST_ROWS:
        shown.sort(key=telling)
    return lines_of("changes", [_outcome(row) for row in shown], folder=folder)


def _outcome(row: Row) -> str:
    line = f"{row['outcome']}: {row['action']} {row['kind']} {row['name']}"
    return f"{line} ({row['detail']})" if row["detail"] else line


def data_of(metadata: Mapping[str, dg.MetadataValue[Any]] | None) -> Mapping[str, Any]:
    """Read what programs read of an event; empty where there is none."""
    value = metadata[DATA].value if metadata and DATA in metadata else {}
    return value if isinstance(value, dict) else {}


def known_fields(kind: type, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a dataclass that a row has: another version of the pipeline may have written more."""
    return {field.name: row[field.name] for field in fields(kind) if field.name in row}


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
