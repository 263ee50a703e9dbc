"""Build tables that fold long cells instead of cutting them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from secrets_pipeline.errors import visible

STYLES: Mapping[str, str] = {
    "create": "green",
    "update": "yellow",
    "restore": "yellow",
    "adopt": "yellow",
    "rotate": "yellow",
    "replicate": "yellow",
    "prune": "red",
    "orphan": "magenta",
    "blocked": "magenta",
    "none": "dim",
    "applied": "green",
    "unchanged": "dim",
    "failed": "red",
    "skipped": "magenta",
    "passed": "green",
    "warning": "magenta",
    "fine": "green",
    "advised": "yellow",
    "will fail": "red",
    "unknown": "magenta",
}


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Build a table; where the console is too narrow, cells are folded, never cut."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(visible(cell, kept="\n")) for cell in row))
    return made


def word(text: str) -> Text:
    """Write a word in the colour of its meaning."""
    return Text(text, style=STYLES.get(text, ""))
