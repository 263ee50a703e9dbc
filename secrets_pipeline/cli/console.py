"""Where text goes: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

WIDTH = 140
"""Columns where no terminal says otherwise: a table in a pipe or a log is neither cut nor folded to 80."""


def results() -> Console:
    """The console of results, on stdout."""
    return _console(sys.stdout)


def messages() -> Console:
    """The console of logs, progress and errors, on stderr."""
    return _console(sys.stderr)


def emit(text: str) -> None:
    """Write a result as it stands, without wrapping."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def emit_json(value: Any) -> None:  # noqa: ANN401 - a JSON-shaped tree
    """Write a result as JSON."""
    emit(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say(text: str, *, style: str = "") -> None:
    """Write a line for a human on stderr; markup in it is text."""
    messages().print(Text(text, style=style), soft_wrap=True)


def _console(file: TextIO) -> Console:
    # Names come from YAML: nothing in them is markup, an emoji code or worth colouring.
    sized = file.isatty() or "COLUMNS" in os.environ
    return Console(file=file, width=None if sized else WIDTH, markup=False, emoji=False, highlight=False)
