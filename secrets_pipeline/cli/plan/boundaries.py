"""List what of a plan crosses a boundary: values taken in, readers, and writes to what others own. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from secrets_pipeline.cli.plan.view import StackPlan
from secrets_pipeline.desired.boundary import ALLOW_TAG, TAKEN_IN, Boundary, Crossing
from secrets_pipeline.engine.grouping import with_examples
from secrets_pipeline.engine.model import Change, ChangeClass

COLUMNS: Final = ("boundary", "what", "for", "declared at", "allowed by")


def crossing_rows(plan: StackPlan, *, unchanged: bool) -> list[tuple[str, ...]]:
    """Return a row for each crossing that a change of the plan concerns, or for all of them; see `COLUMNS`."""
    return [
        (
            one.boundary.value,
            one.name,
            with_examples(one.subjects),
            f"{one.component}: {one.key}" if one.component else one.key,
            _by(one),
        )
        for one, changed in _judged(plan)
        if changed or unchanged
    ]


def crossings(plan: StackPlan) -> list[Crossing]:
    """Return what of a stack crosses a boundary: a reader in its own account does not."""
    return [one for one in plan.crossings if one.boundary is not Boundary.READER]


def crossings_json(plan: StackPlan) -> list[dict[str, Any]]:
    """Return every crossing of the stack as JSON, whether the plan changes anything about it or not."""
    return [
        {
            "boundary": crossing.boundary.value,
            "direction": "in" if crossing.boundary in TAKEN_IN else "out",
            "name": crossing.name,
            "component": crossing.component,
            "key": crossing.key,
            "for": ", ".join(crossing.subjects) or None,
            "allowed_by": _by(crossing),
            "changes": changed,
        }
        for crossing, changed in _judged(plan)
    ]


def _by(crossing: Crossing) -> str:
    # A plan of a stack that something does not let in is an error, so its owner did.
    return crossing.allowed_by or f"tag {ALLOW_TAG} of its owner"


def _judged(plan: StackPlan) -> Iterator[tuple[Crossing, bool]]:
    changes = [row.change for row in plan.rows() if row.change.action is not ChangeClass.NONE]
    for crossing in crossings(plan):
        yield crossing, any(_concerns(change, crossing) for change in changes)


def _concerns(change: Change, crossing: Crossing) -> bool:
    resource = change.resource
    if resource.name in (crossing.name, *crossing.subjects):
        return True
    if crossing.subjects:
        return False
    # Nobody can tell which component a manifest includes a file for.
    return not crossing.component or crossing.component in resource.component.split(", ")
