"""Show outcomes and checks of runs as tables, counts and JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secrets_pipeline.cli.shared.console import counted
from secrets_pipeline.cli.shared.tables import Table, table, word
from secrets_pipeline.engine.grouping import EXAMPLES, grouped, with_examples
from secrets_pipeline.engine.report import told
from secrets_pipeline.operations.runbook import cure

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport

UNCHANGED = "unchanged"
UNKNOWN = "unknown"
_SENTENCES = 5
"""Of one check."""
_OUTCOMES = ("applied", UNCHANGED, "skipped", "failed")


def counts(rows: Iterable[Mapping[str, str]]) -> str:
    """Count outcomes, for example `12 applied, 3 unchanged, 0 skipped, 0 failed`."""
    found = Counter(row["outcome"] for row in rows)
    return ", ".join(f"{found[outcome]} {outcome}" for outcome in _OUTCOMES)


def outcome_table(rows: Iterable[Mapping[str, str]], *, every: bool = False) -> Table | None:
    """Build the table of what was applied, failed or skipped; None if nothing was.

    Args:
        rows: of a run.
        every: a row for each, instead of one for many of which the same is said.
    """
    shown = told(_changed(rows), every=every)
    if not shown:
        return None
    return table(
        ("outcome", "action", "kind", "name", "stage", "detail"),
        ((word(row["outcome"]), row["action"], row["kind"], row["name"], row["stage"], row["detail"]) for row in shown),
    )


def check_table(rows: Iterable[CheckRow], *, every: bool = False) -> Table:
    """Build the table of checks, a row for all that one says in one sentence.

    Args:
        rows: the checks.
        every: name everything that a sentence is said of, instead of three examples.
    """
    return table(
        ("stack", "check", "result", "detail"),
        ((row.stack, row.check, word(check_result(row)), detail) for row in rows for detail in _details(row, every)),
    )


def cures(rows: Iterable[CheckRow]) -> Iterator[tuple[str, str]]:
    """Yield each failed check once, with what to do about it; `STACK` stands for the stack if there are several.

    An error that kept a check from looking at the stack at all says itself what to do.
    """
    failed = (row for row in rows if is_error(row) and not all(one.subjects == (row.stack,) for one in row.open))
    for alike in grouped(failed, lambda row: row.check):
        stacks = {row.stack for row in alike}
        check = alike[0].check
        if todo := cure(check, stacks.pop() if len(stacks) == 1 else "STACK"):
            yield check, todo


def is_shortened(rows: Iterable[Mapping[str, str]], checks: Iterable[CheckRow]) -> bool:
    """Tell whether `every` would show more of outcomes or checks."""
    changed = list(_changed(rows))
    groups = [group for check in checks for group in check.open]
    return len(told(changed)) < len(changed) or any(len(one.subjects) > EXAMPLES for one in groups)


def _changed(rows: Iterable[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    return (row for row in rows if row["outcome"] != UNCHANGED)


def _details(check: CheckRow, every: bool) -> list[str]:
    if every:
        return [f"{', '.join(one.subjects)}: {one.sentence}" for one in check.open] or [check.detail]
    said = [str(one) for one in check.open[:_SENTENCES]]
    more = len(check.open) - len(said)
    return [*said, *([f"… and {more} more: --show-all"] if more else [])] or [check.detail]


def check_result(row: CheckRow) -> str:
    """Return `passed`, `failed`, `unknown`, or `warning` for another failed check of severity WARN.

    A check that nobody could judge is as red as the verdict that stands.
    """
    if row.passed:
        return "passed"
    if is_error(row):
        return "failed"
    return UNKNOWN if row.unknown else "warning"


def is_error(row: CheckRow) -> bool:
    """Tell whether a check failed with severity ERROR."""
    return not row.passed and row.severity == "ERROR"


def check_counts(rows: Sequence[CheckRow], *, left_out: bool = False) -> str:
    """Count checks, for example `7 checks: 6 passed, 1 warning, 0 failed`.

    Args:
        rows: the checks that had something to judge.
        left_out: whether a run had no cause to judge others, which the line says.
    """
    if not rows:
        return "no check had anything to judge"
    found = Counter(check_result(row) for row in rows)
    unknown = f", {found[UNKNOWN]} unknown" if found[UNKNOWN] else ""
    results = f"{found['passed']} passed, {found['warning']} warning, {found['failed']} failed{unknown}"
    rest = "; `secrets-pipeline verify` runs the remaining checks" if left_out else ""
    return f"{counted(len(rows), 'check')}: {results}{rest}"


def not_looked_at(rows: Iterable[CheckRow]) -> list[dict[str, Any]]:
    """Return whom nobody could ask and why, once an account and cause, with the stacks that were not looked at."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        for one in row.not_asked:
            known = found.setdefault(one.key, {"who": one.who, "cause": one.cause.value, "why": one.why, "stacks": {}})
            known.setdefault("said", one.said)
            known["stacks"].setdefault(row.stack, []).append(row.check)
    return list(found.values())


def unasked_lines(rows: Sequence[CheckRow]) -> Iterator[str]:
    """Say once an account and cause that nobody could ask it, and what was not looked at."""
    judged = {row.stack for row in rows if not row.unknown}
    for one in not_looked_at(rows):
        stacks = [
            f"{stack} ({counted(len(checks), 'check')})" if stack in judged else stack
            for stack, checks in one["stacks"].items()
        ]
        yield f"AWS {one['who']} cannot be asked, as {one['why']}: {one['said']}"
        yield f"  not looked at: {with_examples(stacks)}. What was known of them stands."


def run_json(report: RunReport, checks: Iterable[CheckRow]) -> dict[str, Any]:
    """Return a run and its checks as JSON."""
    return {
        "run_id": report.run_id,
        "success": report.success,
        "error": report.error,
        "outcomes": [dict(row) for row in report.rows],
        "checks_left_out": list(report.left_out),
        "checks": [check_json(check) for check in checks],
    }


def check_json(check: CheckRow) -> dict[str, Any]:
    """Return a check as JSON, with every resource that is not as it should be."""
    groups = (
        {
            "verdict": one.verdict.value,
            "reason_type": one.reason_type,
            "sentence": one.sentence,
            "subjects": one.subjects,
        }
        for one in check.open
    )
    return {
        "stack": check.stack,
        "check": check.check,
        "passed": check.passed,
        "result": check_result(check),
        "severity": check.severity,
        "detail": check.detail,
        "open": list(groups),
    }
