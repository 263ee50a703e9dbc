"""Hold a function as AWS shows it: with a RevisionId, and the states that it goes through.

https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.models import LambdaFunction

from secrets_pipeline.emulator.control.delays import UPDATING, Delay
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.lambda_ import runtime

_NO_INTERFACES = "The provided execution role does not have permissions to call CreateNetworkInterface on EC2"
_IN_STATE = "The function is currently in the following state: {}"


@dataclass(frozen=True, slots=True)
class Phase:
    """Something that takes a function its time.

    Attributes:
        delay: how long.
        creates: whether the function is being made, else updated.
        begun: epoch seconds.
    """

    delay: Delay
    creates: bool = False
    begun: float = field(default_factory=CLOCK.now)

    def is_over(self, name: str) -> bool:
        """Whether a function of that name is done with it."""
        return PACE.is_over(self.delay, name, self.begun)


class Function(LambdaFunction):
    """A function with a RevisionId, which takes its time to be made and to be updated."""

    def __init__(self, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1) -> None:
        self._revision: tuple[uuid.UUID, Phase | None] = (uuid.uuid4(), None)
        self._failed = False
        super().__init__(account_id, spec, region, version)

    def _now(self) -> tuple[str, Phase | None]:
        """RevisionId, and what it takes its time for: of one moment, and the same for everybody who looks."""
        revision, phase = self._revision
        if phase is None or not phase.is_over(self.function_name):
            return str(revision), phase
        return str(uuid.uuid5(revision, "over")), None

    @property
    def revision_id(self) -> str:
        """Changes with every update, and once more when the update ends."""
        return self._now()[0]

    @property
    def busy(self) -> Phase | None:
        """What it takes its time for; None for nothing."""
        return self._now()[1]

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:
        """FunctionConfiguration, with its RevisionId and states."""
        revision, phase = self._now()
        return {**super().get_configuration(on_create), "RevisionId": revision, **self._states(phase)}

    def begin(self, phase: Phase, *, failed: bool = False) -> None:
        """Take some time from now on.

        Args:
            phase: what for.
            failed: whether it ends as `Failed`.
        """
        self._revision = (uuid.uuid4(), None if phase.is_over(self.function_name) else phase)
        self._failed = failed or self._failed

    def _states(self, phase: Phase | None) -> dict[str, Any]:
        if phase is not None and phase.creates:
            return {
                "State": "Pending",
                "StateReason": "The function is being created.",
                "StateReasonCode": "Creating",
                "LastUpdateStatus": "InProgress",
            }
        if self._failed:
            return {"State": "Failed", "StateReason": _NO_INTERFACES, "StateReasonCode": "InsufficientRolePermissions"}
        return {} if phase is None else {"LastUpdateStatus": "InProgress"}

    def update_configuration(self, config_updates: dict[str, Any]) -> dict[str, Any]:
        """Apply an update, KMSKeyArn included."""
        if "KMSKeyArn" in config_updates:
            self.kms_key_arn = config_updates["KMSKeyArn"] or None
        self.revise()
        super().update_configuration(config_updates)
        return self.get_configuration()

    def revise(self) -> None:
        """Note a change."""
        self.last_modified = runtime.started()
        self.begin(Phase(UPDATING))


def require_idle(function: Function) -> None:
    """Refuse to change a function that is being made or updated.

    Raises:
        Fault: ResourceConflictException.
    """
    phase = function.busy
    if phase is not None:
        updating = f"An update is in progress for resource: {function.function_arn}"
        raise _conflict(_IN_STATE.format("Pending") if phase.creates else updating)


def require_made(function: LambdaFunction) -> None:
    """Refuse to invoke a function that is being made, or could not be.

    Raises:
        Fault: ResourceConflictException.
    """
    state = function.get_configuration()["State"]
    if state != "Active":
        raise _conflict(_IN_STATE.format(state))


def _conflict(why: str) -> Fault:
    return Fault("ResourceConflictException", f"The operation cannot be performed at this time. {why}", 409)
