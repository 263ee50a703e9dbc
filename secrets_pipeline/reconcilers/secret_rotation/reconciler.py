"""Rotation rules: switched on, edited without rotating, and cancelled when they leave the stack.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html and
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import OUTSIDE
from secrets_pipeline.errors import GuardError
from secrets_pipeline.reconcilers.boundary.guard import function_refusal
from secrets_pipeline.reconcilers.each_secret import plan_secrets
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.rotation_function.ownership import adopts, foreign
from secrets_pipeline.reconcilers.secret import desired
from secrets_pipeline.reconcilers.secret.part_mark import take
from secrets_pipeline.reconcilers.secret_rotation.preflight import RotationPreflight
from secrets_pipeline.reconcilers.secret_rotation.problem import Problem, refuse, unchecked
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "rotation"


class RotationReconciler:
    """Rotation of one stack's secrets.

    Whether a rotation would work is asked before it is switched on or gets another function, and by deep plans.
    """

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._deep = stack.run.options.deep if deep is None else deep
        self._secrets = {secret.name: secret for secret in stack.spec.secrets}
        rotating = [secret for secret in stack.spec.secrets if secret.rotation is not None]
        superusers = {secret.rotation.superuser_secret for secret in rotating if secret.rotation}
        looked_at = [*rotating, *(one for one in stack.spec.secrets if one.ref in superusers)]
        self._preflight = RotationPreflight(stack, [one.name for one in looked_at])

    def plan(self) -> Sequence[Change]:
        """One change a secret that rotates, or should."""
        return plan_secrets(self._stack, KIND, self._plan)

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        secret = self._secrets[change.resource.name]
        state = self._stack.observed.secrets.confirm_again(secret.name)
        if state is None or state.current_version is None:
            raise SkippedError(f"secret {secret.name} has no value yet")
        if not self._stack.ownership.owns(state):
            raise SkippedError(f"secret {secret.name} is not ours")
        wanted = desired.rotation(self._stack, secret)
        if isinstance(wanted, Pending):
            raise SkippedError(wanted.reason)
        client = self._stack.account.client("secretsmanager")
        if wanted is None:
            if state.rotation_in_progress:
                # Cancelled in the middle, the pending version would stay for ever.
                raise SkippedError(
                    f"a rotation of {secret.name} is in progress",
                    remedy="Run again afterwards. One that never ends: aws secretsmanager cancel-rotate-secret "
                    f"--secret-id {secret.name}, then take AWSPENDING off the version that rotation_not_stuck names, "
                    "once the database is known to hold the current password.",
                )
            state = take(self._stack, state, Part.ROTATION)
            with calling("CancelRotateSecret", secret.name):
                client.cancel_rotate_secret(SecretId=state.arn)
            self._stack.observed.secrets.refresh(secret.name)
            return "rotation cancelled"
        if refused := self._refusal(secret, state, wanted):
            raise SkippedError(refused.message, remedy=refused.remedy)
        problems = self._before(secret, state, wanted)
        refuse(secret.name, problems)
        # An edit of the rules alone never rotates.
        at_once = wanted.rotate_immediately and not state.rotation_enabled
        state = take(self._stack, state, Part.ROTATION)
        with calling("RotateSecret", secret.name):
            client.rotate_secret(
                SecretId=state.arn,
                RotationLambdaARN=wanted.lambda_arn,
                RotationRules=cast("Any", wanted.rules),
                RotateImmediately=at_once,
            )
        if at_once:
            self._stack.observed.secrets.refresh(secret.name)
        else:
            turned = replace(
                state, rotation_enabled=True, rotation_lambda_arn=wanted.lambda_arn, rotation_rules=wanted.rules
            )
            self._stack.observed.secrets.note(turned)
        return "; ".join((described(wanted.rules), *unchecked(problems)))

    def _before(self, secret: SecretSpec, state: SecretState, wanted: desired.Rotation) -> tuple[Problem, ...]:
        """What stands in the way of a rotation that begins now; an edit of its rules is not looked at."""
        if state.rotation_enabled and state.rotation_lambda_arn == wanted.lambda_arn:
            return ()
        return self._preflight.problems(secret, state, wanted.lambda_arn, reads_value=True)

    def _plan(self, resource: Resource, secret: SecretSpec) -> Change | None:
        stack = self._stack
        wanted = desired.rotation(stack, secret)
        state = stack.observed.secrets.get(secret.name)
        if isinstance(wanted, Pending):
            return Change(resource, ChangeClass.UPDATE, (f"waits: {wanted.reason}",))
        if state is None or state.deleted_at is not None:
            return Change(resource, ChangeClass.CREATE, ("follows the secret",)) if wanted else None
        if refused := self._refusal(secret, state, wanted):
            return Change(resource, ChangeClass.BLOCKED, (refused.message,), remedy=refused.remedy) if wanted else None
        if wanted is None and stack.ownership.marks.keeps(state, Part.ROTATION):
            return None
        made = desired.made(stack, state, secret, Part.ROTATION)
        found = self._looked_at(secret, state, wanted) if wanted is not None and self._deep else ()
        if known := [one for one in found if one.known]:
            why = tuple(f"{OUTSIDE}{one.text}" if made else one.text for one in known)
            remedy = " ".join(dict.fromkeys(one.remedy for one in known if one.remedy))
            reasons = tuple(rotation_differences(state, wanted))
            return Change(resource, ChangeClass.BLOCKED, (*why, *reasons), drift=made, remedy=remedy)
        return _compare(resource, state, wanted, unchecked(found), made=made)

    def _refusal(self, secret: SecretSpec, state: SecretState, wanted: desired.Rotation | None) -> GuardError | None:
        """Why the secret, or the function that its rotation would begin by, is not ours to use; None if both are."""
        stack, rotation, function = self._stack, secret.rotation, self._stack.spec.rotation_function
        if not stack.ownership.owns(state):
            return GuardError("the secret is not ours")
        if wanted is None or rotation is None:
            return None
        if not rotation.managed or function is None:
            return function_refusal(stack, secret, wanted.lambda_arn)
        turns = state.rotation_enabled and state.rotation_lambda_arn == wanted.lambda_arn
        found = None if turns else stack.observed.functions.function(function.name)
        arn = "" if found is None else str(found.configuration["FunctionArn"])
        if found is None or adopts(stack, arn, found.tags):
            return None
        problem = foreign(stack, arn, found.tags)
        return GuardError(f"rotation function {function.name} {problem}") if problem else None

    def _looked_at(self, secret: SecretSpec, state: SecretState, wanted: desired.Rotation) -> tuple[Problem, ...]:
        """What a deep plan says; a function that this apply still makes has nothing against it."""
        rotation, functions = secret.rotation, self._stack.observed.functions
        if rotation is not None and rotation.managed and functions.function(wanted.lambda_arn) is None:
            return ()
        return self._preflight.problems(secret, state, wanted.lambda_arn, reads_value=not state.rotation_enabled)


def _compare(
    resource: Resource,
    state: SecretState,
    wanted: desired.Rotation | None,
    said_besides: tuple[str, ...],
    *,
    made: bool,
) -> Change | None:
    reasons = tuple(rotation_differences(state, wanted))
    if not reasons:
        return Change(resource, ChangeClass.NONE, said_besides) if wanted else None
    said = tuple(OUTSIDE + reason for reason in reasons) if made else reasons
    if wanted is None and made:
        # Whoever switched it on may depend on it: it is said, and theirs to switch off.
        return Change(resource, ChangeClass.NONE, (f"{said[0]}; it is left alone",), drift=True)
    return Change(resource, _action(state, wanted), (*said, *said_besides), drift=made)


def rotation_differences(state: SecretState, wanted: desired.Rotation | None) -> list[str]:
    """How the rotation of a secret differs from the declared one."""
    if wanted is None:
        return ["rotation is on and not declared"] if state.rotation_enabled else []
    if not state.rotation_enabled:
        at_once = ", and rotates at once" if wanted.rotate_immediately else ""
        return [f"rotation is off → {described(wanted.rules)}{at_once}"]
    reasons = []
    if state.rotation_lambda_arn != wanted.lambda_arn:
        reasons.append(f"rotation function differs: {state.rotation_lambda_arn} → {wanted.lambda_arn}")
    if _rules(state.rotation_rules) != wanted.rules:
        reasons.append(f"rotation rules differ: {described(state.rotation_rules)} → {described(wanted.rules)}")
    return reasons


def _action(state: SecretState, wanted: desired.Rotation | None) -> ChangeClass:
    if state.rotation_enabled:
        return ChangeClass.UPDATE
    return ChangeClass.ROTATE if wanted is not None and wanted.rotate_immediately else ChangeClass.CREATE


def _rules(observed: Mapping[str, Any]) -> dict[str, Any]:
    # Beside a schedule expression AWS shows the days that it calculated from it.
    scheduled = "ScheduleExpression" in observed
    return {key: rule for key, rule in observed.items() if not (scheduled and key == "AutomaticallyAfterDays")}


def described(rules: Mapping[str, object]) -> str:
    """`every 30 days, window 3h`, or the schedule expression."""
    days, expression, window = (rules.get(k) for k in ("AutomaticallyAfterDays", "ScheduleExpression", "Duration"))
    when = str(expression) if expression else f"every {days} days"
    return f"{when}, window {window}" if window else when
