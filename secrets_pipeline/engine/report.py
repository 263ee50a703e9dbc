"""Turn outcomes to rows and counts, for tables, metadata and exit codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from secrets_pipeline.engine.grouping import OTHERS, folded, with_examples
from secrets_pipeline.engine.model import Applied, Failed, Outcome, Skipped, Unchanged, is_book, is_unmade


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
    """Count outcomes by kind, without the pipeline's own books unless they failed."""
    kinds = [type(outcome) for outcome in _shown(outcomes)]
    return Counts(kinds.count(Applied), kinds.count(Unchanged), kinds.count(Failed), kinds.count(Skipped))


def _shown(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    return filter(is_shown, outcomes)


def is_shown(outcome: Outcome) -> bool:
    """Tell whether people see an outcome: the pipeline's own books are shown only if they failed."""
    return isinstance(outcome, Failed) or not is_book(outcome.change)


Row: TypeAlias = Mapping[str, str]

_DONE = {
    "create": "created",
    "update": "updated",
    "restore": "restored",
    "adopt": "adopted",
    "rotate": "rotated",
    "replicate": "replicated",
    "prune": "deleted",
}
_ORDER = ("failed", "skipped", *_DONE.values())


def summary(table: Iterable[Row]) -> str:
    """Say in one line what became of all, what failed first: `1 failed, 2 created, 14 as they were`.

    Args:
        table: as `rows` makes it.
    """
    words = [_DONE.get(row["action"], "updated") if row["outcome"] == "applied" else row["outcome"] for row in table]
    told = [f"{words.count(word)} {word}" for word in dict.fromkeys(_ORDER) if word in words]
    same = words.count("unchanged")
    told += [f"{same} as {'it was' if same == 1 else 'they were'}"] if same else []
    return ", ".join(told) or "nothing is declared here"


def rows(outcomes: Iterable[Outcome]) -> list[dict[str, str]]:
    """Return the row of each outcome; the pipeline's own books have one only if they failed. See `row`."""
    return [row(outcome) for outcome in _shown(outcomes)]


def row(outcome: Outcome) -> dict[str, str]:
    """Return kind, name, component, action, outcome, detail, passes and unmade of an outcome (text, no values).

    `passes` is `yes` if a later run continues by itself, else empty. `unmade` is `yes` if the stack declares the
    resource, it was not made and AWS is not making it, else empty. `reason_type` names the type of error of what
    failed, else the types of the change's reasons: scripts compare it instead of `detail`. Two more keys are what
    `told` goes by: `sentence`, the detail without what differs from one resource to the next, and `remedy`, what to do.
    """
    change, remedy = outcome.change, ""
    match outcome:
        case Applied(detail=detail):
            text = sentence = detail or change.reason
        case Failed(error=error):
            text, sentence, remedy = error.diagnostics(), error.sentence, error.remedy
        case Skipped(reason=reason, remedy=remedy, sentence=of_any):
            text, sentence = f"{reason}. {remedy}" if remedy else reason, of_any or reason
            remedy = remedy or change.unblocked_by
        case Unchanged():
            text = sentence = change.reason
    return {
        "kind": change.resource.kind,
        "name": change.resource.name,
        "component": change.resource.component,
        "action": change.action.value,
        "outcome": type(outcome).__name__.lower(),
        "detail": text,
        "reason_type": outcome.error.kind if isinstance(outcome, Failed) else change.reason_type,
        "passes": "yes" if isinstance(outcome, Skipped) and outcome.passes else "",
        "unmade": "yes" if is_unmade(outcome) else "",
        "sentence": sentence,
        "remedy": remedy,
    }


def told(table: Iterable[Row], *, every: bool = False) -> list[dict[str, str]]:
    """Return rows of outcomes for a human: those of which the same is said as one, which names three and their number.

    Args:
        table: as `rows` makes them, with further columns or without.
        every: leave each row as it is.
    """
    shown = list(table)
    if not every:
        shown = folded(shown, alike=_alike, kind=_kind, together=_together, others=_others)
    return [{key: value for key, value in row.items() if key not in _NOT_SHOWN} for row in shown]


_NOT_SHOWN = ("reason_type", "sentence", "remedy", "unmade")


def _kind(row: Row) -> tuple[str, ...]:
    return tuple(row.get(key, "") for key in ("stage", "kind", "action", "outcome"))


def _alike(row: Row) -> tuple[str, ...]:
    return (*_kind(row), row.get("sentence") or row["detail"])


def _together(alike: Sequence[Row]) -> Row:
    first = alike[0]
    detail = first["detail"]
    if any(row["detail"] != detail for row in alike):
        detail = first.get("sentence") or detail
        if remedy := first.get("remedy", ""):
            same = all(row.get("remedy") == remedy for row in alike)
            detail = f"{detail}. {remedy if same else f'For example: {remedy}'}"
    return {**first, "name": with_examples([row["name"] for row in alike]), "component": "", "detail": detail}


def _others(rest: Sequence[Row]) -> Row:
    return {**rest[0], "name": with_examples([row["name"] for row in rest]), "component": "", "detail": OTHERS}
