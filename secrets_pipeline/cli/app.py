"""Assemble the command `secrets-pipeline`; each command is imported when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from secrets_pipeline import __version__
from secrets_pipeline.cli.overview import EPILOG, PROGRAM, SUMMARY, VERSION_HELP, WIDEST
from secrets_pipeline.cli.root import Root
from secrets_pipeline.cli.shared.console import emit
from secrets_pipeline.cli.shared.interrupts import keep_interrupts

app = typer.Typer(
    name=PROGRAM,
    cls=Root,
    no_args_is_help=True,
    # A traceback with locals would show values.
    pretty_exceptions_enable=False,
    # Help is plain text: to import rich takes longer than to write it.
    rich_markup_mode=None,
    context_settings={"max_content_width": WIDEST},
    help=SUMMARY,
    epilog=EPILOG,
)


def _version(asked: bool) -> None:
    if asked:
        emit(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help=VERSION_HELP, callback=_version, is_eager=True)] = False,
) -> None:
    """Options of the command itself."""


def run() -> None:
    """Run the command line of this process."""
    keep_interrupts()
    app(prog_name=PROGRAM)
