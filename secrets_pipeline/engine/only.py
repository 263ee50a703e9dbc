"""Restrict a run to some of the changes that it would make: those that were approved, or those of some resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias

from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because, LeftOut, Reason

Planned: TypeAlias = Mapping[str, Sequence[Change]]
"""The changes of a stack by stage."""
UNAPPROVED: Final = LeftOut("not in the plan that was approved", "plan again, and approve that")


class Only(Protocol):
    """Restricts a run to some changes."""

    def refusal(self, stage: str, change: Change) -> Reason | None:
        """Say why the run does not make a change of a stage; None if it may."""
        ...


def restricted(stage: str, changes: Sequence[Change], only: Sequence[Only]) -> Sequence[Change]:
    """Block every change that a run may not make; applying such a one gives a `Skipped` outcome that says why.

    Args:
        stage: whose changes they are.
        changes: of its plan.
        only: what the run is restricted to, all of it.
    """
    return [_restricted(change, left_out(stage, change, only)) for change in changes] if only else changes


def left_out(stage: str, change: Change, only: Sequence[Only]) -> Reason | None:
    """Say which restriction, if any, keeps a run from a change; see `restricted`."""
    refusals = (one.refusal(stage, change) for one in only)
    return next((refusal for refusal in refusals if refusal is not None), None)


def within(planned: Planned, only: Sequence[Only]) -> Planned:
    """Leave everything out of a plan that a run may not do; see `restricted`."""
    if not only:
        return planned
    return {
        stage: tuple(change for change in changes if left_out(stage, change, only) is None)
        for stage, changes in planned.items()
    }


def _restricted(change: Change, refusal: Reason | None) -> Change:
    if refusal is None or change.action is ChangeClass.NONE:
        return change
    return replace(change, action=ChangeClass.BLOCKED, reasons=(refusal,), error=None, remedy="", drift=False)


def is_foreseen(change: Change, planned: Change) -> bool:
    """Tell whether a change is what was planned for its resource, or what that becomes when it need not wait any more.

    Args:
        change: planned now.
        planned: for the same resource, earlier.
    """
    return change.action is planned.action or (planned.waits and planned.action.builds and change.action.builds)


@dataclass(frozen=True)
class Approved:
    """The changes of a plan that somebody has seen; an `Only`.

    What only notes what was done follows from them. Why a change is made may sound otherwise when it is made: what it
    waited for is there by then.

    Attributes:
        changes: those that write, by stage and resource.
        blocked: those that the plan said cannot be made, which nobody could approve.
    """

    changes: Mapping[tuple[str, Resource], Change]
    blocked: Mapping[tuple[str, Resource], Change] = field(default_factory=dict)

    @classmethod
    def of(cls, planned: Planned) -> Approved:
        """Approve every change of a plan that writes."""
        changes = {(stage, change.resource): change for stage, change in writing(planned)}
        return cls(changes, {(stage, change.resource): change for stage, change in blocked_of(planned)})

    def refusal(self, stage: str, change: Change) -> Reason | None:
        """Return why a change is not approved. Changes that write nothing pass; see `Only`."""
        if not change.action.writes or change.approved_with_others:
            return None
        place = stage, change.resource
        if place in self.blocked:
            return Because(self.blocked[place].hindrance, self.blocked[place].unblocked_by)
        approved = self.changes.get(place)
        return None if approved is not None and is_foreseen(change, approved) else UNAPPROVED


def changes_of(planned: Planned) -> Iterator[Change]:
    """Yield every change of a plan."""
    return (change for changes in planned.values() for change in changes)


def blocked_of(planned: Planned) -> Iterator[tuple[str, Change]]:
    """Yield each blocked change of a plan with its stage."""
    return (
        (stage, change)
        for stage, changes in planned.items()
        for change in changes
        if change.action is ChangeClass.BLOCKED
    )


def writing(planned: Planned) -> Iterator[tuple[str, Change]]:
    """Yield each change of a plan that an apply would make, with its stage, and without the pipeline's own books."""
    return (
        (stage, change)
        for stage, changes in planned.items()
        for change in changes
        if change.action.writes and not change.note
    )
