"""Write the help of `secrets-pipeline` itself. It imports next to nothing, as whoever asks for it waits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from secrets_pipeline.cli.commands import COMMANDS

PROGRAM: Final = "secrets-pipeline"
SUMMARY: Final = "Make AWS Secrets Manager match an Atmos repository, and keep it so."
VARIABLES: Final = (
    "Variables: SECRETS_PIPELINE_CONFIG names the operator's settings (as --config), ATMOS_BASE_PATH the repository, "
    "DAGSTER_HOME where runs are kept; AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and AWS's others count as everywhere. "
    "`secrets-pipeline config` shows all that are in force."
)
EPILOG: Final = (
    f"Exit codes: 0 done, 1 error (a mistyped option included). Results are on stdout, all else on stderr. {VARIABLES}"
)
VERSION_HELP: Final = "Print the version."
OPTIONS: Final = {
    "--version": VERSION_HELP,
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Show completion for the current shell, to copy it or customize the installation.",
    "-h, --help": "Show this message and exit.",
}
"""A test compares them with those that are taken."""
WIDEST: Final = 100
"""Columns of any help."""


def overview(program: str = PROGRAM) -> str:
    """Write the commands by heading, and the options, as wide as the terminal is.

    Args:
        program: what it is called by.
    """
    width = min(_columns(), WIDEST)
    lines = [f"Usage: {program} [OPTIONS] COMMAND [ARGS]...", "", *_folded(SUMMARY, width, "  ")]
    for heading, rows in (*COMMANDS.items(), ("Options", OPTIONS)):
        lines += ["", f"{heading}:", *_rows(rows.items(), width)]
    return "\n".join([*lines, "", *_folded(EPILOG, width, "  "), ""])


def _rows(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    indent = " " * (max(len(name) for names in (*COMMANDS.values(), OPTIONS) for name in names) + 4)
    for name, text in rows:
        first, *more = _folded(text, width, indent)
        yield f"  {name}".ljust(len(indent)) + first.removeprefix(indent)
        yield from more


def _folded(text: str, width: int, indent: str) -> list[str]:
    lines = [indent]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width and lines[-1] != indent:
            lines.append(indent)
        lines[-1] += word if lines[-1] == indent else f" {word}"
    return lines


def _columns() -> int:
    """Columns of the terminal, as `shutil.get_terminal_size` finds them: importing that takes half of a help's time."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return int(named)
    try:
        return os.get_terminal_size().columns or 80
    except OSError:
        return 80
