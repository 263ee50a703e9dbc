"""How a secret that exists differs from the stack: the reasons of a plan, and what an apply has to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.reason import OUTSIDE, UNNAMED, WAITS
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.observed.tags import surplus_tags
from secrets_pipeline.reconcilers.secret import desired
from secrets_pipeline.reconcilers.secret_value.encryption import DEFAULT_KEY, key_id, under_another_key
from secrets_pipeline.reconcilers.secret_value.plan import Difference, value_differences
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY, VALUE_KEY
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def differences(stack: Stack, state: SecretState, secret: SecretSpec) -> tuple[Difference, ...]:
    """Everything that differs; no value is read."""
    found = []
    if state.description != secret.description:
        reason = f"description differs: {state.description!r} → {secret.description!r}"
        found.append(Difference(Part.DESCRIPTION, reason))
    key = desired.kms_key(stack, secret)
    if isinstance(key, Pending):
        found.append(Difference(Part.KMS_KEY, WAITS + key.reason))
    elif key_id(stack, state.kms_key_id) != key_id(stack, key):
        reason = f"kms key differs: {state.kms_key_id or DEFAULT_KEY} → {key or DEFAULT_KEY}"
        found.append(Difference(Part.KMS_KEY, reason, rewrites=True))
    elif under_another_key(stack, state):
        reason = f"value is still under kms key {state.tags[VALUE_KEY]}"
        found.append(Difference(None, reason, rewrites=True))
    tags = _tag_differences(state.tags, desired.tags(stack, secret))
    found.extend(Difference(Part.TAGS, reason) for reason in tags)
    found.extend(value_differences(stack, state, secret))
    return tuple(found)


def reasons(
    stack: Stack, state: SecretState, secret: SecretSpec, found: Sequence[Difference]
) -> tuple[bool, tuple[str, ...]]:
    """The reasons of a plan: a part whose mark says what the stack says can only have been changed outside.

    Returns:
        Whether anything was changed outside, and the reasons, saying so.
    """
    done = {part: desired.made(stack, state, secret, part) for part in {one.part for one in found} if part}
    outside = [one.part is not None and done[one.part] and not one.reason.startswith(WAITS) for one in found]
    said = (OUTSIDE + one.reason if out else one.reason for out, one in zip(outside, found, strict=True))
    return any(outside), tuple(said)


def _tag_differences(observed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    found = []
    for key, value in wanted.items():
        if key == REPOSITORY and key not in observed:
            found.append(UNNAMED)
        elif key not in observed:
            found.append(f"tag {key} is missing")
        elif observed[key] != value:
            found.append(f"tag {key} differs: {observed[key]!r} → {value!r}")
    found.extend(f"tag {key} is not declared" for key in surplus_tags(observed, wanted))
    return found
