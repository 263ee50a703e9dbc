"""Judge Security Hub's controls for Secrets Manager, for the secrets of one stack."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from secrets_pipeline.access.controls.judging import judge, needs_reads
from secrets_pipeline.access.controls.model import Control, ControlResult, Failed, NotApplicable, Passed, Unknown
from secrets_pipeline.access.controls.reads import LastReads, UnreadReads
from secrets_pipeline.access.reach.usage import last_reads
from secrets_pipeline.access.snapshot.model import SecretSnapshot
from secrets_pipeline.aws.credentials import ROLE_SESSION_NAME
from secrets_pipeline.desired.verification.model import ControlParameters
from secrets_pipeline.reconcilers.access_checks.snapshot import estate_of
from secrets_pipeline.reconcilers.finding import Finding, Verdict

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def security_hub(stack: Stack, control: Control) -> list[Finding]:
    """Judge one control for each secret of a stack; a failed one is a warning, as the secret works."""
    return [_finding(one) for one in controls_of(stack) if one.control == control]


def controls_of(stack: Stack) -> tuple[ControlResult, ...]:
    """Judge every control for each secret that exists of the components that ask for them, once a run."""
    return stack.observed.controls.get(lambda: _judged(stack))


def _judged(stack: Stack) -> tuple[ControlResult, ...]:
    snapshot = estate_of(stack).snapshot
    parameters = {
        secret.name: stack.spec.controls[secret.ref.component]
        for secret in stack.spec.secrets
        if secret.ref.component in stack.spec.controls
    }
    secrets = [secret for secret in snapshot.secrets if secret.name in parameters]
    reads = _reads(stack, [(secret, parameters[secret.name]) for secret in secrets])
    return tuple(
        result
        for secret in secrets
        for result in judge(secret, parameters[secret.name], now=snapshot.taken_at, reads=reads)
    )


def _reads(stack: Stack, asked: list[tuple[SecretSnapshot, ControlParameters]]) -> LastReads | UnreadReads:
    """Who else read the secrets that cannot be judged without; nobody is asked where all can."""
    snapshot = estate_of(stack).snapshot
    open_ones = [(secret, of) for secret, of in asked if needs_reads(secret, of, now=snapshot.taken_at)]
    if not open_ones:
        return UnreadReads("nobody asked")
    longest = max(of.unused_for_days for _, of in open_ones)
    return last_reads(
        stack.account,
        since=snapshot.taken_at - timedelta(days=longest),
        # A probe reads under the reader's own role: only the session's name tells that it is ours.
        exclude=[ROLE_SESSION_NAME, snapshot.caller_arn, *filter(None, [stack.spec.target.role_arn])],
        secrets=[secret for secret, _ in open_ones],
    )


def _finding(result: ControlResult) -> Finding:
    match result.judgement:
        case Passed() | NotApplicable():
            verdict = Verdict.RIGHT
        case Failed():
            verdict = Verdict.ADVISED
        case Unknown():
            verdict = Verdict.WAITING
    asked = "; ".join(f"{name}: {_words(value)}" for name, value in result.parameters.items() if value is not None)
    columns = {
        "control": result.control.id,
        "secret": result.secret_name,
        "verdict": type(result.judgement).__name__,
        "severity": result.control.severity.value,
        "parameters": asked,
    }
    return Finding(result.secret_name, verdict, result.judgement.reason, columns)


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
