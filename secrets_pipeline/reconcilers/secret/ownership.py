"""Decide whether we may touch a secret, from its mark alone, before anything is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.boundary import ContestedKind
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.reason import Because, NotOurs, Reason
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.contest import lost_contest
from secrets_pipeline.reconcilers.marks.not_ours import FORGED, way_out
from secrets_pipeline.reconcilers.marks.secret_mark import Mark, MarkState, Owner
from secrets_pipeline.reconcilers.observed.secret_state import SecretState

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.reconcilers.stack import Stack

_KEY_REMEDY = (
    "check fingerprint_key in the operator's settings, where its alias leads, and the "
    "account; else find out who tagged it"
)
Claim = tuple[ChangeClass, Reason | None]
"""What ownership alone decides, and why; NONE, and no reason, where it is ours to compare."""


def claimed(stack: Stack, state: SecretState | None, secret: SecretSpec) -> Claim:
    """Decide what may happen to a secret that a stack declares, as this run was asked; see `claim`."""
    if state is None and (lost := lost_contest(stack, ContestedKind.SECRET, secret.name)):
        return ChangeClass.BLOCKED, lost
    mark = stack.ownership.marks.verify(state) if state else None
    if mark is not None and mark.state is MarkState.FORGED and not _proves_any(stack):
        key = stack.run.settings.fingerprint_key
        return ChangeClass.BLOCKED, NotOurs(
            f"carries our tags, and KMS key {key} proves no mark of the stack", _KEY_REMEDY
        )
    owner = mark.owner if mark else None
    may_take = owner is not None and stack.ownership.repository.may_take(
        owner, lambda spec: any(one.name == secret.name for one in spec.secrets)
    )
    of_another = owner is not None and stack.ownership.repository.is_another(owner.repository)
    adopt = stack.run.options.adopts(secret.name, of_another=of_another)
    return claim(state, mark, stack.ownership.owner(secret), adopt=adopt, may_take=may_take)


def is_adopted(stack: Stack, state: SecretState, secret: SecretSpec) -> bool:
    """Whether this run takes a secret over: its parts are compared as those of one that is ours."""
    return claimed(stack, state, secret)[0] is ChangeClass.ADOPT


def _proves_any(stack: Stack) -> bool:
    """Whether the fingerprint key proves any mark of the stack: without one, or by another one, it proves none."""
    return any(stack.ownership.marks.verify(one).ours for one in stack.observed.secrets.all().values())


def claim(state: SecretState | None, mark: Mark | None, owner: Owner, *, adopt: bool, may_take: bool = False) -> Claim:
    """Decide what may happen to a secret that `owner` declares.

    Args:
        state: the secret, or None where there is none.
        mark: its verified mark.
        owner: who declares it now.
        adopt: whether the operator named the secret as one to be taken over.
        may_take: whether that is enough where the mark names another stack or repository; see `Repository.may_take`.
    """
    if state is None or mark is None:
        return ChangeClass.CREATE, Because("does not exist")
    foreign = _foreign(state, mark)
    if foreign:
        return ChangeClass.BLOCKED, foreign
    elsewhere = mark.ours and mark.owner is not None and not mark.owner.is_of(owner.stack, owner.repository)
    if elsewhere or mark.state is MarkState.UNMARKED:
        return _not_ours(state, mark, owner, adopt=adopt, may_take=may_take)
    if state.deleted_at is not None:
        return ChangeClass.RESTORE, Because("is scheduled for deletion")
    return ChangeClass.NONE, None


def _not_ours(state: SecretState, mark: Mark, owner: Owner, *, adopt: bool, may_take: bool) -> Claim:
    if mark.owner is None:
        gone = " and is scheduled for deletion" if state.deleted_at else ""
        said, stays = f"exists without our tags{gone}", ""
    else:
        said, stays = f"belongs to {mark.owner}", ", value and all"
        if not may_take:
            return ChangeClass.BLOCKED, NotOurs(said, way_out(mark.owner, owner))
    if adopt:
        return ChangeClass.ADOPT, Because(said)
    way = f"{adoption(owner.stack, state.name)} takes it over{stays}; `plan` with the same shows what that changes"
    return ChangeClass.BLOCKED, NotOurs(said, way)


def _foreign(state: SecretState, mark: Mark) -> NotOurs | None:
    if state.owning_service:
        return NotOurs(f"is managed by {state.owning_service}", "take it out of the stack")
    if state.is_replica:
        there = "declare it there, with replica_regions"
        return NotOurs(f"is a replica of the secret in {state.primary_region}", there)
    if mark.state is MarkState.FORGED:
        return FORGED
    return None
