"""Check that rotation really happens: when it should, to its end, and by a function that can be invoked.

The dates come from ListSecrets, which shows them in bulk; whoever looks late by them is asked for once more.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict, judged
from secrets_pipeline.reconcilers.observed.secret_state import PENDING, SecretState
from secrets_pipeline.reconcilers.rotation_function.invocation import invocation_problem, invocation_remedy
from secrets_pipeline.reconcilers.rotation_function.log import FunctionLog
from secrets_pipeline.reconcilers.secret_rotation.ages import ALLOWANCE, due_by, on_day
from secrets_pipeline.reconcilers.secret_rotation.reconciler import describe_rotation
from secrets_pipeline.reconcilers.secret_value.external import lacks_its_value

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.reconcilers.stack import Stack

_OFF: Final = "rotation is not switched on yet: `secrets-pipeline apply` does"

ROTATION_MAY_TAKE: Final = timedelta(minutes=15)
"""A rotation whose AWSPENDING version is older is stuck."""

_Judge = Callable[["Stack", SecretState], Finding]


def rotation_not_overdue(stack: Stack) -> list[Finding]:
    """Check that each secret that rotates was rotated when its rules say.

    One that never was counts from its last change, at which its rotation was switched on at the latest; so does one
    that was changed after its rotation, as its rules may be what changed. AWS's own date counts besides: it stays
    behind where a rotation fails.
    """
    return _of_rotating(stack, _punctual)


def rotation_not_stuck(stack: Stack) -> list[Finding]:
    """Check that each rotation that began has ended; the versions of those that have not are listed for their age."""
    return [
        judged(secret.name, partial(_finished, stack, state))
        for secret in stack.spec.secrets
        if (state := _there(stack, secret)) is not None
    ]


def rotation_function_invokable(stack: Stack) -> list[Finding]:
    """Check that the function of each secret that rotates is there, works, and lets Secrets Manager in."""
    return _of_rotating(stack, invokable)


def _of_rotating(stack: Stack, judge: _Judge) -> list[Finding]:
    findings = []
    for secret in stack.spec.secrets:
        state = _there(stack, secret)
        if state is not None and state.rotation_enabled:
            findings.append(judged(secret.name, partial(judge, stack, state)))
        elif secret.rotation is not None:
            empty = lacks_its_value(secret, state)
            waits, cause = (
                ("begins when the secret has a value", Cause.NO_VALUE) if empty else (_OFF, Cause.ROTATION_OFF)
            )
            findings.append(Finding(secret.name, Verdict.WAITING, waits, reason_type=cause))
    return findings


def _there(stack: Stack, secret: SecretSpec) -> SecretState | None:
    state = stack.observed.secrets.get(secret.name)
    return state if state is not None and state.deleted_at is None else None


def _punctual(stack: Stack, listed: SecretState) -> Finding:
    now = stack.run.now()
    due = due_by(listed)
    # A list may be five minutes old: before anything is said against a secret, it is asked for itself.
    state = listed if due is None or now <= due else stack.observed.secrets.refresh(listed.name) or listed
    due, rules = due_by(state), describe_rotation(state.rotation_rules)
    columns = {"rules": rules, "last rotated": on_day(state.last_rotated_at), "due by": on_day(due)}
    if due is None:
        return Finding(state.name, Verdict.WAITING, f"{rules}: no date can be told from these rules", columns)
    if now > due:
        late = _late(state, now - due + ALLOWANCE)
        of_any = f"overdue: {_why_late(state, 'NAME')}"
        return Finding(state.name, Verdict.WRONG, late, columns, of_any, reason_type=Cause.OVERDUE)
    done = "" if state.last_rotated_at else "never rotated so far, "
    return Finding(state.name, Verdict.RIGHT, f"{done}due by {on_day(due - ALLOWANCE)}", columns)


def _late(state: SecretState, late: timedelta) -> str:
    last = f"last rotated {on_day(state.last_rotated_at)}" if state.last_rotated_at else "never rotated"
    why = _why_late(state, state.name)
    return f"overdue by {_span(late)}, {describe_rotation(state.rotation_rules)}, {last}; {why}"


def _why_late(state: SecretState, name: str) -> str:
    if state.rotation_in_progress:
        return "a rotation began and did not end: see rotation_not_stuck"
    return (
        "none is under way: see rotation_function_invokable and the log of "
        f"{state.rotation_lambda_arn or 'its function'}, then run `secrets-pipeline rotate {name}`"
    )


def _finished(stack: Stack, listed: SecretState) -> Finding:
    state = stack.observed.secrets.refresh(listed.name) if listed.rotation_in_progress else listed
    if state is None or (pending := state.pending_version) is None:
        return Finding(listed.name, Verdict.RIGHT, "no rotation is under way")
    began = stack.observed.secrets.version_dates_now(state).get(pending)
    columns = {"version": pending, "pending since": on_day(began)}
    if began is None:
        unknown = (
            f"version {pending} is AWSPENDING, and AWS does not say since when; {_next_step(stack, state, pending)}"
        )
        return Finding(state.name, Verdict.WAITING, unknown, columns)
    age = stack.run.now() - began
    if age <= ROTATION_MAY_TAKE:
        return Finding(state.name, Verdict.RIGHT, f"a rotation began {_span(age)} ago", columns)
    cause, step = _cause(stack, state, pending, began), _next_step(stack, state, pending)
    text = f"version {pending} has been AWSPENDING for {_span(age)}: {cause}; {step}"
    return Finding(state.name, Verdict.WRONG, text, columns, f"a version has been AWSPENDING for too long: {cause}")


def _cause(stack: Stack, state: SecretState, pending: str, began: datetime) -> str:
    """The likely one: rotation is off, the function cannot run, or what it said itself."""
    if _is_ours(stack, state, pending):
        return "`secrets-pipeline rotate` was stopped before its end"
    if not state.rotation_enabled:
        return "its rotation was cancelled meanwhile"
    function = invokable(stack, state)
    if function.verdict is Verdict.WRONG:
        return function.detail
    said = FunctionLog(stack, state, since=began).heard(pending)
    if said.failure:
        after = f" after {', '.join(sorted(said.done))}" if said.done else ""
        return f"its function failed{after}: {said.failure}"
    return f"the log of {state.rotation_lambda_arn} does not say why, or cannot be read from here"


def _is_ours(stack: Stack, state: SecretState, pending: str) -> bool:
    """Whether the pipeline itself, and no function, makes that version."""
    return not state.rotation_enabled and stack.ownership.marks.wrote(state, pending)


def _next_step(stack: Stack, state: SecretState, pending: str) -> str:
    undo = (
        f"aws secretsmanager update-secret-version-stage --secret-id {state.name} --version-stage {PENDING} "
        f"--remove-from-version-id {pending}"
    )
    if not state.rotation_enabled and not _is_ours(stack, state, pending):
        return f"take the label away once the database is known to hold the current password: {undo}"
    return f"mend that, then `secrets-pipeline rotate {state.name}` goes on with this version"


def invokable(stack: Stack, state: SecretState) -> Finding:
    """Check that the function of one secret is there, works, and lets Secrets Manager in."""
    name, function = state.name, state.rotation_lambda_arn
    if function is None:
        return Finding(name, Verdict.RIGHT, "rotated by the service that owns it, without a function")
    configuration = function_configuration(stack, function)
    if configuration is None or isinstance(configuration, AwsError):
        verdict = Verdict.WRONG if configuration is None else Verdict.RIGHT
        absent = f"function {function} does not exist: deploy it, or name another under rotation"
        return Finding(name, verdict, absent if configuration is None else f"{function} is not ours to look at")
    state_of, update = configuration.get("State", "Active"), configuration.get("LastUpdateStatus", "Successful")
    if state_of == "Failed" or update == "Failed":
        why = configuration.get("StateReason") or configuration.get("LastUpdateStatusReason") or "without a reason"
        return Finding(name, Verdict.WRONG, f"function {function} failed to be deployed: {why}")
    if state_of == "Pending":
        return Finding(name, Verdict.WAITING, f"function {function} is being made")
    if problem := invocation_problem(stack, function, state.arn):
        return Finding(name, Verdict.WRONG, f"{problem}: {invocation_remedy(stack, function)}")
    return Finding(name, Verdict.RIGHT, f"{function} is there and lets Secrets Manager in")


def function_configuration(stack: Stack, function: str) -> Mapping[str, Any] | AwsError | None:
    """Call GetFunctionConfiguration; None where there is no such function, the refusal where it is hidden.

    Raises:
        AwsError: if Lambda refuses for another reason than access.
    """
    try:
        return stack.observed.functions.configuration(function)
    except AwsError as error:
        if error.denied:
            return error
        raise


def _span(time: timedelta) -> str:
    """`3 days`, `5 hours` or `12 minutes`."""
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(time.total_seconds() // seconds)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
