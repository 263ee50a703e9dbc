"""Compare a secret that exists with what the stack declares: the reasons of a plan, and what an apply has to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.engine.reason import Because, ChangedOutside, Differs, Reason, Waits
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
from secrets_pipeline.reconcilers.secret.tags import tag_differences
from secrets_pipeline.reconcilers.secret_value.encryption import key_id, key_name, under_another_key
from secrets_pipeline.reconcilers.secret_value.plan import Difference, value_differences
from secrets_pipeline.reconcilers.tag_keys import VALUE_KEY
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def differences(stack: Stack, state: SecretState, secret: DesiredSecret) -> tuple[Difference, ...]:
    """Compare description, key, tags and what the value was made from with the stack; no value is read."""
    found = []
    description = secret.description(state)
    if state.description != description:
        differs = Differs("description", repr(state.description), repr(description))
        found.append(Difference(Part.DESCRIPTION, differs))
    key = secret.kms_key_of(state)
    if isinstance(key, Pending):
        found.append(Difference(Part.KMS_KEY, Waits(key.reason), rewrites=not secret.spec.external))
    elif key_id(stack, state.kms_key_id) != key_id(stack, key):
        differs = Differs("kms key", key_name(stack, state.kms_key_id), key_name(stack, key))
        found.append(Difference(Part.KMS_KEY, differs, rewrites=not secret.spec.external))
    elif under_another_key(stack, state) and not secret.spec.external:
        still = Because(f"value is still under kms key {key_name(stack, state.tags[VALUE_KEY])}")
        found.append(Difference(None, still, rewrites=True))
    found.extend(Difference(Part.TAGS, reason) for reason in tag_differences(stack, state, secret))
    found.extend(value_differences(stack, state, secret.spec))
    return tuple(found)


def reasons(state: SecretState, secret: DesiredSecret, found: Sequence[Difference]) -> tuple[bool, tuple[Reason, ...]]:
    """Give the reasons of a plan: a part whose mark says what the stack says can only have been changed outside.

    Returns:
        Whether anything was changed outside, and the reasons, saying so.
    """
    done = {part: secret.made(state, part) for part in {one.part for one in found} if part}
    outside = [one.part is not None and done[one.part] and not isinstance(one.reason, Waits) for one in found]
    said = (ChangedOutside(one.reason) if out else one.reason for out, one in zip(outside, found, strict=True))
    return any(outside), tuple(said)
