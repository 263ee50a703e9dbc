"""Lay out tables: no wider than the terminal, or than `OFF_TERMINAL`; long cells are folded, never cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from rich.console import Console, ConsoleOptions
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
    "unsafe": "red",
    "unknown": "magenta",
    "well": "green",
    "silent": "red",
    "failing": "red",
    "stopped": "red",
    "overdue": "red",
    "queued": "red",
    "starting": "red",
}


OFF_TERMINAL = 120
"""Columns of a table in a pipe, a file or a log, unless COLUMNS says another number."""
_GAP = "  "
_INDENT = "    "
_HEAD = "bold"
_LEAST_OF_LAST = 30
"""Columns that the last cell has at least: it tells in sentences, and may be folded inside of a word."""
Cell: TypeAlias = str | Text


class Table:
    """Cells under headings, as wide as the console at most.

    Cells are folded between words. If a row has no room, its longest cells stand below it, each behind its heading.

    Attributes:
        columns: the headings.
        rows: the cells.
    """

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        self.columns = tuple(columns)
        self.rows = tuple(tuple(map(_text, row)) for row in rows)

    @property
    def row_count(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        heads = [Text(column, style=_HEAD) for column in self.columns]
        beside, widths = _layout([heads, *self.rows], options.max_width)
        below = [column for column in range(len(heads)) if column not in beside]
        if beside:
            yield from _beside(console, [heads[column] for column in beside], widths)
        for row in self.rows:
            if beside:
                yield from _beside(console, [row[column] for column in beside], widths)
            for column in below:
                yield from _labelled(console, self.columns[column], row[column], options.max_width)


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Make a table; if the console is too narrow, cells are folded, never cut."""
    return Table(columns, rows)


class Blocks:
    """A heading a block, and below it labelled lines: what a table with a column for each secret cannot show.

    Attributes:
        blocks: heading, then label and text of each line.
    """

    def __init__(self, blocks: Iterable[tuple[str, Sequence[tuple[str, Cell]]]]) -> None:
        self.blocks = tuple(blocks)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for head, lines in self.blocks:
            yield from _folded(console, Text(visible(head), style=_HEAD), options.max_width, first="")
            for label, cell in lines:
                yield from _labelled(console, label, _text(cell), options.max_width)


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(visible(cell, kept="\n"))


def _length(cell: Text) -> int:
    return max((line.cell_len for line in cell.split("\n", allow_blank=True)), default=0)


def _layout(rows: Sequence[Sequence[Text]], width: int) -> tuple[list[int], list[int]]:
    """Choose the columns that stand beside each other, and how wide each is; the others stand below."""
    columns = list(zip(*rows, strict=True))
    natural = [max(map(_length, column)) for column in columns]
    beside = list(range(len(columns)))
    while beside:
        has_last = beside[-1] == len(columns) - 1
        if widths := _widths([columns[column] for column in beside], width, has_last=has_last):
            return beside, widths
        # Sentences stand last, and read well below a row.
        is_sentence = has_last and natural[-1] > _LEAST_OF_LAST
        # A row begins with what it is about.
        movable = beside[1:] or beside
        beside.remove(beside[-1] if is_sentence else max(movable, key=lambda column: (natural[column], column)))
    return [], []


def _widths(columns: Sequence[Sequence[Text]], width: int, *, has_last: bool) -> list[int] | None:
    """How wide each column is; None if a row has no room even with its cells folded between words."""
    natural = [max(map(_length, column)) for column in columns]
    room = width - len(_GAP) * (len(columns) - 1)
    least = [max((len(word) for cell in column for word in cell.plain.split()), default=0) for column in columns]
    if has_last:
        least[-1] = min(least[-1], _LEAST_OF_LAST)
    if sum(natural) <= room:
        return natural
    if sum(least) > room:
        return None
    widths, left = list(least), room - sum(least)
    # The narrow ones first: what they do not need is the others'.
    wanting = sorted(range(len(widths)), key=lambda one: natural[one] - least[one])
    for place, column in enumerate(wanting):
        more = min(natural[column] - least[column], left // (len(wanting) - place))
        widths[column] += more
        left -= more
    return widths


def _beside(console: Console, row: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
    folded = [list(cell.wrap(console, width, overflow="fold")) for cell, width in zip(row, widths, strict=True)]
    for number in range(max(map(len, folded))):
        line = Text(no_wrap=True)
        for cells, width in zip(folded, widths, strict=True):
            cell = cells[number] if number < len(cells) else Text()
            cell.rstrip()
            line.append_text(cell).append(" " * (width - cell.cell_len)).append(_GAP)
        line.rstrip()
        yield line


def _labelled(console: Console, label: str, cell: Text, width: int) -> Iterator[Text]:
    if cell:
        yield from _folded(console, Text.assemble((f"{label}: ", _HEAD), cell), width, first=_INDENT)


def _folded(console: Console, cell: Text, width: int, *, first: str) -> Iterator[Text]:
    after = f"{first}{_GAP}"
    for number, line in enumerate(cell.wrap(console, max(width - len(after), 1), overflow="fold")):
        line.rstrip()
        yield Text(after if number else first, no_wrap=True).append_text(line)


def word(text: str) -> Text:
    """Write a word in the colour of its meaning."""
    return Text(text, style=STYLES.get(text, ""))
