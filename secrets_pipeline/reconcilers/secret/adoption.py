"""Find what an adopted secret has and the stack says nothing of: it stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.engine.reason import Remark
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Part
from secrets_pipeline.reconcilers.observed.secret_state import Unread
from secrets_pipeline.reconcilers.observed.tags import surplus_tags
from secrets_pipeline.reconcilers.secret_value.encryption import key_name

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
    from secrets_pipeline.reconcilers.stack import Stack


def parts_left(stack: Stack, state: SecretState, secret: DesiredSecret) -> tuple[Part, ...]:
    """List the parts that a secret has, and that nobody declares; tags and replicas are judged one by one.

    Args:
        stack: the stack.
        state: the secret as DescribeSecret shows it.
        secret: what the stack declares of it.

    Raises:
        AwsError: if AWS refuses to show its policy.
    """
    undeclared = {part for part in Part if not secret.declares(part)}
    has = {
        Part.DESCRIPTION: bool(state.description),
        Part.KMS_KEY: state.kms_key_id is not None,
        # Read only where it matters; AWS shows none of a secret that is scheduled for deletion.
        Part.POLICY: Part.POLICY in undeclared
        and state.deleted_at is None
        and bool(stack.observed.secrets.policy(state.name)),
        Part.ROTATION: state.rotation_enabled,
    }
    left = [part for part, there in has.items() if there and part in undeclared]
    return (*left, Part.REPLICAS) if _other_replicas(state, secret) else tuple(left)


def kept_note(stack: Stack, state: SecretState, secret: DesiredSecret) -> Remark | None:
    """Say what an adoption leaves as it is; None where that is nothing, or where it was another stack's of ours.

    Raises:
        AwsError: if AWS refuses to show it, or its policy.
    """
    if stack.ownership.marks.verify(state).state is not MarkState.UNMARKED:
        return None
    # No list shows replicas.
    state = stack.observed.secrets.confirm(state.name) or state
    said = {
        Part.KMS_KEY: f"kms key {key_name(stack, state.kms_key_id)}",
        Part.REPLICAS: f"replica in {', '.join(_other_replicas(state, secret))}",
    }
    kept = [said.get(part, part.value) for part in parts_left(stack, state, secret)]
    if state.deleted_at is not None and not secret.declares(Part.POLICY):
        kept.append("policy, if it has one")
    kept += [f"tag {key}" for key in surplus_tags(state.tags, secret.tags)]
    return Remark(f"stays, as nobody declares it: {', '.join(kept)}") if kept else None


def nothing_to_adopt(stack: Stack) -> Remark:
    """Say that no secret has the name that the operator asked to adopt: what is created has a value of its own."""
    here = f"account {stack.account.account_id}, {stack.account.region}"
    return Remark(
        f"does not exist in {here}: nothing is adopted, and a new one is made", "look whether it is elsewhere"
    )


def _other_replicas(state: SecretState, secret: DesiredSecret) -> list[str]:
    seen = set() if isinstance(state.replicas, Unread) else set(state.replicas)
    return sorted(seen - {one.region for one in secret.spec.replicas})
