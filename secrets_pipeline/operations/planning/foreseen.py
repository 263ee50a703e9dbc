"""Add to the plan of a stack what an apply does in consequence, or finds in its way: what no single stage can see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.consumer.refresh_model import RefreshSpec
from secrets_pipeline.desired.followers import value_outputs
from secrets_pipeline.engine.blocking import blocked
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.engine.only import Planned, changes_of
from secrets_pipeline.engine.reason import Follows, Missing, Reason
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.planning.earlier import Earlier
from secrets_pipeline.operations.planning.hindrances import hindered
from secrets_pipeline.reconcilers.consumer import refresh
from secrets_pipeline.reconcilers.database import endpoint
from secrets_pipeline.reconcilers.outputs_document.reconciler import OutputsDocumentReconciler
from secrets_pipeline.reconcilers.rotation_function import reconciler as rotation_function
from secrets_pipeline.reconcilers.secret import reconciler as secret
from secrets_pipeline.reconcilers.secret.part import SECRET_NOT_OURS

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_CONSUMER_ARNS = "consumer_arns"
_ADOPT = ChangeClass.ADOPT
_MADE = frozenset({ChangeClass.CREATE, ChangeClass.RESTORE, _ADOPT})


def foreseen(stack: Stack, stages: Planned, earlier: Earlier) -> dict[str, tuple[Change, ...]]:
    """Return the plan of a stack with what is in its way, and what follows from it.

    Args:
        stack: the stack.
        stages: what each of its stages plans by itself.
        earlier: changes of the stacks that are applied before this one.
    """
    free = hindered(stack, earlier.without_made(stack, stages))
    render = partial(_rendered_again, _rendered_by(stack, earlier.changing))
    take = partial(_taken_over, frozenset(one.resource.name for one in changes_of(free) if one.action is _ADOPT))
    rendered = {stage: tuple(take(render(one)) for one in changes) for stage, changes in free.items()}
    possible = blocked(rendered, earlier.known_to(stack))
    follow = partial(_following, _followers(stack, possible))
    followed = {stage: tuple(map(follow, changes)) for stage, changes in possible.items()}
    return with_published(stack, followed)


def with_published(stack: Stack, planned: Planned) -> dict[str, tuple[Change, ...]]:
    """Return a plan with the ARNs that an apply of it publishes, also of secrets that do not exist yet.

    Args:
        stack: the stack.
        planned: its plan, or a part of that.
    """
    stages = {stage: tuple(changes) for stage, changes in planned.items()}
    rest = stages.get(_CONSUMER_ARNS, ())
    if _CONSUMER_ARNS not in stages or any(one.error is not None for one in rest):
        return stages
    secrets = [one for one in changes_of(planned) if one.resource.kind == secret.KIND and not one.on_its_way]
    soon = frozenset(one.resource.name for one in secrets if one.action in _MADE)
    found = OutputsDocumentReconciler(stack, soon=soon).plan()
    published = {one.resource: one for one in found if one.action.builds or one.action is ChangeClass.NONE}
    rest = tuple(one for one in rest if one.resource not in published and not (one.ancillary and one.action.builds))
    return {**stages, _CONSUMER_ARNS: (*published.values(), *rest)}


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


def _not_there(stack: Stack, refreshed: RefreshSpec) -> Reason | None:
    """Why a consumer cannot be started anew; None if it can, or if AWS refuses to tell."""
    refresher = refresh.refreshers(stack)[refreshed.means.kind]
    with suppress(AwsError):
        if refresher.look(refreshed.means) is None:
            return refresher.missing(refreshed.means)
    return None


def _followers(stack: Stack, planned: Planned) -> Mapping[tuple[str, str], Reason]:
    """Why something changes that is as it should be until now, by kind and name: secrets that it hangs on change."""
    values = {one.resource.name for one in changes_of(planned) if one.rewrites}
    found: dict[tuple[str, str], Reason] = {}
    delivered = {
        one.resource.component for one in planned.get(_CONSUMER_ARNS, ()) if one.action.writes and not one.note
    }
    for refreshed in stack.spec.refreshes:
        causes = sorted({stack.spec.secret(ref).name for ref in refreshed.secrets} & values)
        # A delivery starts its consumer anew itself.
        if causes and refreshed.component not in delivered:
            said = Follows(f"is started anew, as {_first(causes)} gets another value")
            found[refresh.KIND, refreshed.name] = _not_there(stack, refreshed) or said
    for database in stack.spec.databases:
        password = stack.spec.secret(database.password).name if database.password else ""
        if password in values:
            found[endpoint.KIND, database.name] = Follows(f"its password is proven again, as {password} changes")
    rotating = [one for one in stack.spec.secrets if one.rotation is not None and one.rotation.managed]
    # A rotation that somebody switched off leaves the role as it is: only a new secret, or another key, changes it.
    secrets = [one for one in changes_of(planned) if one.resource.kind == secret.KIND]
    made = {one.resource.name for one in secrets if one.rewrites or one.action in _MADE}
    if stack.spec.rotation_function and (causes := sorted({one.name for one in rotating} & made)):
        name = stack.spec.rotation_function.name
        found[rotation_function.KIND, name] = Follows(f"its role is to rotate {_first(causes)} as well")
    return found


def _first(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _following(followers: Mapping[tuple[str, str], Reason], change: Change) -> Change:
    why = followers.get((change.resource.kind, change.resource.name))
    if why is None or change.action is not ChangeClass.NONE:
        return change
    action = ChangeClass.BLOCKED if isinstance(why, Missing) else ChangeClass.UPDATE
    return replace(change, action=action, reasons=(why,))
