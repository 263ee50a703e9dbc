"""How a secret that exists differs from the stack: the reasons of a plan, and what an apply has to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers import desired
from secrets_pipeline.reconcilers.marks import INPUTS, PREFIX, VALUE_KEY
from secrets_pipeline.reconcilers.states import SecretState
from secrets_pipeline.reconcilers.value_inputs import declared_inputs
from secrets_pipeline.references import Pending
from secrets_pipeline.spec import DeclaredValue, SecretSpec

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

DEFAULT_KEY = "default"
"""Stands for `aws/secretsmanager`."""

_OUTSIDE = "changed outside: "
_VALUE = ("value", "kms key")
_UNMARKED = ("value", "waits")


def differences(context: StackContext, state: SecretState, secret: SecretSpec) -> tuple[str, ...]:
    """A reason for everything that differs; no value is read."""
    reasons = []
    if state.description != secret.description:
        reasons.append(f"description differs: {state.description!r} → {secret.description!r}")
    key = desired.kms_key(context, secret)
    if isinstance(key, Pending):
        reasons.append(f"waits: {key.reason}")
    elif key_id(context, state.kms_key_id) != key_id(context, key):
        reasons.append(f"kms key differs: {state.kms_key_id or DEFAULT_KEY} → {key or DEFAULT_KEY}")
    elif under_another_key(context, state):
        reasons.append(f"value is still under kms key {state.tags[VALUE_KEY]}")
    reasons.extend(_tag_differences(state.tags, desired.tags(context, secret)))
    reasons.extend(value_differences(context, state, secret))
    return tuple(reasons)


def value_differences(context: StackContext, state: SecretState, secret: SecretSpec) -> list[str]:
    """Why a value has to be written: there is none, or a declared one was rendered from other inputs."""
    if state.current_version is None:
        return ["value is missing"]
    if isinstance(secret.value, DeclaredValue):
        inputs = declared_inputs(context, secret)
        if isinstance(inputs, Pending):
            return [f"waits: {inputs.reason}"]
        if state.tags.get(INPUTS) != inputs:
            return ["value is rendered from other inputs"]
    return []


def changes_value(reason: str) -> bool:
    """Whether a reason of `differences` ends in a new version of the value."""
    return reason.removeprefix(_OUTSIDE).startswith(_VALUE)


def changed_outside(reasons: Sequence[str]) -> tuple[bool, tuple[str, ...]]:
    """The reasons of a secret whose mark says what the stack says: its metadata can only have been changed outside.

    Returns:
        Whether anything was, and the reasons, saying so; reasons about the value, which no mark covers, are kept.
    """
    outside = [not reason.startswith(_UNMARKED) for reason in reasons]
    said = (_OUTSIDE + reason if out else reason for out, reason in zip(outside, reasons, strict=True))
    return any(outside), tuple(said)


def key_id(context: StackContext, key: str | None) -> str:
    """The id behind any spelling of a KMS key; `default` for `aws/secretsmanager`."""
    return DEFAULT_KEY if key is None else context.inventory.key_id(key) or key


def under_another_key(context: StackContext, state: SecretState) -> bool:
    """Whether a change of key stopped before the value was written again under the new one."""
    return state.tags.get(VALUE_KEY) not in (None, key_id(context, state.kms_key_id))


def _tag_differences(observed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    reasons = []
    for key, value in wanted.items():
        if key not in observed:
            reasons.append(f"tag {key} is missing")
        elif observed[key] != value:
            reasons.append(f"tag {key} differs: {observed[key]!r} → {value!r}")
    reasons.extend(f"tag {key} is not declared" for key in surplus_tags(observed, wanted))
    return reasons


def surplus_tags(observed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Tags that nobody declared; those of AWS and of the pipeline itself are left alone."""
    return sorted(key for key in observed if key not in wanted and not key.startswith(("aws:", PREFIX)))
