"""Make the rows and counts of a plan, which each view shows: tables, JSON, Markdown, Dagster's metadata. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from secrets_pipeline.engine.grouping import OTHERS, folded, with_examples
from secrets_pipeline.engine.model import Change, ChangeClass, is_book
from secrets_pipeline.engine.reason import Remark

UNBLOCKS = "what unblocks it"
"""The heading over `PlanRow.unblocked_by`."""
WAITS = "waiting"
"""In the place of the class of a change that waits for AWS."""
_OWNER = "secret"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One change of a plan, as the views show it.

    Attributes:
        action: the class of the change, and whether AWS was changed outside.
        reason: why it is planned, or what is in its way.
        details: what differs piece by piece, a line each.
        unblocked_by: its own remedy, else the secret's that it belongs to; empty for a change that is not blocked.
    """

    stage: str
    change: Change
    action: str
    kind: str
    name: str
    reason: str
    unblocked_by: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of a stack, or of some of its stages, by stage in order."""

    stages: Mapping[str, Sequence[Change]]

    def rows(self, *, unchanged: bool = False) -> list[PlanRow]:
        """Return a row a change; those of class none only if asked for, or where there is something to say.

        The pipeline's own books have no row.
        """
        every = [(stage, one) for stage, changes in self.stages.items() for one in changes if not is_book(one)]
        blocked = {c.resource.name for _, c in every if c.action is ChangeClass.BLOCKED and c.resource.kind == _OWNER}
        return [
            _row(stage, change, blocked)
            for stage, change in every
            if unchanged or change.drift or change.keeps or change.action is not ChangeClass.NONE or _says(change)
        ]

    @property
    def differs(self) -> bool:
        """Tell if there is anything to do; blocked and orphaned resources count, drift that is left alone does not."""
        return any(row.change.action is not ChangeClass.NONE for row in self.rows())

    @property
    def counts(self) -> dict[str, int]:
        """Count the changes of each class, in the order of the classes, then those that wait for AWS.

        Each is counted once: an apply makes a change that waits only if what AWS is making is there in time.
        """
        changes = [row.change for row in self.rows(unchanged=True)]
        found = Counter(WAITS if one.on_its_way else one.action.value for one in changes)
        return {name: found[name] for name in (*(action.value for action in ChangeClass), WAITS) if found[name]}

    @property
    def counted(self) -> str:
        """Write the counts in one line, for example `4 create, 12 none`."""
        return ", ".join(f"{number} {name}" for name, number in self.counts.items()) or "nothing declared"

    @property
    def drifted(self) -> int:
        """Count the resources that were changed outside."""
        return sum(row.change.drift for row in self.rows())


def told(rows: Sequence[PlanRow], *, every: bool = False) -> list[PlanRow]:
    """Return rows for a human: those with the same reasons as one, which names three resources and their number.

    Args:
        rows: of a plan.
        every: leave each row as it is.
    """
    if every:
        return list(rows)
    return folded(rows, alike=_alike, kind=_kind, together=_together, others=_others)


def _kind(row: PlanRow) -> tuple[str, ...]:
    return (row.stage, row.action, row.kind)


def _alike(row: PlanRow) -> tuple[str, ...]:
    return (*_kind(row), row.change.hindrance, *row.details)


def _together(alike: Sequence[PlanRow]) -> PlanRow:
    first, names = alike[0], with_examples([row.name for row in alike])
    if all(row.unblocked_by == first.unblocked_by for row in alike):
        return replace(first, name=names)
    return replace(first, name=names, unblocked_by=f"for example: {first.unblocked_by}")


def _others(rest: Sequence[PlanRow]) -> PlanRow:
    return replace(rest[0], name=with_examples([row.name for row in rest]), reason=OTHERS, unblocked_by="")


def _says(change: Change) -> bool:
    return any(isinstance(one, Remark) for one in change.reasons)


def _row(stage: str, change: Change, blocked: Collection[str]) -> PlanRow:
    kind, name, action = change.resource.kind, change.resource.name, change.action.value
    action, reason, remedy = f"{action}, drift" if change.drift else action, change.reason, ""
    action = f"{action}, {WAITS}" if change.on_its_way else action
    if change.action is ChangeClass.BLOCKED:
        behind = "unblock the secret of that name" if kind != _OWNER and name in blocked else ""
        reason, remedy = change.hindrance, change.unblocked_by or behind
    details = tuple(line for one in change.reasons for line in one.lines)
    return PlanRow(stage, change, action, kind, name, reason, remedy, details)
