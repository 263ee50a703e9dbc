"""Add to the plan of a stack what an apply does in consequence, or finds in its way: what no single stage can see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.engine.only import Planned
from secrets_pipeline.engine.reason import Follows
from secrets_pipeline.operations.hindrances import hindered
from secrets_pipeline.reconcilers.consumer import refresh

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def foreseen(stack: Stack, stages: Planned) -> dict[str, tuple[Change, ...]]:
    """Return the plan of a stack with what is in its way, and what follows from it.

    Args:
        stack: the stack.
        stages: what each of its stages plans by itself.
    """
    stages = hindered(stack, stages)
    rewritten = frozenset(one.resource.name for changes in stages.values() for one in changes if one.rewrites)
    follow = partial(_started_anew, _started_by(stack, rewritten))
    return {stage: tuple(map(follow, changes)) for stage, changes in stages.items()}


def _started_by(stack: Stack, rewritten: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """By consumer that is started anew, the secrets of it whose value changes."""
    found = {spec.name: {stack.spec.secret(ref).name for ref in spec.secrets} for spec in stack.spec.refreshes}
    return {name: tuple(sorted(secrets & rewritten)) for name, secrets in found.items() if secrets & rewritten}


def _started_anew(started_by: Mapping[str, tuple[str, ...]], change: Change) -> Change:
    causes = started_by.get(change.resource.name, ())
    if change.resource.kind != refresh.KIND or change.action is not ChangeClass.NONE or not causes:
        return change
    more = f" and {len(causes) - 1} more" if len(causes) > 1 else ""
    reason = Follows(f"is started anew if it runs already, as {causes[0]}{more} gets another value")
    return replace(change, action=ChangeClass.UPDATE, reasons=(reason,))
