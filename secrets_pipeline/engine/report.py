"""Turn outcomes to rows and counts, for tables, metadata and exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from secrets_pipeline.engine.model import Applied, Failed, Outcome, Skipped, Unchanged


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of outcomes of each kind."""

    applied: int
    unchanged: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        return f"{self.applied} applied, {self.unchanged} unchanged, {self.skipped} skipped, {self.failed} failed"


def count(outcomes: Iterable[Outcome]) -> Counts:
    """Count outcomes by kind."""
    kinds = [type(outcome) for outcome in outcomes]
    return Counts(kinds.count(Applied), kinds.count(Unchanged), kinds.count(Failed), kinds.count(Skipped))


def rows(outcomes: Iterable[Outcome]) -> list[dict[str, str]]:
    """Return one row an outcome: kind, name, component, action, outcome, detail, passes (text alone, no values).

    `passes` is `yes` for what a later run goes on with by itself, else empty.
    """
    table = []
    for outcome in outcomes:
        change = outcome.change
        match outcome:
            case Applied(detail=detail):
                text = detail or change.reason
            case Failed(error=error):
                text = error.diagnostics()
            case Skipped(reason=reason, remedy=remedy):
                text = f"{reason}. {remedy}" if remedy else reason
            case Unchanged():
                text = change.reason
        table.append(
            {
                "kind": change.resource.kind,
                "name": change.resource.name,
                "component": change.resource.component,
                "action": change.action.value,
                "outcome": type(outcome).__name__.lower(),
                "detail": text,
                "passes": "yes" if isinstance(outcome, Skipped) and outcome.passes else "",
            }
        )
    return table
