"""Look at rotations that failed, explain each, and retry by RotateSecret where that makes sense. Nothing is removed.

Secrets Manager takes up a pending rotation where it stands when it is asked to rotate with the token of that version.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.errors import AwsError, RotationPreflightError
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.rotation_function.log import FunctionLog
from secrets_pipeline.reconcilers.secret_rotation.checks import function_configuration, invokable
from secrets_pipeline.reconcilers.secret_rotation.preflight import refuse_login
from secrets_pipeline.rotation.causes import Cause, ObservedRotation, cause_of, refused

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

_IN_PROGRESS = "InvalidRequestException"
_NO_VERSION = "none"


@dataclass(frozen=True, slots=True)
class NothingToRepair:
    """A rotation that needs no repair: the event is history.

    Attributes:
        reason: why.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnfinishedRotation:
    """A rotation that did not end.

    Attributes:
        version: id of the version that is pending, `none` where none was made.
        cause: why.
        retried: whether it was started again just now.
    """

    name: str
    version: str
    cause: Cause
    retried: bool


Repair: TypeAlias = NothingToRepair | UnfinishedRotation


def repair_rotations(stack: Stack, names: Iterable[str], may_retry: Callable[[str, str], bool]) -> tuple[Repair, ...]:
    """Ask DescribeSecret whether rotations failed, as an event is a hint, and retry by RotateSecret what may pass.

    Args:
        stack: the stack.
        names: secrets; none stands for all of the stack.
        may_retry: (secret name, pending version) → whether it is time to try again.
    """
    declared = [secret.name for secret in stack.spec.secrets]
    wanted = set(names) or set(declared)
    return tuple(_repaired_or_refused(stack, name, may_retry) for name in declared if name in wanted)


def _repaired_or_refused(stack: Stack, name: str, may_retry: Callable[[str, str], bool]) -> Repair:
    """Repair one; an error of AWS becomes its result, and never hides the others."""
    try:
        return _repaired(stack, name, may_retry)
    except AwsError as error:
        return UnfinishedRotation(name, _NO_VERSION, refused(error), retried=False)


def _repaired(stack: Stack, name: str, may_retry: Callable[[str, str], bool]) -> Repair:
    state = stack.observed.secrets.refresh(name)
    if state is None or state.deleted_at is not None:
        return NothingToRepair(name, "it does not exist any more")
    if not stack.ownership.owns(state):
        return NothingToRepair(name, "it is not ours")
    pending = state.pending_version
    observed = _observed(stack, state, pending)
    if pending is None:
        # A function that could not be invoked may have left no version behind.
        if not (state.rotation_enabled and observed.function_problem):
            return NothingToRepair(name, "no rotation is under way")
        return UnfinishedRotation(name, _NO_VERSION, cause_of(observed), retried=False)
    cause = cause_of(observed)
    retry = cause.passes and may_retry(name, pending)
    problem = _retry(stack, state, pending) if retry else None
    return UnfinishedRotation(name, pending, problem or cause, retried=retry and problem is None)


def _retry(stack: Stack, state: SecretState, pending: str) -> Cause | None:
    """Call RotateSecret with the pending version; why that is refused, None if it is not."""
    secret = next(one for one in stack.spec.secrets if one.name == state.name)
    try:
        refuse_login(stack, secret, state)
        with calling("RotateSecret", state.name):
            stack.account.client("secretsmanager").rotate_secret(SecretId=state.arn, ClientRequestToken=pending)
    except RotationPreflightError as error:
        return refused(error)
    except AwsError as error:
        # "A previous rotation isn't complete. That rotation will be reattempted."
        return None if error.code == _IN_PROGRESS else refused(error)
    return None


def _observed(stack: Stack, state: SecretState, pending: str | None) -> ObservedRotation:
    function = invokable(stack, state) if state.rotation_lambda_arn else None
    created = stack.observed.secrets.version_dates_now(state) if pending else {}
    began, current = created.get(pending or ""), created.get(state.current_version or "")
    heard = FunctionLog(stack, state, since=began).heard(pending) if pending and began else None
    problem = stack.observed.keys.problem(state.kms_key_id) if state.kms_key_id else None
    return ObservedRotation(
        enabled=state.rotation_enabled,
        manual_version=bool(began and current and current > began),
        function_problem=function.detail if function and function.verdict is Verdict.WRONG else "",
        function_pending=bool(function and function.verdict is Verdict.WAITING),
        key_problem=f"{state.kms_key_id} {problem.problem}" if problem else "",
        said=heard.failure if heard else "",
        mended=_was_changed(stack, state, began),
    )


def _was_changed(stack: Stack, state: SecretState, since: datetime | None) -> bool:
    """Whether somebody deployed or configured the function after the rotation began."""
    configuration = function_configuration(stack, state.rotation_lambda_arn) if state.rotation_lambda_arn else None
    said = configuration.get("LastModified") if isinstance(configuration, Mapping) else None
    try:
        return bool(said and since and datetime.fromisoformat(said) > since)
    except ValueError:
        return False
