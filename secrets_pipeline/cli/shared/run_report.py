"""Print outcomes and checks of runs: many of which the same is said as one row, unless each is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from secrets_pipeline.cli.shared.console import emit, say, show, title
from secrets_pipeline.cli.shared.run_view import (
    UNKNOWN,
    check_counts,
    check_result,
    check_table,
    cures,
    is_shortened,
    outcome_table,
    unasked_lines,
)

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.in_process.running import CheckRow

SHORTENED = "Of many alike three are named: --show-all lists each."
Rows = Sequence[Mapping[str, str]]


def print_outcomes(head: str, rows: Rows, *, every: bool) -> None:
    """Print a heading and the table of what was applied, failed or skipped.

    Args:
        head: the heading.
        rows: of a run.
        every: a row for each.
    """
    title(head)
    made = outcome_table(rows, every=every)
    if made is not None:
        show(made)
        emit("")


def print_checks(checks: Sequence[CheckRow], *, every: bool, left_out: bool = False) -> None:
    """Print the checks that did not pass, what to do about those that failed, and how many passed.

    Args:
        checks: of one or more stacks.
        every: a row for each check, and all that it says.
        left_out: see `check_counts`.
    """
    told = [check for check in checks if check_result(check) != UNKNOWN]
    shown = told if every else [check for check in told if not check.passed]
    if shown:
        show(check_table(shown, every=every))
        emit("")
    for name, todo in cures(checks):
        title(f"What to do about {name}")
        for paragraph in _paragraphs(todo):
            show(Padding(Text(paragraph), (0, 0, 0, 2)))
        emit("")
    for line in unasked_lines(checks):
        show(Text(line, style="red"))
    if checks:
        title(check_counts(checks, left_out=left_out))


def _paragraphs(markdown: str) -> Iterator[str]:
    """Join the lines of each paragraph and each item of a list."""
    for block in re.split(r"\n(?=\* )|\n\n", markdown):
        if block.strip():
            yield " ".join(block.split())


def hint(rows: Iterable[Mapping[str, str]], checks: Iterable[CheckRow], *, every: bool) -> None:
    """Say how each can be listed, where that was not done."""
    if not every and is_shortened(rows, checks):
        say(SHORTENED, style="dim")
