"""Check that each database accepts the password in its secret."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.reconcilers.database.absence import absent
from secrets_pipeline.reconcilers.database.endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.database.ownership import refusal
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict, judged
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
from secrets_pipeline.reconcilers.observed.login import LoggedIn, Login, Refused, Unreachable

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def logins(stack: Stack, *, deep: bool) -> list[Finding]:
    """Log in to each database with the password in its secret.

    Shallow believes the recorded proof while database and version are the same, and the rotation that tested what it
    set; deep, or without a proof, logs in.
    """
    reconciler = DatabaseEndpointReconciler(stack)
    findings = []
    for database in stack.spec.databases:
        if database.password is None:
            continue
        findings.append(judged(database.name, partial(_login, stack, reconciler, database, deep=deep)))
    return findings


def _login(stack: Stack, reconciler: DatabaseEndpointReconciler, database: DatabaseSpec, *, deep: bool) -> Finding:
    name, state = database.name, stack.observed.databases.find(database)
    if state is None:
        verdict = Verdict.WRONG if database.create else Verdict.WAITING
        return Finding(name, verdict, absent(stack, database), reason_type=Cause.MISSING)
    refused = refusal(stack, database, state)
    if isinstance(refused, NotOurs):
        return Finding(name, Verdict.WRONG, str(refused), reason_type=refused.kind)
    waits, cause = (str(refused), refused.kind) if refused else _no_login(stack, reconciler, state)
    if waits:
        return Finding(name, Verdict.WAITING, waits, reason_type=cause)
    if not deep and reconciler.proven(database):
        return Finding(name, Verdict.RIGHT, f"login proven at {state.endpoint}")
    if not deep and reconciler.rotated(database):
        return Finding(name, Verdict.RIGHT, "its rotation set and tested the password; `verify` logs in")
    return _tried(name, state, reconciler.login(database, state))


def _no_login(stack: Stack, reconciler: DatabaseEndpointReconciler, state: DatabaseState) -> tuple[str, str]:
    """Say why no login is tried, and the type of the reason; both empty if one is."""
    if not state.serves:
        return state.condition, Cause.WAITS
    if unproven := reconciler.no_login(state):
        return unproven, Cause.ENGINE_NOT_SUPPORTED if stack.run.settings.database_logins else Cause.LOGINS_OFF
    return "", ""


def _tried(name: str, state: DatabaseState, login: Login) -> Finding:
    match login:
        case LoggedIn():
            return Finding(name, Verdict.RIGHT, f"logged in at {state.endpoint}")
        case Refused():
            return Finding(
                name, Verdict.WRONG, f"{state.endpoint} refuses the password", reason_type=Cause.LOGIN_REFUSED
            )
        case Unreachable(reason=reason):
            return Finding(name, Verdict.WAITING, reason, reason_type=Cause.UNREACHABLE)
