"""Show outcomes and checks of runs as tables, counts and JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from secrets_pipeline.cli.shared.tables import table, word

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport

UNCHANGED = "unchanged"
_OUTCOMES = ("applied", UNCHANGED, "skipped", "failed")


def counts(rows: Iterable[Mapping[str, str]]) -> str:
    """Count outcomes, for example `12 applied, 3 unchanged, 0 skipped, 0 failed`."""
    found = Counter(row["outcome"] for row in rows)
    return ", ".join(f"{found[outcome]} {outcome}" for outcome in _OUTCOMES)


def outcome_table(rows: Iterable[Mapping[str, str]]) -> Table | None:
    """Build the table of what was applied, failed or skipped; None if nothing was."""
    told = [row for row in rows if row["outcome"] != UNCHANGED]
    if not told:
        return None
    return table(
        ("outcome", "action", "kind", "name", "stage", "detail"),
        ((word(row["outcome"]), row["action"], row["kind"], row["name"], row["stage"], row["detail"]) for row in told),
    )


def check_table(rows: Iterable[CheckRow]) -> Table:
    """Build the table of checks, one row each."""
    return table(
        ("stack", "check", "result", "detail"),
        ((row.stack, row.check, word(check_result(row)), row.detail) for row in rows),
    )


def check_result(row: CheckRow) -> str:
    """Return `passed`, `failed`, or `warning` for a failed check of severity WARN."""
    if row.passed:
        return "passed"
    return "failed" if is_error(row) else "warning"


def is_error(row: CheckRow) -> bool:
    """Tell whether a check failed with severity ERROR."""
    return not row.passed and row.severity == "ERROR"


def check_counts(rows: Sequence[CheckRow]) -> str:
    """Count checks, for example `7 checks: 6 passed, 1 warning, 0 failed`."""
    found = Counter(check_result(row) for row in rows)
    return f"{len(rows)} checks: {found['passed']} passed, {found['warning']} warning, {found['failed']} failed"


def run_json(report: RunReport, checks: Iterable[CheckRow]) -> dict[str, Any]:
    """Return a run and its checks as JSON."""
    return {
        "run_id": report.run_id,
        "success": report.success,
        "error": report.error,
        "outcomes": [dict(row) for row in report.rows],
        "checks": [asdict(check) for check in checks],
    }
