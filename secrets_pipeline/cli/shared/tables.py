"""Lay out tables: no wider than the terminal, long cells folded, and one line a row where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

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


_GAP = "  "
_INDENT = "    "
_HEAD = "bold"
_LEAST_OF_LAST = 30
"""Columns that the last cell has at least: it tells in sentences, and may be folded inside of a word."""
_MOST_PADDED = 60
_NOTHING = "-"


class Table:
    """Cells under headings. On a terminal rich draws it (`__rich_console__`), elsewhere it has `lines`.

    Attributes:
        columns: the headings.
        rows: the cells.
    """

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
        self.columns = tuple(columns)
        self.rows = tuple(tuple(map(_text, row)) for row in rows)

    @property
    def row_count(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def lines(self) -> Iterator[str]:
        """Write headings and rows, a line each, for `grep` and `awk -F '  +'`: an empty cell is `-`."""
        cells = [list(self.columns), *([_line(cell.plain) for cell in row] for row in self.rows)]
        cells = [[cell or _NOTHING for cell in row] for row in cells]
        widths = [min(max(map(len, column)), _MOST_PADDED) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            yield _GAP.join(padded).rstrip()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        heads = [Text(column, style=_HEAD) for column in self.columns]
        widths = _widths([heads, *self.rows], options.max_width)
        if widths is not None:
            for row in [heads, *self.rows]:
                yield from _beside(console, row, widths)
            return
        labelled = _length(Text(_GAP).join(heads)) > options.max_width
        for row in self.rows:
            above, below = (row[:1], self._labelled(row)) if labelled else (row[:-1], row[-1:])
            yield from _folded(console, Text(_GAP).join(filter(None, above)), options.max_width, first="")
            for cell in filter(None, below):
                yield from _folded(console, cell, options.max_width, first=_INDENT)

    def _labelled(self, row: Sequence[Text]) -> list[Text]:
        cells = zip(self.columns[1:], row[1:], strict=True)
        return [Text.assemble((f"{column}: ", _HEAD), cell) for column, cell in cells if cell]


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Make a table; where the console is too narrow, cells are folded, never cut."""
    return Table(columns, rows)


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(visible(cell, kept="\n"))


def _line(cell: str) -> str:
    return visible(" ".join(cell.split()))


def _length(cell: Text) -> int:
    return max((line.cell_len for line in cell.split("\n", allow_blank=True)), default=0)


def _widths(rows: Sequence[Sequence[Text]], width: int) -> list[int] | None:
    """How wide each column is; None where no row has room even with its cells folded between words."""
    columns = list(zip(*rows, strict=True))
    natural = [max(map(_length, column)) for column in columns]
    room = width - len(_GAP) * (len(columns) - 1)
    least = [max((len(word) for cell in column for word in cell.plain.split()), default=0) for column in columns]
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


def _folded(console: Console, cell: Text, width: int, *, first: str) -> Iterator[Text]:
    for number, line in enumerate(cell.wrap(console, max(width - len(_INDENT), 1), overflow="fold")):
        line.rstrip()
        yield Text(_INDENT if number else first, no_wrap=True).append_text(line)


def word(text: str) -> Text:
    """Write a word in the colour of its meaning."""
    return Text(text, style=STYLES.get(text, ""))
