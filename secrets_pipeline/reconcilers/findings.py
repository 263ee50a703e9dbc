"""Findings: what a check sees when it compares AWS with the desired state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.database_claim import refusal
from secrets_pipeline.reconcilers.database_endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.database_state import DatabaseState
from secrets_pipeline.reconcilers.fields import kept_as_declared, known_fields
from secrets_pipeline.reconcilers.login import LoggedIn, Login, Refused, Unreachable
from secrets_pipeline.reconcilers.rendered import is_rendered_from
from secrets_pipeline.reconcilers.secret import waits_for_endpoint
from secrets_pipeline.reconcilers.secret_differences import key_id
from secrets_pipeline.reconcilers.stages import STAGES
from secrets_pipeline.reconcilers.stored_value import read_value
from secrets_pipeline.reconcilers.value_inputs import declared_inputs, field_inputs
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.values.documents import merge_document
from secrets_pipeline.values.render import render

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext


class Verdict(Enum):
    """What was found."""

    RIGHT = "right"
    WAITING = "waiting"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One resource, judged.

    Attributes:
        name: of the resource.
        verdict: what was found.
        detail: why; never a value.
        columns: further columns of the check's table.
    """

    name: str
    verdict: Verdict
    detail: str
    columns: Mapping[str, str] = field(default_factory=dict)


def as_declared(context: StackContext, stage: str, *, deep: bool) -> list[Finding]:
    """Whether the resources of a stage are as the stack declares them: is there anything left to plan?"""
    findings = []
    for change in STAGES[stage](context, deep=deep).plan():
        match change.action:
            case _ if change.error is not None:
                findings.append(Finding(change.resource.name, Verdict.WRONG, change.error.diagnostics()))
            case ChangeClass.NONE:
                findings.append(Finding(change.resource.name, Verdict.RIGHT, change.reason or "as declared"))
            case ChangeClass.BLOCKED | ChangeClass.ORPHAN:
                findings.append(Finding(change.resource.name, Verdict.WAITING, change.reason))
            case _:
                waits = any(reason.startswith("waits: ") for reason in change.reasons)
                verdict = Verdict.WAITING if waits else Verdict.WRONG
                findings.append(Finding(change.resource.name, verdict, change.reason or change.action.value))
    return findings


def current_values(context: StackContext, *, connections: bool) -> list[Finding]:
    """Whether each secret exists with an AWSCURRENT version under the declared key; metadata alone."""
    return [
        _blocked(secret) if secret.blocked else judged_secret(context, secret, partial(_current_value, context, secret))
        for secret in context.spec.secrets
        if waits_for_endpoint(secret) is connections
    ]


def _blocked(secret: SecretSpec) -> Finding:
    return Finding(secret.name, Verdict.WAITING, "; ".join(one.problem for one in secret.unresolved))


def _current_value(context: StackContext, secret: SecretSpec) -> Finding:
    state = context.inventory.secret(secret.name)
    if state is None:
        return Finding(secret.name, Verdict.WRONG, "does not exist")
    if state.deleted_at is not None:
        return Finding(secret.name, Verdict.WRONG, "is scheduled for deletion")
    if state.current_version is None:
        return Finding(secret.name, Verdict.WRONG, "has no current value")
    key = None if secret.kms_key is None else context.outputs.text(secret.kms_key)
    if isinstance(key, Pending):
        return Finding(secret.name, Verdict.WAITING, key.reason)
    if key_id(context, key) != key_id(context, state.kms_key_id):
        return Finding(secret.name, Verdict.WRONG, f"is encrypted under {state.kms_key_id or 'the default key'}")
    return Finding(secret.name, Verdict.RIGHT, f"version {state.current_version[:8]}… under {key or 'the default key'}")


def connections(context: StackContext, *, deep: bool) -> list[Finding]:
    """Whether each connection secret, and each credentials document, says what its database and its credentials say.

    Shallow compares the recorded inputs (endpoint, version of the credentials); deep reads the value as well.
    """
    found = []
    for secret in (one for one in context.spec.secrets if not one.blocked):
        if isinstance(secret.value, DeclaredValue) and secret.needs_endpoint:
            found.append(judged_secret(context, secret, partial(_connection, context, secret, secret.value, deep=deep)))
        elif isinstance(secret.value, GeneratedValue) and secret.value.fields:
            found.append(judged_secret(context, secret, partial(_document, context, secret, deep=deep)))
    return found


def judged(name: str, judge: Callable[[], Finding]) -> Finding:
    """One value that cannot be read or understood never hides the others."""
    try:
        return judge()
    except SecretsPipelineError as error:
        return Finding(name, Verdict.WRONG, error.message)


def judged_secret(context: StackContext, secret: SecretSpec, judge: Callable[[], Finding]) -> Finding:
    """Judge a secret of this very stack; of one that others hold under its name nothing is read."""
    state = context.inventory.secret(secret.name)
    if state is not None and not context.owns(state):
        return Finding(secret.name, Verdict.WAITING, "is not ours: nothing of its value is read")
    return judged(secret.name, judge)


def _connection(context: StackContext, secret: SecretSpec, value: DeclaredValue, *, deep: bool) -> Finding:
    state = context.inventory.secret(secret.name)
    inputs = declared_inputs(context, secret)
    if isinstance(inputs, Pending):
        return Finding(secret.name, Verdict.WAITING, inputs.reason)
    if state is None or state.current_version is None:
        return Finding(secret.name, Verdict.WRONG, "has no value")
    if not is_rendered_from(state, inputs):
        return Finding(secret.name, Verdict.WRONG, "was rendered from another endpoint or another credentials version")
    if not deep:
        return Finding(secret.name, Verdict.RIGHT, "rendered from the current endpoint and credentials")
    stored = read_value(context, state)
    rendered = render(value, context.leaves(secret), stored if value.document else None)
    if rendered.get_secret_value() != stored.get_secret_value():
        return Finding(secret.name, Verdict.WRONG, "its value was changed by somebody else")
    return Finding(secret.name, Verdict.RIGHT, "value read: it matches endpoint and credentials")


def _document(context: StackContext, secret: SecretSpec, *, deep: bool) -> Finding:
    state = context.inventory.secret(secret.name)
    fields, missing = known_fields(context, secret)
    if missing:
        return Finding(secret.name, Verdict.WAITING, "; ".join(missing))
    if state is None or state.current_version is None:
        return Finding(secret.name, Verdict.WRONG, "has no value")
    if not is_rendered_from(state, field_inputs(context, secret, fields)):
        return Finding(secret.name, Verdict.WRONG, f"its fields {', '.join(fields)} are those of another endpoint")
    if not deep:
        return Finding(secret.name, Verdict.RIGHT, "completed from the current endpoint")
    stored = read_value(context, state)
    if merge_document(stored, kept_as_declared(secret, fields)).get_secret_value() != stored.get_secret_value():
        return Finding(secret.name, Verdict.WRONG, "fields of its value were changed by somebody else")
    return Finding(secret.name, Verdict.RIGHT, "value read: its fields match the endpoint")


def logins(context: StackContext, *, deep: bool) -> list[Finding]:
    """Whether each database accepts the password in its secret.

    Shallow believes the recorded proof while database and version are the same, and the rotation that tested what it
    set; deep, or without a proof, logs in.
    """
    reconciler = DatabaseEndpointReconciler(context)
    findings = []
    for database in context.spec.databases:
        if database.password is None:
            continue
        findings.append(judged(database.identifier, partial(_login, context, reconciler, database, deep=deep)))
    return findings


def _login(
    context: StackContext, reconciler: DatabaseEndpointReconciler, database: DatabaseSpec, *, deep: bool
) -> Finding:
    name, state = database.identifier, context.inventory.databases.find(database)
    if state is None:
        return Finding(name, Verdict.WAITING, f"{database.noun} does not exist")
    waits = refusal(context, database, state) or ("" if state.serves else state.condition) or reconciler.no_login(state)
    if waits:
        return Finding(name, Verdict.WAITING, waits)
    if not deep and reconciler.proven(database):
        return Finding(name, Verdict.RIGHT, f"login proven at {state.endpoint}")
    if not deep and reconciler.rotated(database):
        return Finding(name, Verdict.RIGHT, "its rotation set and tested the password; `verify` logs in")
    return _tried(name, state, reconciler.login(database, state))


def _tried(name: str, state: DatabaseState, login: Login) -> Finding:
    match login:
        case LoggedIn():
            return Finding(name, Verdict.RIGHT, f"logged in at {state.endpoint}")
        case Refused():
            return Finding(name, Verdict.WRONG, f"{state.endpoint} refuses the password")
        case Unreachable(reason=reason):
            return Finding(name, Verdict.WAITING, reason)
