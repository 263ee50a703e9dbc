"""Write the lines of the demo, few and none wider than a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.access.reach.explain import name_of, sentence
from secrets_pipeline.cli.demo.access import ReadAnswer
from secrets_pipeline.cli.demo.delivered import PARAMETER, Delivered
from secrets_pipeline.cli.shared.run_view import check_result

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport

Row = Mapping[str, str]
_WIDTH = 138
_SHOWN = ("applied", "skipped", "failed", "unchanged")


def stack_line(report: RunReport) -> str:
    """Say how much each stage applied, in one line a stack."""
    found = Counter(row["stage"] for row in report.rows if row["outcome"] == "applied")
    return f"  {report.stack:<13} applied: {', '.join(f'{stage} {number}' for stage, number in found.items())}"


def stage_lines(report: RunReport) -> Iterator[str]:
    """Write a line for each stage that had something to do: counts, then what was done, failures first."""
    stages = list(dict.fromkeys(row["stage"] for row in report.rows if row["outcome"] != "unchanged"))
    for stage in stages:
        rows = [row for row in report.rows if row["stage"] == stage]
        found = Counter(row["outcome"] for row in rows)
        counts = ", ".join(f"{found[outcome]} {outcome}" for outcome in _SHOWN if found[outcome])
        yield f"  {report.stack:<13} {stage:<19} {counts:<23} {_details(rows)}".rstrip()


def delivered_lines(entries: Sequence[tuple[str, Delivered]], stack: str) -> Iterator[str]:
    """Write a line for each ARN of one stack, and one for the other stacks and what all publish in Parameter Store."""
    arns = [(where, entry) for where, entry in entries if ":secret:" in entry.value]
    told = [entry for where, entry in arns if where == stack]
    width = max((len(entry.place) for entry in told), default=0)
    for entry in told:
        yield f"  {entry.place:<{width}} {entry.name}={entry.value}"
    published = [entry.name for _, entry in entries if entry.place == PARAMETER]
    if published:
        more = f"{len(arns) - len(told)} more in other stacks, and " if len(arns) > len(told) else ""
        yield f"  {more}{len(published)} parameters with the ARNs of all keys, for example {published[-1]}"


def check_lines(checks: Sequence[CheckRow]) -> Iterator[str]:
    """Name the checks that passed in every stack, several on a line, and a line for each that did not."""
    stacks = {check.stack for check in checks}
    names = dict.fromkeys(check.check for check in checks)
    failed = [check for check in checks if not check.passed]
    open_ones = {check.check for check in failed}
    whole = ", ".join(_folded([name for name in names if name not in open_ones]))
    if whole:
        yield from textwrap.wrap(
            f"passed in {', '.join(sorted(stacks))}: {whole}", _WIDTH, initial_indent="  ", subsequent_indent="    "
        )
    for check in failed:
        yield f"  {check_result(check)} in {check.stack}: {check.check}: {' '.join(check.detail.split())}"


def _folded(names: Iterable[str]) -> Iterator[str]:
    """Names that differ in their last number alone as one: `control_1 to 5`."""
    of: dict[str, list[str]] = {}
    for name in names:
        stem, _, number = name.rpartition("_")
        of.setdefault(stem if number.isdigit() else name, []).append(number if number.isdigit() else "")
    for stem, numbers in of.items():
        yield stem if numbers == [""] else f"{stem}_{numbers[0]} to {numbers[-1]}"


def reading_lines(shown: Iterable[ReadAnswer]) -> Iterator[str]:
    """Write a paragraph a reading: what the policies say, and what AWS itself said."""
    for one in shown:
        text = f"{name_of(one.verdict)}: {sentence(one.principal, one.secret, one.verdict)} {one.answer}"
        yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _details(rows: Iterable[Row]) -> str:
    told = sorted((row for row in rows if row["outcome"] != "unchanged"), key=lambda row: row["outcome"] != "failed")
    return "; ".join(_detail(row) for row in told)


def _detail(row: Row) -> str:
    # The stack stands at the start of the line: the end of a name is enough.
    name = "/".join(row["name"].split("/")[-2:])
    text = " ".join(row["detail"].split())
    return f"{name}: {text}" if text else name
