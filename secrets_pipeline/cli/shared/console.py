"""Write text: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from secrets_pipeline.cli.shared.tables import Table
from secrets_pipeline.errors import visible
from secrets_pipeline.golang.values import Value

_UNFOLDED = 1000
"""Columns where no terminal says otherwise: what goes to a pipe or a log keeps a row on a line."""


_INVISIBLE = re.compile("[\x7f-\U0010ffff]")


def show(what: RenderableType, *, width: int | None = None) -> None:
    """Write a result for a human on stdout.

    Args:
        what: a table, a tree, a `Text`; in a `str` nothing is markup.
        width: columns; those of the terminal if None, and as many as needed where there is none.
    """
    console = _console(sys.stdout, width)
    if console.is_terminal:
        console.print(what)
        return
    if isinstance(what, Table):
        emit("\n".join(what.lines()))
        return
    with console.capture() as captured:
        console.print(what)
    # Tables fill their lines up with spaces.
    emit("\n".join(line.rstrip() for line in captured.get().splitlines()))


def title(text: str) -> None:
    """Write a line in bold on stdout."""
    show(Text(text, style="bold"))


def messages() -> Console:
    """Return the console of logs, progress and errors, on stderr."""
    return _console(sys.stderr)


def say(text: str, *, style: str = "") -> None:
    """Write text for a human on stderr, unfolded; markup in it is text."""
    messages().print(Text(text, style=style), soft_wrap=True)


def emit(text: str) -> None:
    """Write a result as it stands, and end its last line."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def emit_json(value: Value) -> None:
    """Write a result as JSON; characters that show nothing are escaped, so that it means the same."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    emit(_INVISIBLE.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text))


def _console(file: TextIO, width: int | None = None) -> Console:
    if width is None and not file.isatty() and "COLUMNS" not in os.environ:
        width = _UNFOLDED
    # Names come from YAML: nothing in them is markup, an emoji code or worth colouring.
    return _Console(file=file, width=width, markup=False, emoji=False, highlight=False)


class _Console(Console):
    """A console on which text from YAML or AWS cannot speak to the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield segments without control characters, but for line ends and those of the console itself."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text, kept="\n"))
