"""Add to the plan of a stack what an apply does in consequence, or finds in its way: what no single stage can see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.followers import value_outputs
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.engine.only import Planned, changes_of
from secrets_pipeline.engine.reason import Follows
from secrets_pipeline.operations.planning.hindrances import hindered
from secrets_pipeline.reconcilers.consumer import refresh
from secrets_pipeline.reconcilers.secret import reconciler as secret

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def foreseen(
    stack: Stack, stages: Planned, changing: Mapping[str, frozenset[SecretRef]]
) -> dict[str, tuple[Change, ...]]:
    """Return the plan of a stack with what is in its way, and what follows from it.

    Args:
        stack: the stack.
        stages: what each of its stages plans by itself.
        changing: by other stack, the secrets of it whose value changes before this one is applied.
    """
    follow = partial(_rendered_again, _rendered_by(stack, changing))
    rendered = {stage: tuple(map(follow, changes)) for stage, changes in hindered(stack, stages).items()}
    names = frozenset(one.resource.name for one in changes_of(rendered) if one.rewrites)
    start = partial(_started_anew, _started_by(stack, names))
    return {stage: tuple(map(start, changes)) for stage, changes in rendered.items()}


def rewritten(planned: Planned) -> frozenset[SecretRef]:
    """Find the secrets of a plan whose value changes."""
    changes = (one.resource for one in changes_of(planned) if one.rewrites and one.resource.key)
    return frozenset(SecretRef(component=one.component, key=one.key) for one in changes)


def _rendered_by(stack: Stack, changing: Mapping[str, frozenset[SecretRef]]) -> Mapping[str, str]:
    """By secret whose value is rendered from one of another stack that changes, which one that is."""
    found: dict[str, str] = {}
    for spec in stack.spec.secrets if changing else ():
        own = (found[stack.spec.secret(ref).name] for ref in spec.depends_on if stack.spec.secret(ref).name in found)
        others = (
            f"{output.stack}:{ref}"
            for output in value_outputs(spec)
            if output.sensitive and output.stack is not None
            for ref in _refs(output.component, output.path[1:2])
            if ref in changing.get(output.stack, frozenset())
        )
        if cause := next(others, "") or next(own, ""):
            found[spec.name] = cause
    return found


def _refs(component: str, keys: tuple[str | int, ...]) -> Iterator[SecretRef]:
    return (SecretRef(component=component, key=str(key)) for key in keys)


def _rendered_again(rendered_by: Mapping[str, str], change: Change) -> Change:
    cause = rendered_by.get(change.resource.name)
    if change.resource.kind != secret.KIND or change.action is not ChangeClass.NONE or cause is None:
        return change
    reason = Follows(f"value is rendered from {cause}, which changes")
    return replace(change, action=ChangeClass.UPDATE, reasons=(reason,), rewrites=True)


def _started_by(stack: Stack, names: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """By consumer that is started anew, the secrets of it whose value changes."""
    found = {spec.name: {stack.spec.secret(ref).name for ref in spec.secrets} for spec in stack.spec.refreshes}
    return {name: tuple(sorted(secrets & names)) for name, secrets in found.items() if secrets & names}


def _started_anew(started_by: Mapping[str, tuple[str, ...]], change: Change) -> Change:
    causes = started_by.get(change.resource.name, ())
    if change.resource.kind != refresh.KIND or change.action is not ChangeClass.NONE or not causes:
        return change
    more = f" and {len(causes) - 1} more" if len(causes) > 1 else ""
    reason = Follows(f"is started anew if it runs already, as {causes[0]}{more} gets another value")
    return replace(change, action=ChangeClass.UPDATE, reasons=(reason,))
