"""Check that each secret has a current value under its declared key; nothing but metadata is read.

What it proves is what AWS showed last: of a secret that the run made, DescribeSecret right before its mark.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.atmos_secrets.model import ParameterSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict, judged
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.secret_value.encryption import key_id, key_name
from secrets_pipeline.reconcilers.secret_value.external import lacks_its_value, missing_required, value_missing
from secrets_pipeline.reconcilers.secret_value.inputs import value_waits, waits_for_endpoint
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def current_values(stack: Stack, *, connections: bool) -> list[Finding]:
    """Check that each secret exists with an AWSCURRENT version under the declared key; metadata alone.

    A value that somebody else brings is waited for, unless Atmos requires it. Parameters that `secrets:` sections
    declare are looked for among those without an endpoint.
    """
    parameters = (
        [] if connections else [judged(one.name, partial(_parameter, stack, one)) for one in stack.spec.parameters]
    )
    return parameters + [
        blocked_secret(secret) if secret.blocked else judged(secret.name, partial(_existing, stack, secret))
        for secret in stack.spec.secrets
        if waits_for_endpoint(secret) is connections
    ]


def blocked_secret(secret: SecretSpec) -> Finding:
    """Say why a secret that cannot be made cannot be judged either."""
    return Finding(secret.name, Verdict.WAITING, "; ".join(secret.problems))


def _existing(stack: Stack, secret: SecretSpec) -> Finding:
    state = stack.observed.secrets.get(secret.name)
    if state is not None and not stack.ownership.owns(state):
        theirs = "exists and belongs to somebody else; `plan` says to whom"
        return Finding(secret.name, Verdict.WRONG, theirs, reason_type=NotOurs.__name__)
    return _current_value(stack, secret)


def _current_value(stack: Stack, secret: SecretSpec) -> Finding:
    state = stack.observed.secrets.get(secret.name)
    if state is None:
        waits = "; ".join(one.reason for one in value_waits(stack, secret))
        verdict, cause = (Verdict.WAITING, Cause.WAITS) if waits else (Verdict.WRONG, Cause.MISSING)
        return Finding(secret.name, verdict, waits or "does not exist", reason_type=cause)
    missing = state.deleted_at is None and lacks_its_value(secret, state)
    if not missing and (state.deleted_at is not None or state.current_version is None):
        deleted = ("is scheduled for deletion", Cause.DELETED)
        problem, cause = ("has no current value", Cause.NO_VALUE) if state.deleted_at is None else deleted
        return Finding(secret.name, Verdict.WRONG, problem, reason_type=cause)
    key = None if secret.kms_key is None else stack.resolve.text(secret.kms_key)
    if not secret.declares_key and stack.ownership.marks.keeps(state, Part.KMS_KEY):
        key = state.kms_key_id
    if isinstance(key, Pending):
        return Finding(secret.name, Verdict.WAITING, key.reason, reason_type=Cause.WAITS)
    if key_id(stack, key) != key_id(stack, state.kms_key_id):
        under = "the default key" if state.kms_key_id is None else key_name(stack, state.kms_key_id)
        return Finding(secret.name, Verdict.WRONG, f"is encrypted under {under}", reason_type=Cause.OTHER_KEY)
    if missing or state.current_version is None:
        verdict = Verdict.WRONG if secret.required_as else Verdict.WAITING
        return Finding(secret.name, verdict, str(value_missing(stack, secret)), reason_type=Cause.NO_VALUE)
    return Finding(secret.name, Verdict.RIGHT, f"version {state.current_version[:8]}… under {key or 'the default key'}")


def _parameter(stack: Stack, parameter: ParameterSpec) -> Finding:
    if parameter.name in stack.observed.parameters.existing(one.name for one in stack.spec.parameters):
        return Finding(parameter.name, Verdict.RIGHT, f"SSM parameter of {parameter.title} exists")
    verdict = Verdict.WRONG if parameter.required else Verdict.WAITING
    problem = missing_required(parameter.title) if parameter.required else f"secret {parameter.title} has no value yet"
    return Finding(
        parameter.name, verdict, f"{problem}: SSM parameter does not exist; `atmos secret set` puts it there"
    )


def judged_secret(stack: Stack, secret: SecretSpec, judge: Callable[[], Finding]) -> Finding:
    """Judge a secret of this very stack; of one that others hold under its name nothing is read."""

    def judged_if_ours() -> Finding:
        state = stack.observed.secrets.get(secret.name)
        if state is not None and not stack.ownership.owns(state):
            return Finding(secret.name, Verdict.WAITING, "is not ours: nothing of its value is read")
        return judge()

    return judged(secret.name, judged_if_ours)
