"""Print outcomes and checks of runs: many of which the same is said as one row, unless each is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from secrets_pipeline.cli.shared.console import emit, say, show, title
from secrets_pipeline.cli.shared.run_view import (
    UNKNOWN,
    check_counts,
    check_result,
    check_table,
    is_shortened,
    outcome_table,
    passed_lines,
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


def print_checks(checks: Sequence[CheckRow], *, every: bool, passed: bool = True) -> None:
    """Print the checks that did not pass, the names of those that did, and how many each are.

    Args:
        checks: of one or more stacks.
        every: a row for each check, and all that it says.
        passed: whether to name those that passed.
    """
    told = [check for check in checks if check_result(check) != UNKNOWN]
    shown = told if every and passed else [check for check in told if not check.passed]
    if shown:
        show(check_table(shown, every=every))
        emit("")
    if passed and not every:
        for line in passed_lines(checks):
            show(Text(line))
    for line in unasked_lines(checks):
        show(Text(line, style="red"))
    if checks:
        title(check_counts(checks))


def hint(rows: Iterable[Mapping[str, str]], checks: Iterable[CheckRow], *, every: bool) -> None:
    """Say how each can be listed, where that was not done."""
    if not every and is_shortened(rows, checks):
        say(SHORTENED, style="dim")
