"""Check that each connection secret says what its database and its credentials say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict
from secrets_pipeline.reconcilers.secret_value.batched import BatchedValues
from secrets_pipeline.reconcilers.secret_value.checks import blocked_secret, judged_secret
from secrets_pipeline.reconcilers.secret_value.fields import kept_as_declared, known_fields
from secrets_pipeline.reconcilers.secret_value.inputs import declared_inputs, field_inputs
from secrets_pipeline.reconcilers.secret_value.provenance import is_rendered_from
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.values.content import text_of
from secrets_pipeline.values.documents import merge_document
from secrets_pipeline.values.render import render

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def connections(stack: Stack, *, deep: bool) -> list[Finding]:
    """Compare each connection secret, and each credentials document, with what its database and its credentials say.

    Shallow compares the recorded inputs (endpoint, version of the credentials); deep reads the value as well.
    """
    found: list[tuple[SecretSpec, Callable[[BatchedValues | None], Finding]]] = []
    for secret in (one for one in stack.spec.secrets if not one.blocked):
        if isinstance(secret.value, DeclaredValue) and secret.needs_endpoint:
            found.append((secret, partial(_connection, stack, secret, secret.value)))
        elif isinstance(secret.value, GeneratedValue) and secret.value.fields:
            found.append((secret, partial(_document, stack, secret)))
    values = BatchedValues(stack, [secret.name for secret, _ in found]) if deep else None
    return [
        *(blocked_secret(one) for one in stack.spec.secrets if one.blocked and _is_document(one)),
        *(judged_secret(stack, secret, partial(judge, values)) for secret, judge in found),
    ]


def _is_document(secret: SecretSpec) -> bool:
    return isinstance(secret.value, GeneratedValue) and bool(secret.value.fields)


def _connection(stack: Stack, secret: SecretSpec, value: DeclaredValue, values: BatchedValues | None) -> Finding:
    state = stack.observed.secrets.get(secret.name)
    inputs = declared_inputs(stack, secret)
    if isinstance(inputs, Pending):
        return Finding(secret.name, Verdict.WAITING, inputs.reason, reason_type=Cause.WAITS)
    if state is None or state.current_version is None:
        return Finding(secret.name, Verdict.WRONG, "has no value", reason_type=Cause.NO_VALUE)
    if not is_rendered_from(state, inputs):
        old = "was rendered from another endpoint or another credentials version"
        return Finding(secret.name, Verdict.WRONG, old, reason_type=Cause.NOT_RENDERED_ANEW)
    if values is None:
        return Finding(secret.name, Verdict.RIGHT, "rendered from the current endpoint and credentials")
    stored = values.take(state)
    rendered = render(value, stack.resolve.leaves(secret), stored if value.document else None)
    if rendered.get_secret_value() != stored.get_secret_value():
        theirs = "its value was changed by somebody else"
        return Finding(secret.name, Verdict.WRONG, theirs, reason_type=Cause.CHANGED_OUTSIDE)
    return Finding(secret.name, Verdict.RIGHT, "value read: it matches endpoint and credentials")


def _document(stack: Stack, secret: SecretSpec, values: BatchedValues | None) -> Finding:
    state = stack.observed.secrets.get(secret.name)
    fields, missing = known_fields(stack, secret)
    if missing:
        return Finding(secret.name, Verdict.WAITING, "; ".join(one.reason for one in missing), reason_type=Cause.WAITS)
    if state is None or state.current_version is None:
        return Finding(secret.name, Verdict.WRONG, "has no value", reason_type=Cause.NO_VALUE)
    if not is_rendered_from(state, field_inputs(stack, secret, fields)):
        old = f"its fields {', '.join(fields)} are those of another endpoint"
        return Finding(secret.name, Verdict.WRONG, old, reason_type=Cause.NOT_RENDERED_ANEW)
    if values is None:
        return Finding(secret.name, Verdict.RIGHT, "completed from the current endpoint")
    stored = text_of(values.take(state), f"the value of {state.name}")
    if merge_document(stored, kept_as_declared(secret, fields)).get_secret_value() != stored.get_secret_value():
        theirs = "fields of its value were changed by somebody else"
        return Finding(secret.name, Verdict.WRONG, theirs, reason_type=Cause.CHANGED_OUTSIDE)
    return Finding(secret.name, Verdict.RIGHT, "value read: its fields match the endpoint")
