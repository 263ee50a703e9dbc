"""List secrets that left the YAML as orphans, and call DeleteSecret only where the operator asks for it.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.boundary import ContestedKind
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Detail, Reason, Sign
from secrets_pipeline.reconcilers.apply_options import pruning
from secrets_pipeline.reconcilers.left import UNREAD
from secrets_pipeline.reconcilers.marks.not_ours import FORGED
from secrets_pipeline.reconcilers.marks.secret_mark import DEFAULT_RECOVERY_DAYS, MarkState, Owner, Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.replica.reconciler import delete_replicas
from secrets_pipeline.reconcilers.secret.part_mark import withdraw_digest

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


KIND = "secret"


class OrphanedSecretReconciler:
    """Finds and prunes secrets that are ours and that no stack declares any more."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def plan(self) -> Sequence[Change]:
        """Plan one change an orphan."""
        return _orphans(self._stack)

    def apply(self, change: Change) -> str:
        """Call DeleteSecret for one orphan, with the recovery window last declared for it; see `engine.Reconciler`."""
        return _prune(self._stack, change.resource.name)


def _orphans(stack: Stack) -> list[Change]:
    # A secret that moved to another stack is that stack's to take over, not ours to delete.
    declared = stack.ownership.repository.index
    changes = []
    for state in stack.observed.secrets.all().values():
        if state.deleted_at is not None or declared.stack_with(ContestedKind.SECRET, state.name, stack.spec.target):
            continue
        mark = stack.ownership.marks.verify(state)
        if mark.owner is None or state.is_replica or state.owning_service:
            continue
        resource = Resource(KIND, state.name, mark.owner.component, mark.owner.key)
        if mark.state is MarkState.FORGED:
            changes.append(Change(resource, ChangeClass.BLOCKED, (FORGED,), act=True))
        elif stack.ownership.owns(state):
            heir = _heir(stack, state.name)
            needs = (heir,) if heir else ()
            changes.append(Change(resource, *_verdict(stack, state, mark.owner), depends_on=needs, act=True))
    return changes


def _heir(stack: Stack, name: str) -> str:
    """The secret that begins with the value of this one, or empty: until it has that, this one is not deleted."""
    return next((one.name for one in stack.spec.secrets if one.previous_name == name), "")


def _verdict(stack: Stack, state: SecretState, owner: Owner) -> tuple[ChangeClass, tuple[Reason, ...]]:
    """What becomes of an orphan of ours."""
    options, named = stack.run.options, owner.repository == stack.ownership.repository.id
    window = _window(_days(stack, state))
    deletes = f"{pruning(stack.spec, options, state.name, named=named)}, {window}"
    reason = Because("is not in the stack any more", deletes)
    if not options.prune or not (named or options.adopts(state.name)):
        # Without the repository in its mark it may be that of another one with a stack of this name.
        unnamed = Because("its mark names no repository, and it is not in the stack any more", deletes)
        return ChangeClass.ORPHAN, (reason if named else unnamed,)
    if not stack.ownership.repository.is_complete:
        return ChangeClass.BLOCKED, (UNREAD,)
    gone = Detail(Sign.REMOVED, "the secret with all its versions", window)
    return ChangeClass.PRUNE, (replace(reason, details=(gone,)),)


def _prune(stack: Stack, name: str) -> str:
    state = stack.observed.secrets.refresh(name)
    if state is None or state.deleted_at is not None:
        return "was gone already"
    if not stack.ownership.owns(state):
        raise SkippedError(f"{name} does not belong to this stack any more")
    if heir := _heir(stack, name):
        moved = stack.observed.secrets.refresh(heir)
        if moved is None or moved.current_version is None or not stack.ownership.owns(moved):
            raise SkippedError(f"its value is to be in {heir} first", remedy="Run again when that is made.")
    days = _days(stack, state)
    # Declared again one day, it must not look as if somebody else had deleted it.
    state = delete_replicas(stack, withdraw_digest(stack, state, Part.TAGS))
    how: dict[str, Any] = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    with calling("DeleteSecret", name):
        stack.account.client("secretsmanager").delete_secret(SecretId=state.arn, **how)
    stack.observed.secrets.refresh(name)
    return f"deleted, {_window(days)}"


def _days(stack: Stack, state: SecretState) -> int:
    """The window that the mark proves; nothing is deleted at once in production, whatever was declared earlier."""
    commit = stack.ownership.marks.verify(state).commit
    days = DEFAULT_RECOVERY_DAYS if commit is None else commit.recovery_days
    return days or (DEFAULT_RECOVERY_DAYS if stack.spec.protected else 0)


def _window(days: int) -> str:
    return f"to be restored for {days} days" if days else "at once and for ever"
