"""Say why a secret's value has to be written, as far as its tags and versions tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.engine.reason import Because, ChangedOutside, Reason, Waits
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret_value.inputs import declared_inputs
from secrets_pipeline.reconcilers.secret_value.provenance import is_rendered_from, is_unfinished
from secrets_pipeline.reconcilers.secret_value.taken_in import reason_to_write
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a secret is not as the stack declares it.

    Attributes:
        part: what differs; None for the value, of which no mark speaks.
        reason: for a human.
        rewrites: whether mending it writes a new version of the value.
    """

    part: Part | None
    reason: Reason
    rewrites: bool = False


def value_differences(stack: Stack, state: SecretState, secret: SecretSpec) -> list[Difference]:
    """Say why a value has to be written: there is none, or a declared one was rendered from other inputs.

    One that somebody else brings never has to be.
    """
    if secret.external:
        return []
    if state.current_version is None:
        return [Difference(None, reason_to_write(stack, secret, state, "value is missing"), rewrites=True)]
    if isinstance(secret.value, DeclaredValue):
        inputs = declared_inputs(stack, secret)
        if isinstance(inputs, Pending):
            takes = reason_to_write(stack, secret, state, "what its value takes in has changed")
            return [Difference(None, Waits(inputs.reason)), *([Difference(None, takes)] if takes.details else [])]
        if is_unfinished(state):
            unfinished = reason_to_write(stack, secret, state, "value was written by a run that did not finish")
            return [Difference(None, unfinished, rewrites=True)]
        if not is_rendered_from(state, inputs):
            ours = stack.ownership.owns(state)
            # Of an adopted one no value is read for a plan.
            said = (
                "what its value is rendered from has changed" if ours else "declared value is written, where it differs"
            )
            return [Difference(None, reason_to_write(stack, secret, state, said), rewrites=True)]
    return []


def foreign_value(stack: Stack, state: SecretState) -> Reason | None:
    """Say that the current version was written by neither us nor a rotation: it is kept.

    After a first rotation a version of a human cannot be told from one of the rotation without a call for each secret.
    """
    if state.current_version is None or not stack.ownership.marks.written_versions(state):
        return None
    if stack.ownership.marks.wrote(state, state.current_version):
        return None
    if state.rotation_enabled or state.last_rotated_at is not None:
        return None
    kept = f"value: version {state.current_version} was written by somebody else and is kept"
    return ChangedOutside(Because(kept))
