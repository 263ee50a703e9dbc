"""Decide whether we may touch a secret, from its mark alone, before anything is compared."""

from __future__ import annotations

from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.reason import Because, NotOurs, Reason
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.marks.not_ours import FORGED, way_out
from secrets_pipeline.reconcilers.marks.secret_mark import Mark, MarkState, Owner
from secrets_pipeline.reconcilers.observed.secret_state import SecretState

Claim = tuple[ChangeClass, Reason | None]
"""What ownership alone decides, and why; NONE, and no reason, where it is ours to compare."""


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
        said, stays = f"exists without our tags{gone}", "; a generated value stays as it is"
    else:
        said, stays = f"belongs to {mark.owner}", ", value and all"
        if not may_take:
            return ChangeClass.BLOCKED, NotOurs(said, way_out(mark.owner, owner))
    if adopt:
        return ChangeClass.ADOPT, Because(said)
    return ChangeClass.BLOCKED, NotOurs(said, f"{adoption(owner.stack, state.name)} takes it over{stays}")


def _foreign(state: SecretState, mark: Mark) -> NotOurs | None:
    if state.owning_service:
        return NotOurs(f"is managed by {state.owning_service}", "take it out of the stack")
    if state.is_replica:
        there = "declare it there, with replica_regions"
        return NotOurs(f"is a replica of the secret in {state.primary_region}", there)
    if mark.state is MarkState.FORGED:
        return FORGED
    return None
