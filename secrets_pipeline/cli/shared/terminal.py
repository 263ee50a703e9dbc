"""The console of rich's on which text from YAML or AWS cannot speak to the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from secrets_pipeline.cli.shared.workflow_commands import without_commands
from secrets_pipeline.errors import visible

_UNFOLDED = 1000
"""Columns where no terminal says otherwise: what goes to a pipe or a log keeps a row on a line."""


def console(file: TextIO, width: int | None = None) -> Console:
    """Make a console.

    Args:
        file: where it writes.
        width: columns; those of the terminal if None, and as many as needed where there is none.
    """
    if width is None and not file.isatty() and "COLUMNS" not in os.environ:
        width = _UNFOLDED
    # Names come from YAML: nothing in them is markup, an emoji code or worth colouring.
    return _Console(file=file, width=width, markup=False, emoji=False, highlight=False)


class _Console(Console):
    """A console that shows what would speak to the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield segments without control characters, but for line ends and those of the console itself."""
        for segment in super().render(renderable, options):
            shown = segment.text if segment.control else without_commands(visible(segment.text, kept="\n"))
            yield segment._replace(text=shown)
