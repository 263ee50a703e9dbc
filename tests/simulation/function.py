"""The managed rotation function, run in this process: its own code, against the simulated AWS and its databases.

Secrets Manager's side stands here too: it invokes the four steps in their order, and tells how the rotation ended.
Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html and
https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
"""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.services.secretsmanager import announce
from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, PENDING, EmulatedSecret
from secrets_pipeline.rotation.steps import RotationStep
from secrets_pipeline.rotation_lambda import handler, secret_versions, sessions
from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.secret_value import POSTGRES, DatabaseAddress, Login
from tests.simulation.rds import Instance
from tests.simulation.scheduling import Killed

if TYPE_CHECKING:
    import pytest

    from tests.simulation.scheduling import Actor
    from tests.simulation.simulation import Line, Simulation

NAME = "function"


class ManagedFunction:
    """The function and whoever invokes it.

    Args:
        simulation: the seed.
        patch: for as long as the function is deployed.
    """

    def __init__(self, simulation: Simulation, patch: pytest.MonkeyPatch) -> None:
        self._simulation = simulation
        self._line: Line | None = None
        patch.setattr(secret_versions, "boto3", SimpleNamespace(client=self._client))
        patch.setattr(sessions, "_CONNECT", {POSTGRES: self._connect})
        log = logging.getLogger("secrets_pipeline.rotation")
        kept = _Kept(simulation.ledger.texts)
        patch.setattr(log, "handlers", [kept])
        patch.setattr(log, "propagate", False)

    def rotate(self, actor: Actor | None, secret: EmulatedSecret, token: str) -> bool:
        """Invoke the four steps; whether all of them succeeded."""
        self._simulation.ledger.tested = self._simulation.ledger.turn
        for step in RotationStep:
            version = secret.versions.get(token)
            staged = version is not None and {PENDING, CURRENT} & set(version.stages)
            if not staged or secret.rotation is None or not secret.rotation.enabled or secret.deleted is not None:
                self._simulation.ledger.say("rotation", "is given up")
                return False
            if not self._invoke(actor, step, secret, token):
                announce.rotation("RotationFailed", secret, token, f"Error when executing lambda during {step} step")
                return False
        return True

    def _invoke(self, actor: Actor | None, step: RotationStep, secret: EmulatedSecret, token: str) -> bool:
        simulation = self._simulation
        self._line = simulation.line(NAME, actor, ends=False)
        if step is RotationStep.TEST:
            simulation.ledger.tested = simulation.ledger.turn
        try:
            handler.handle({"Step": step, "SecretId": secret.arn, "ClientRequestToken": token})
        except Killed:
            if simulation.scheduler.endless:
                raise
            simulation.ledger.say(NAME, f"is killed in {step}")
            return False
        except RotationError as error:
            simulation.ledger.failure(error)
            simulation.ledger.say(NAME, f"fails in {step}")
            return False
        return True

    @property
    def _on(self) -> Line:
        if self._line is None:
            raise RuntimeError("nobody invoked the function")
        return self._line

    def _client(self, service: str, **more: Any) -> Any:  # noqa: ANN401 - boto3 ships no types
        return self._simulation.wire(self._on).client(service, **more)

    def _connect(self, address: DatabaseAddress, login: Login, _seconds: float) -> _Session | None:
        self._on.boundary()
        rds = self._simulation.cloud.rds
        rds.settle()
        found = next((one for one in rds.instances.values() if one.address == address.host), None)
        if found is None or not rds.available(found):
            raise RotationError(f"No database answers at {address}: TimeoutError.")
        accepted = found.username == login.username and found.password == login.password
        self._simulation.ledger.say(NAME, f"database login → {'LoggedIn' if accepted else 'Refused'}")
        return _Session(self._simulation, self._on, found) if accepted else None


class _Session:
    """Somebody who is logged in; see `rotation_lambda.sessions.DatabaseSession`."""

    def __init__(self, simulation: Simulation, line: Line, instance: Instance) -> None:
        self._simulation = simulation
        self._line = line
        self._instance = instance

    def check(self) -> None:
        """Nothing: nobody is logged out."""

    def set_own_password(self, login: Login) -> None:
        """ALTER ROLE, before or after which the function may be killed."""
        self._line.boundary()
        self._simulation.cloud.rds.set_password(self._instance, login.password)
        self._simulation.ledger.say(NAME, "database ALTER ROLE")
        self._simulation.ledger.function_set(self._instance)
        self._line.boundary()

    def set_twin(self, original: str, login: Login) -> None:
        """No secret of the simulation names a superuser."""
        raise NotImplementedError(original, login.username)

    def close(self) -> None:
        """Nothing to do."""


class _Kept(logging.Handler):
    """Everything that the function logs, to be searched for values."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self._texts.append(record.getMessage())
