"""May we touch this secret? Decided from its mark alone, before anything is compared."""

from __future__ import annotations

from secrets_pipeline.engine import ChangeClass
from secrets_pipeline.reconcilers.marks import Mark, MarkState, Owner
from secrets_pipeline.reconcilers.states import SecretState

Claim = tuple[ChangeClass, str]
"""What ownership alone decides (NONE where it is ours to compare), and why."""


def claim(state: SecretState | None, mark: Mark | None, owner: Owner, *, adopt: bool, abandoned: bool = False) -> Claim:
    """What may happen to a secret that `owner` declares.

    Args:
        state: the secret, or None where there is none.
        mark: its verified mark.
        owner: who declares it now.
        adopt: whether the operator lets us take over unmarked secrets, and abandoned ones.
        abandoned: whether the stack that the mark names does not declare the secret any more.
    """
    if state is None or mark is None:
        return ChangeClass.CREATE, "does not exist"
    foreign = _foreign(state, mark)
    if foreign:
        return ChangeClass.BLOCKED, foreign
    if mark.ours and mark.owner is not None and mark.owner.stack != owner.stack:
        return _elsewhere(mark.owner, adopt=adopt, abandoned=abandoned)
    if mark.state is MarkState.UNMARKED:
        return _unmarked(state, adopt=adopt)
    if state.deleted_at is not None:
        return ChangeClass.RESTORE, "is scheduled for deletion"
    return ChangeClass.NONE, ""


def _elsewhere(owner: Owner, *, adopt: bool, abandoned: bool) -> Claim:
    if not abandoned:
        return ChangeClass.BLOCKED, f"belongs to {owner}: take it out of that stack first"
    if adopt:
        return ChangeClass.ADOPT, f"belonged to {owner}, which does not declare it any more"
    return (
        ChangeClass.BLOCKED,
        f"belongs to {owner}, which does not declare it any more: `apply --adopt` takes it over, value and all",
    )


def _foreign(state: SecretState, mark: Mark) -> str:
    if state.owning_service:
        return f"is managed by {state.owning_service}: take it out of the stack"
    if state.is_replica:
        return f"is a replica of the secret in {state.primary_region}: declare it there, with replica_regions"
    if mark.state is MarkState.FORGED:
        return f"{mark.state.value}: find out who tagged it, remove the tags, then adopt it"
    return ""


def _unmarked(state: SecretState, *, adopt: bool) -> Claim:
    gone = " and is scheduled for deletion" if state.deleted_at else ""
    if not adopt:
        return (
            ChangeClass.BLOCKED,
            f"exists without our tags{gone}: `apply --adopt` takes it over; a generated value stays as it is",
        )
    return ChangeClass.ADOPT, f"exists without our tags{gone}"
