"""Switch rotation on and edit its rules by RotateSecret, and call CancelRotateSecret when it leaves the stack.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html and
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import (
    Because,
    ChangedOutside,
    Detail,
    Differs,
    Need,
    NotOurs,
    Reason,
    Remark,
    Sign,
    Waits,
)
from secrets_pipeline.errors import GuardError
from secrets_pipeline.reconcilers.boundary.guard import function_refusal
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.needed import function_named, needs_of, skipped
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.rotation_function.ownership import adopts_function, foreign_function
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret, Rotation
from secrets_pipeline.reconcilers.secret.part import PartReconciler
from secrets_pipeline.reconcilers.secret.part_mark import withdraw_digest
from secrets_pipeline.reconcilers.secret_rotation.preflight import RotationPreflight, function_problems
from secrets_pipeline.reconcilers.secret_rotation.problem import Problem, refuse, unchecked
from secrets_pipeline.reconcilers.secret_value.external import lacks_its_value
from secrets_pipeline.reconcilers.secret_value.inputs import value_waits
from secrets_pipeline.reconcilers.secret_value.rotation_end import after_rotation
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "rotation"


class RotationReconciler(PartReconciler[Rotation]):
    """Reconciles rotation of one stack's secrets.

    Whether a rotation would work is asked before it is switched on or gets another function, and by deep plans.
    """

    kind = KIND
    part = Part.ROTATION

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        super().__init__(stack, deep=deep)
        rotating = [secret for secret in stack.spec.secrets if secret.rotation is not None]
        superusers = {secret.rotation.superuser_secret for secret in rotating if secret.rotation}
        looked_at = [*rotating, *(one for one in stack.spec.secrets if one.ref in superusers)]
        self._preflight = RotationPreflight(stack, [one.name for one in looked_at])

    def declared(self, secret: DesiredSecret) -> Rotation | Pending | None:
        """Resolve function and rules."""
        return secret.rotation

    def follow(self, resource: Resource, secret: DesiredSecret) -> Change:
        """Plan the rotation of a secret that is made first; see `PartReconciler`."""
        if secret.spec.external:
            return _waits_for_value(resource)
        pending = value_waits(self._stack, secret.spec)
        return replace(super().follow(resource, secret), needs=(*needs_of(pending), *self._function_first(secret.spec)))

    def compare(
        self, resource: Resource, secret: DesiredSecret, state: SecretState, declared: Rotation | None
    ) -> Change | None:
        """Compare with what lists show; see `PartReconciler`."""
        if declared is not None and lacks_its_value(secret.spec, state):
            return _waits_for_value(resource)
        if refused := self._refusal(secret.spec, state, declared):
            if declared is None:
                return None
            return Change(resource, ChangeClass.BLOCKED, (NotOurs(refused.message),), remedy=refused.remedy)
        made = secret.made(state, self.part)
        found = self._looked_at(secret.spec, state, declared) if declared is not None and self._deep else ()
        if known := [one for one in found if one.known]:
            texts = [Because(one.text) for one in known]
            why = tuple(map(ChangedOutside, texts)) if made else tuple(texts)
            remedy = " ".join(dict.fromkeys(one.remedy for one in known if one.remedy))
            reasons = tuple(rotation_differences(state, declared))
            return Change(resource, ChangeClass.BLOCKED, (*why, *reasons), drift=made, remedy=remedy)
        pending = self._waits(secret.spec, state) if declared is not None else ()
        waits = (Waits(one.reason) for one in pending)
        change = _compare(resource, state, declared, (*waits, *unchecked(found)), made=made)
        return (
            None if change is None else replace(change, needs=(*needs_of(pending), *self._function_first(secret.spec)))
        )

    def write(self, secret: DesiredSecret, state: SecretState, declared: Rotation | None) -> str:
        """Call RotateSecret or CancelRotateSecret; see `PartReconciler`."""
        if state.current_version is None:
            raise SkippedError(f"secret {secret.name} has no value yet")
        if declared is None:
            return self._cancel(state)
        if refused := self._refusal(secret.spec, state, declared):
            raise SkippedError(refused.message, remedy=refused.remedy)
        if waits := self._waits(secret.spec, state):
            raise skipped(*waits, before="begins when its value is complete: ")
        problems = self._before(secret.spec, state, declared)
        refuse(secret.name, problems)
        # An edit of the rules alone never rotates.
        at_once = declared.rotate_immediately and not state.rotation_enabled
        state = withdraw_digest(self._stack, state, self.part)
        with calling("RotateSecret", secret.name):
            self._stack.account.client("secretsmanager").rotate_secret(
                SecretId=state.arn,
                RotationLambdaARN=declared.lambda_arn,
                RotationRules=cast("Any", declared.rules),
                RotateImmediately=at_once,
            )
        if at_once:
            self._stack.observed.secrets.refresh(secret.name)
        else:
            turned = replace(
                state, rotation_enabled=True, rotation_lambda_arn=declared.lambda_arn, rotation_rules=declared.rules
            )
            self._stack.observed.secrets.note(turned)
        return "; ".join((describe_rotation(declared.rules), *map(str, unchecked(problems))))

    def _cancel(self, state: SecretState) -> str:
        name = state.name
        # Cancelled in the middle, the pending version would stay for ever.
        state = after_rotation(
            self._stack,
            state,
            "Run again afterwards. One that never ends: aws secretsmanager cancel-rotate-secret "
            f"--secret-id {name}, then take AWSPENDING off the version that rotation_not_stuck names, "
            "once the database is known to hold the current password.",
        )
        if not self._stack.ownership.owns(state):
            # Somebody took it over while its rotation was waited for.
            raise SkippedError(f"secret {name} is not ours any more")
        state = withdraw_digest(self._stack, state, self.part)
        with calling("CancelRotateSecret", name):
            self._stack.account.client("secretsmanager").cancel_rotate_secret(SecretId=state.arn)
        self._stack.observed.secrets.refresh(name)
        return "rotation cancelled"

    def _before(self, secret: SecretSpec, state: SecretState, wanted: Rotation) -> tuple[Problem, ...]:
        """Find why RotateSecret would fail; of an edit of the rules, look at the function alone."""
        if state.rotation_enabled and state.rotation_lambda_arn == wanted.lambda_arn:
            return tuple(function_problems(self._stack, wanted.lambda_arn, state.arn))
        return self._preflight.problems(secret, state, wanted.lambda_arn, reads_value=True)

    def _waits(self, secret: SecretSpec, state: SecretState) -> tuple[Pending, ...]:
        """What its value waits for before rotation is switched on: no function could log in without."""
        return () if state.rotation_enabled else value_waits(self._stack, secret)

    def _refusal(self, secret: SecretSpec, state: SecretState, wanted: Rotation | None) -> GuardError | None:
        """Why the function that a rotation would begin by is not ours to use; None if it is."""
        stack, rotation, function = self._stack, secret.rotation, self._stack.spec.rotation_function
        if wanted is None or rotation is None:
            return None
        if not rotation.managed or function is None:
            return function_refusal(stack, secret, wanted.lambda_arn)
        turns = state.rotation_enabled and state.rotation_lambda_arn == wanted.lambda_arn
        found = None if turns else stack.observed.functions.function(function.name)
        arn = "" if found is None else str(found.configuration["FunctionArn"])
        if found is None or adopts_function(stack, arn, found.tags):
            return None
        problem = foreign_function(stack, arn, found.tags)
        if problem is None:
            return None
        return GuardError(f"rotation function {function.name} {problem.problem}", remedy=problem.remedy)

    def _function_first(self, secret: SecretSpec) -> tuple[Need, ...]:
        """The need for the stack's own rotation function; none if that exists, or if the secret has another one."""
        function = self._stack.spec.rotation_function
        if secret.rotation is None or not secret.rotation.managed or function is None:
            return ()
        if self._stack.observed.functions.function(function.name) is not None:
            return ()
        missing = f"rotation function {function.name} does not exist yet"
        return needs_of([Pending(missing, on=function_named(function.name))])

    def _looked_at(self, secret: SecretSpec, state: SecretState, wanted: Rotation) -> tuple[Problem, ...]:
        """What a deep plan says; a function that this apply still makes has nothing against it."""
        rotation, functions = secret.rotation, self._stack.observed.functions
        if rotation is not None and rotation.managed and functions.function(wanted.lambda_arn) is None:
            return ()
        return self._preflight.problems(secret, state, wanted.lambda_arn, reads_value=not state.rotation_enabled)


def _waits_for_value(resource: Resource) -> Change:
    # A rotation function reads AWSCURRENT: without one each of its tries would fail.
    return Change(resource, ChangeClass.NONE, (Remark("begins when the secret has a value"),))


def _compare(
    resource: Resource,
    state: SecretState,
    wanted: Rotation | None,
    said_besides: tuple[Reason, ...],
    *,
    made: bool,
) -> Change | None:
    reasons = tuple(rotation_differences(state, wanted))
    if not reasons:
        return Change(resource, ChangeClass.NONE, said_besides) if wanted else None
    said = tuple(map(ChangedOutside, reasons)) if made else reasons
    if wanted is None and made:
        # Whoever switched it on may depend on it: it is said, and theirs to switch off.
        return Change(
            resource,
            ChangeClass.NONE,
            (ChangedOutside(Because(f"{reasons[0].problem}; it is left alone")),),
            drift=True,
        )
    action = _action(state, wanted)
    return Change(resource, action, (*said, *said_besides), drift=made, rewrites=action is ChangeClass.ROTATE)


def rotation_differences(state: SecretState, wanted: Rotation | None) -> list[Reason]:
    """Compare the rotation of a secret with the declared one."""
    if wanted is None:
        return [Because("rotation is on and not declared")] if state.rotation_enabled else []
    if not state.rotation_enabled:
        at_once = ", and rotates at once" if wanted.rotate_immediately else ""
        return [Because(f"rotation is off → {describe_rotation(wanted.rules)}{at_once}")]
    reasons: list[Reason] = []
    if state.rotation_lambda_arn != wanted.lambda_arn:
        reasons.append(Differs("rotation function", state.rotation_lambda_arn, wanted.lambda_arn))
    if _rules(state.rotation_rules) != wanted.rules:
        held, declared = describe_rotation(state.rotation_rules), describe_rotation(wanted.rules)
        details = (Detail(Sign.CHANGED, "rotation rules", held, declared),)
        reasons.append(Because(f"rotation rules differ: {held} → {declared}", details=details))
    return reasons


def _action(state: SecretState, wanted: Rotation | None) -> ChangeClass:
    if state.rotation_enabled:
        return ChangeClass.UPDATE
    return ChangeClass.ROTATE if wanted is not None and wanted.rotate_immediately else ChangeClass.CREATE


def _rules(observed: Mapping[str, Any]) -> dict[str, Any]:
    # Beside a schedule expression AWS shows the days that it calculated from it.
    scheduled = "ScheduleExpression" in observed
    return {key: rule for key, rule in observed.items() if not (scheduled and key == "AutomaticallyAfterDays")}


def describe_rotation(rules: Mapping[str, object]) -> str:
    """Describe rules, for a human: `every 30 days, window 3h`, or the schedule expression."""
    days, expression, window = (rules.get(k) for k in ("AutomaticallyAfterDays", "ScheduleExpression", "Duration"))
    when = str(expression) if expression else f"every {days} days"
    return f"{when}, window {window}" if window else when
