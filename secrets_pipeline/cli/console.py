"""Where text goes: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from secrets_pipeline.stacks import Value

_UNFOLDED = 1000
"""Columns where no terminal says otherwise: what goes to a pipe or a log keeps a row on a line."""


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
    with console.capture() as captured:
        console.print(what)
    # Tables fill their lines up with spaces.
    emit("\n".join(line.rstrip() for line in captured.get().splitlines()))


def title(text: str) -> None:
    """Write a line in bold on stdout."""
    show(Text(text, style="bold"))


def messages() -> Console:
    """The console of logs, progress and errors, on stderr."""
    return _console(sys.stderr)


def say(text: str, *, style: str = "") -> None:
    """Write text for a human on stderr, unfolded; markup in it is text."""
    messages().print(Text(text, style=style), soft_wrap=True)


def emit(text: str) -> None:
    """Write a result as it stands, and end its last line."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def emit_json(value: Value) -> None:
    """Write a result as JSON."""
    emit(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _console(file: TextIO, width: int | None = None) -> Console:
    if width is None and not file.isatty() and "COLUMNS" not in os.environ:
        width = _UNFOLDED
    # Names come from YAML: nothing in them is markup, an emoji code or worth colouring.
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)
