"""The lines of the demo: few, and none wider than a terminal. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.cli.delivered import Delivered
from secrets_pipeline.cli.run_view import check_counts, check_result

if TYPE_CHECKING:
    from definitions.running import CheckRow, RunReport

Row = Mapping[str, str]
_SHOWN = ("applied", "skipped", "failed", "unchanged")


def stage_lines(report: RunReport) -> Iterator[str]:
    """One line a stage that had something to do: counts, then what was done, failures first."""
    stages = list(dict.fromkeys(row["stage"] for row in report.rows))
    for stage in stages:
        rows = [row for row in report.rows if row["stage"] == stage]
        found = Counter(row["outcome"] for row in rows)
        counts = ", ".join(f"{found[outcome]} {outcome}" for outcome in _SHOWN if found[outcome])
        yield f"  {report.stack:<13} {stage:<19} {counts:<23} {_details(rows)}".rstrip()


def delivered_lines(stack: str, entries: Iterable[Delivered]) -> Iterator[str]:
    """One line an entry."""
    for entry in entries:
        yield f"  {stack:<13} {entry.place:<27} {entry.name} = {entry.value}"


def check_lines(stack: str, checks: Sequence[CheckRow]) -> Iterator[str]:
    """One line a stack, and one for each check that did not pass."""
    names = ", ".join(check.check for check in checks if check.passed)
    yield f"  {stack:<13} {check_counts(checks)}: {names}"
    for check in checks:
        if not check.passed:
            yield f"  {stack:<13} {check_result(check)} {check.check}: {check.detail}"


def _details(rows: Iterable[Row]) -> str:
    told = sorted((row for row in rows if row["outcome"] != "unchanged"), key=lambda row: row["outcome"] != "failed")
    return "; ".join(_detail(row) for row in told)


def _detail(row: Row) -> str:
    text = " ".join(row["detail"].split())
    return f"{row['name']}: {text}" if text else row["name"]
