"""Rotate some secrets of a stack now, each by its function or by us; one that fails never hides the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.rotate_now.by_function import FunctionRotation
from secrets_pipeline.reconcilers.rotate_now.by_pipeline import PipelineRotation
from secrets_pipeline.reconcilers.rotate_now.choice import NotRotatable, Rotator, database_of, rotator_of
from secrets_pipeline.reconcilers.rotate_now.master_password import MasterPasswordRotation
from secrets_pipeline.reconcilers.secret_rotation.preflight import function_problems, refuse_login
from secrets_pipeline.reconcilers.secret_value.external import NO_VALUE_YET, lacks_its_value, put_command
from secrets_pipeline.rotation.steps import Watch, unwatched

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "rotation"
DEFAULT_SECONDS = 300.0
"""How long a rotation function is followed: four invocations of at most a minute, and the pauses between them."""


class RotateReconciler:
    """Plans and performs the rotations that were asked for.

    Args:
        stack: the stack, of a run that writes.
        names: secret names of the stack; all else is left alone.
        watch: told of each step that is done.
        seconds: how long to follow a rotation function, or a change of a master password.

    Raises:
        SpecError: if the stack declares no secret of a name.
    """

    def __init__(
        self,
        stack: Stack,
        names: Sequence[str],
        *,
        watch: Watch = unwatched,
        seconds: float = DEFAULT_SECONDS,
    ) -> None:
        self._stack = stack
        known = {secret.name: secret for secret in stack.spec.secrets}
        for name in names:
            if name not in known:
                raise SpecError(
                    f"stack {stack.spec.stack} declares no secret {name}",
                    remedy="Write its whole name, as `secrets-pipeline tree` does.",
                )
        self._secrets = {name: known[name] for name in dict.fromkeys(names)}
        self._watch = watch
        self._seconds = seconds

    def plan(self) -> Sequence[Change]:
        """Plan one change a secret: to be rotated, or blocked with what unblocks it; reads no value."""
        return [
            planned(Resource(KIND, name, secret.ref.component, secret.ref.key), partial(self._plan, secret))
            for name, secret in self._secrets.items()
        ]

    def apply(self, change: Change) -> str:
        """Rotate one secret and follow it to its end; see `engine.Reconciler`."""
        secret = self._secrets[change.resource.name]
        # The list may be five minutes old.
        found = self._rotator(secret, self._stack.observed.secrets.refresh(secret.name))
        if isinstance(found, NotRotatable):
            raise SkippedError(found.reason, remedy=found.remedy)
        state, rotator = found
        database = database_of(self._stack.spec, secret)
        match rotator:
            case Rotator.FUNCTION | Rotator.SERVICE:
                refuse_login(self._stack, secret, state)
                return FunctionRotation(self._stack, self._watch, seconds=self._seconds).rotate(state)
            case Rotator.DATABASE if database is not None:
                return MasterPasswordRotation(self._stack, secret, database, self._watch, seconds=self._seconds).rotate(
                    state
                )
            case _:
                return PipelineRotation(self._stack, self._watch).rotate(secret)

    def _plan(self, secret: SecretSpec) -> Change:
        state = self._stack.observed.secrets.get(secret.name)
        resource = Resource(KIND, secret.name, secret.ref.component, secret.ref.key)
        found = self._rotator(secret, state)
        if isinstance(found, NotRotatable):
            return Change(resource, ChangeClass.BLOCKED, (Because(found.reason),), remedy=found.remedy)
        _, rotator = found
        return Change(resource, ChangeClass.ROTATE, (Because(f"by {rotator.value}"),))

    def _rotator(self, secret: SecretSpec, state: SecretState | None) -> tuple[SecretState, Rotator] | NotRotatable:
        apply_first = f"Run `secrets-pipeline apply -s {self._stack.spec.stack}` first."
        if state is not None and lacks_its_value(secret, state):
            return NotRotatable(f"it {NO_VALUE_YET}", put_command(secret.name, self._stack.account.region))
        if state is None or state.current_version is None:
            return NotRotatable("it has no value yet", apply_first)
        if state.deleted_at is not None:
            return NotRotatable("it is scheduled for deletion", apply_first)
        if state.is_replica:
            return NotRotatable("it is a replica", f"Rotate its primary in {state.primary_region}.")
        if not self._stack.ownership.owns(state):
            return NotRotatable("it is not ours", f"Adopt it first: {adoption(self._stack.spec.stack, state.name)}.")
        rotator = rotator_of(self._stack.spec, secret, state)
        if rotator is Rotator.FUNCTION and (closed := self._closed_function(state)):
            rotator = closed
        return rotator if isinstance(rotator, NotRotatable) else (state, rotator)

    def _closed_function(self, state: SecretState) -> NotRotatable | None:
        """Find why Secrets Manager could not invoke the secret's function."""
        if state.rotation_lambda_arn is None:
            return None
        problems = function_problems(self._stack, state.rotation_lambda_arn, state.arn)
        certain = [one for one in problems if one.known]
        if not certain:
            return None
        remedies = dict.fromkeys(one.remedy for one in certain if one.remedy)
        return NotRotatable("; ".join(one.text for one in certain), " ".join(remedies))
