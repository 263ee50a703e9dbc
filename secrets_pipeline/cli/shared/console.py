"""Write text: results on stdout, everything else on stderr.

rich is imported where it draws: a table, colours of a terminal. Plain lines do without it, which is a tenth of a second
of every command.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO, TypeAlias

from secrets_pipeline.cli.shared.workflow_commands import without_commands
from secrets_pipeline.errors import Lines, visible
from secrets_pipeline.golang.values import Value

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Line: TypeAlias = Sequence[tuple[str, str]]
"""Pieces of one line, each a text and its style."""
_NOT_PLAIN = re.compile(r"[^\x00-\x7e]|(?<=#)#(?=\[)")
"""In JSON: characters that may show nothing, and a part of what may be a command to the runner of GitHub Actions."""


def show(what: RenderableType, *, width: int | None = None) -> None:
    """Write a result for a human on stdout.

    Args:
        what: a table, a tree, a `Text`; in a `str` nothing is markup.
        width: columns; those of the terminal if None. Elsewhere `COLUMNS`, else `OFF_TERMINAL` for a table, and as many
            as needed for text.
    """
    from secrets_pipeline.cli.shared.tables import OFF_TERMINAL, Blocks, Table  # noqa: PLC0415 - see the module's docstring
    from secrets_pipeline.cli.shared.terminal import console  # noqa: PLC0415 - see the module's docstring

    if width is None and isinstance(what, Table | Blocks) and not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        width = OFF_TERMINAL
    drawing = console(sys.stdout, width)
    if drawing.is_terminal:
        drawing.print(what)
        return
    with drawing.capture() as captured:
        drawing.print(what)
    # Tables fill their lines up with spaces.
    emit("\n".join(line.rstrip() for line in captured.get().splitlines()))


def show_lines(lines: Iterable[Line]) -> None:
    """Write lines of a result for a human on stdout, in colours where it is a terminal."""
    _write(sys.stdout, lines)


def title(text: str) -> None:
    """Write a line in bold on stdout."""
    show_lines([[(text, "bold")]])


def messages() -> Console:
    """Return the console of logs, progress and errors, on stderr."""
    from secrets_pipeline.cli.shared.terminal import console  # noqa: PLC0415 - see the module's docstring

    return console(sys.stderr)


def say(text: str, *, style: str = "") -> None:
    """Write text for a human on stderr, unfolded; markup in it is text, and line ends are escaped but for `Lines`."""
    _write(sys.stderr, [[(text, style)]])


def _write(file: TextIO, pieces: Iterable[Line]) -> None:
    lines = [[(_shown(text), style) for text, style in line] for line in pieces]
    if _is_coloured(file):
        from rich.text import Text  # noqa: PLC0415 - see the module's docstring

        from secrets_pipeline.cli.shared.terminal import console  # noqa: PLC0415 - see the module's docstring

        drawing = console(file)
        for line in lines:
            drawing.print(Text.assemble(*line), soft_wrap=True)
        return
    for line in lines:
        text = without_commands("".join(piece for piece, _ in line))
        file.write(f"{text.rstrip(' ')}\n")
    file.flush()


def _shown(text: str) -> str:
    expanded = text.expandtabs()
    return visible(Lines(expanded) if isinstance(text, Lines) else expanded)


def _is_coloured(file: TextIO) -> bool:
    """Whether rich may colour what is written; it decides in the end, by more variables than these."""
    return file.isatty() or bool({"FORCE_COLOR", "TTY_COMPATIBLE"} & os.environ.keys())


def emit(text: str) -> None:
    """Write a result as it stands, and end its last line."""
    shown = without_commands(text)
    sys.stdout.write(shown if shown.endswith("\n") else f"{shown}\n")
    sys.stdout.flush()


def emit_json(value: Value) -> None:
    """Write a result as JSON: escape invisible characters and workflow commands; a parser reads the same value."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    emit(_NOT_PLAIN.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    if found[0] == "#":
        return "\\u0023"
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def counted(count: int, noun: str) -> str:
    """Write a number with its noun, for example `1 stack`, `2 stacks`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
