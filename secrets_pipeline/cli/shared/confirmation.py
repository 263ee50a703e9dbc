"""Ask before a command writes: on a terminal the word `yes` goes on; elsewhere nobody could answer, and is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated, TypeAlias

import typer

from secrets_pipeline.cli.shared.console import messages, say
from secrets_pipeline.cli.shared.failures import FAILED

WORD = "yes"
"""The whole word, as Terraform and Atmos want it: nobody types it by accident."""

Yes: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Ask nothing. Without it a terminal is asked; what is no terminal, as in CI, never is."
    ),
]


def asks(*, yes: bool) -> bool:
    """Tell whether somebody is asked: standard input and standard error are terminals, and --yes was not given."""
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, warnings: Iterable[str] = ()) -> None:
    """Ask on standard error, and read a line from standard input; only the word `yes` goes on.

    Args:
        question: ends with a question mark.
        warnings: what cannot be undone, or takes something away; a line each, before the question.

    Raises:
        typer.Exit: with exit code 1 for every other answer, also none; nothing was written then.
    """
    for warning in warnings:
        say(f"! {warning}", style="bold red")
    console = messages()
    console.print(f"{question} Only `{WORD}` goes on: ", style="bold", end="", soft_wrap=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        console.print()
    if answer.strip() != WORD:
        say("Nothing was written.")
        raise typer.Exit(FAILED)
