"""The lines of the demo: few, and none wider than a terminal. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.cli.delivered import Delivered
from secrets_pipeline.cli.run_view import check_result

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


def delivered_lines(entries: Sequence[Delivered]) -> Iterator[str]:
    """One line an entry."""
    width = max((len(entry.place) for entry in entries), default=0)
    for entry in entries:
        yield f"  {entry.place:<{width}} {entry.name}={entry.value}"


def check_lines(checks: Sequence[CheckRow]) -> Iterator[str]:
    """One line a check, with the stacks that passed it, and one for each that did not."""
    for name in dict.fromkeys(check.check for check in checks):
        rows = [check for check in checks if check.check == name]
        passed = ", ".join(check.stack for check in rows if check.passed)
        yield f"  {name:<29} passed in {passed or 'no stack'}"
        for check in rows:
            if not check.passed:
                yield f"  {name:<29} {check_result(check)} in {check.stack}: {' '.join(check.detail.split())}"


def _details(rows: Iterable[Row]) -> str:
    told = sorted((row for row in rows if row["outcome"] != "unchanged"), key=lambda row: row["outcome"] != "failed")
    return "; ".join(_detail(row) for row in told)


def _detail(row: Row) -> str:
    # The stack stands at the start of the line: the end of a name is enough.
    name = "/".join(row["name"].split("/")[-2:])
    text = " ".join(row["detail"].split())
    return f"{name}: {text}" if text else name
