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
from secrets_pipeline.reconcilers.database import endpoint
from secrets_pipeline.reconcilers.rotation_function import reconciler as rotation_function
from secrets_pipeline.reconcilers.secret import reconciler as secret
from secrets_pipeline.reconcilers.secret.part import SECRET_NOT_OURS

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_ADOPT = ChangeClass.ADOPT
_MADE = frozenset({ChangeClass.CREATE, ChangeClass.RESTORE, _ADOPT})


def foreseen(
    stack: Stack, stages: Planned, changing: Mapping[str, frozenset[SecretRef]]
) -> dict[str, tuple[Change, ...]]:
    """Return the plan of a stack with what is in its way, and what follows from it.

    Args:
        stack: the stack.
        stages: what each of its stages plans by itself.
        changing: by other stack, the secrets of it whose value changes before this one is applied.
    """
    free = hindered(stack, stages)
    render = partial(_rendered_again, _rendered_by(stack, changing))
    take = partial(_taken_over, frozenset(one.resource.name for one in changes_of(free) if one.action is _ADOPT))
    rendered = {stage: tuple(take(render(one)) for one in changes) for stage, changes in free.items()}
    follow = partial(_following, _followers(stack, rendered))
    return {stage: tuple(map(follow, changes)) for stage, changes in rendered.items()}


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


def _taken_over(adopted: frozenset[str], change: Change) -> Change:
    """A part of a secret that is not ours yet, and is taken over in the same run."""
    ours_soon = change.resource.name in adopted and change.reasons == (SECRET_NOT_OURS,)
    if not ours_soon or change.action is not ChangeClass.BLOCKED:
        return change
    return replace(change, action=ChangeClass.UPDATE, reasons=(Follows("follows the secret, which is taken over"),))


def _followers(stack: Stack, planned: Planned) -> Mapping[tuple[str, str], str]:
    """Why something changes that is as it should be until now, by kind and name: secrets that it hangs on change."""
    values = {one.resource.name for one in changes_of(planned) if one.rewrites}
    found: dict[tuple[str, str], str] = {}
    for refreshed in stack.spec.refreshes:
        if causes := sorted({stack.spec.secret(ref).name for ref in refreshed.secrets} & values):
            said = f"is started anew if it runs already, as {_first(causes)} gets another value"
            found[refresh.KIND, refreshed.name] = said
    for database in stack.spec.databases:
        password = stack.spec.secret(database.password).name if database.password else ""
        if password in values:
            found[endpoint.KIND, database.name] = f"its password is proven again, as {password} changes"
    rotating = [one for one in stack.spec.secrets if one.rotation is not None and one.rotation.managed]
    # A rotation that somebody switched off leaves the role as it is: only a new secret, or another key, changes it.
    secrets = [one for one in changes_of(planned) if one.resource.kind == secret.KIND]
    made = {one.resource.name for one in secrets if one.rewrites or one.action in _MADE}
    if stack.spec.rotation_function and (causes := sorted({one.name for one in rotating} & made)):
        name = stack.spec.rotation_function.name
        found[rotation_function.KIND, name] = f"its role is to rotate {_first(causes)} as well"
    return found


def _first(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _following(followers: Mapping[tuple[str, str], str], change: Change) -> Change:
    why = followers.get((change.resource.kind, change.resource.name))
    if why is None or change.action is not ChangeClass.NONE:
        return change
    return replace(change, action=ChangeClass.UPDATE, reasons=(Follows(why),))
