"""How a secret that exists differs from the stack: the reasons of a plan, and what an apply has to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.reconcilers import desired
from secrets_pipeline.reconcilers.marks import PREFIX, REPOSITORY, VALUE_KEY, Part
from secrets_pipeline.reconcilers.rendered import is_rendered_from, is_unfinished
from secrets_pipeline.reconcilers.states import SecretState
from secrets_pipeline.reconcilers.value_inputs import declared_inputs
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

DEFAULT_KEY = "default"
"""Stands for `aws/secretsmanager`."""
OUTSIDE = "changed outside: "
WAITS = "waits: "
UNNAMED = "its mark does not name the repository yet"
"""Of a mark that was written before the repository had an id."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a secret is not as the stack declares it.

    Attributes:
        part: what differs; None for the value, of which no mark speaks.
        reason: for a human; never a secret value nor a digest of one.
        rewrites: whether mending it writes a new version of the value.
    """

    part: Part | None
    reason: str
    rewrites: bool = False


def differences(context: StackContext, state: SecretState, secret: SecretSpec) -> tuple[Difference, ...]:
    """Everything that differs; no value is read."""
    found = []
    if state.description != secret.description:
        reason = f"description differs: {state.description!r} → {secret.description!r}"
        found.append(Difference(Part.DESCRIPTION, reason))
    key = desired.kms_key(context, secret)
    if isinstance(key, Pending):
        found.append(Difference(Part.KMS_KEY, WAITS + key.reason))
    elif key_id(context, state.kms_key_id) != key_id(context, key):
        reason = f"kms key differs: {state.kms_key_id or DEFAULT_KEY} → {key or DEFAULT_KEY}"
        found.append(Difference(Part.KMS_KEY, reason, rewrites=True))
    elif under_another_key(context, state):
        reason = f"value is still under kms key {state.tags[VALUE_KEY]}"
        found.append(Difference(None, reason, rewrites=True))
    tags = _tag_differences(state.tags, desired.tags(context, secret))
    found.extend(Difference(Part.TAGS, reason) for reason in tags)
    found.extend(value_differences(context, state, secret))
    return tuple(found)


def value_differences(context: StackContext, state: SecretState, secret: SecretSpec) -> list[Difference]:
    """Why a value has to be written: there is none, or a declared one was rendered from other inputs."""
    if state.current_version is None:
        return [Difference(None, "value is missing", rewrites=True)]
    if isinstance(secret.value, DeclaredValue):
        inputs = declared_inputs(context, secret)
        if isinstance(inputs, Pending):
            return [Difference(None, WAITS + inputs.reason)]
        if is_unfinished(state):
            return [Difference(None, "value was written by a run that did not finish", rewrites=True)]
        if not is_rendered_from(state, inputs):
            return [Difference(None, "what its value is rendered from has changed", rewrites=True)]
    return []


def reasons(
    context: StackContext, state: SecretState, secret: SecretSpec, found: Sequence[Difference]
) -> tuple[bool, tuple[str, ...]]:
    """The reasons of a plan: a part whose mark says what the stack says can only have been changed outside.

    Returns:
        Whether anything was changed outside, and the reasons, saying so.
    """
    done = {part: desired.made(context, state, secret, part) for part in {one.part for one in found} if part}
    outside = [one.part is not None and done[one.part] and not one.reason.startswith(WAITS) for one in found]
    said = (OUTSIDE + one.reason if out else one.reason for out, one in zip(outside, found, strict=True))
    return any(outside), tuple(said)


def foreign_value(context: StackContext, state: SecretState) -> str | None:
    """What to say of a current version that neither we nor a rotation wrote: it is kept, and said.

    After a first rotation a version of a human cannot be told from one of the rotation without a call for each secret.
    """
    if state.current_version is None or not context.marks.written_versions(state):
        return None
    if context.marks.wrote(state, state.current_version):
        return None
    if state.rotation_enabled or state.last_rotated_at is not None:
        return None
    return f"{OUTSIDE}value: version {state.current_version} was written by somebody else and is kept"


def key_id(context: StackContext, key: str | None) -> str:
    """The id behind any spelling of a KMS key; `default` for `aws/secretsmanager`."""
    return DEFAULT_KEY if key is None else context.inventory.key_id(key) or key


def under_another_key(context: StackContext, state: SecretState) -> bool:
    """Whether a change of key stopped before the value was written again under the new one."""
    return state.tags.get(VALUE_KEY) not in (None, key_id(context, state.kms_key_id))


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


def surplus_tags(observed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Tags that nobody declared; those of AWS and of the pipeline itself are left alone."""
    return sorted(key for key in observed if key not in wanted and not key.startswith(("aws:", PREFIX)))
