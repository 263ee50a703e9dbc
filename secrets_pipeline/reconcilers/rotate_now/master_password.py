"""Rotate the master password of a database whose secret has no rotation function, through RDS's API.

The four steps of Secrets Manager's protocol: the new password waits under AWSPENDING, RDS sets it, a login proves it,
AWSCURRENT moves. Killed anywhere, the next `rotate` goes on with the same version; the database's password is at every
moment in AWSCURRENT or in AWSPENDING.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.database.endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.database.password import DatabasePassword
from secrets_pipeline.reconcilers.observed.login import LoggedIn, Refused, Unreachable
from secrets_pipeline.reconcilers.rotate_now.by_pipeline import intent, renewed
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter
from secrets_pipeline.rotation.steps import RotationStep, Watch

if TYPE_CHECKING:
    from pydantic import SecretStr

    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack


class MasterPasswordRotation:
    """Rotates one database's master password."""

    def __init__(
        self, stack: Stack, secret: SecretSpec, database: DatabaseSpec, watch: Watch, *, seconds: float
    ) -> None:
        self._secret = secret
        self._database = database
        self._watch = watch
        self._writer = ValueWriter(stack)
        self._password = DatabasePassword(stack, database, secret.ref)
        self._endpoint = DatabaseEndpointReconciler(stack, wait=seconds)

    def rotate(self, state: SecretState) -> str:
        """Go through the four steps, from wherever an earlier try stopped.

        Args:
            state: the secret as DescribeSecret shows it now.

        Raises:
            SkippedError: if a rotation of somebody else is in progress, or no login can prove a password here.
            AwsError: if the database accepts neither password, or AWS refuses.
        """
        database = self._endpoint.ready(self._database)
        if unproven := self._endpoint.no_login(database):
            raise SkippedError(f"a new password could not be proven: {unproven}")
        version = self._create(state)
        pending = self._password.read(state, version)
        database = self._set(database, state, version, pending)
        self._watch(self._secret.name, RotationStep.SET)
        self._watch(self._secret.name, RotationStep.TEST)
        self._writer.promote(self._secret.name, version)
        self._password.prove(database, version)
        self._watch(self._secret.name, RotationStep.FINISH)
        return f"new password in version {version[:8]}…, set in {database.identifier} and proven by a login"

    def _create(self, state: SecretState) -> str:
        value = self._secret.value
        if not isinstance(value, GeneratedValue):
            raise TypeError(self._secret.name)  # a master password is generated: the stack's checks say so
        version = self._writer.stage_pending(state, intent=intent(state), make=lambda old: renewed(value, old))
        self._watch(self._secret.name, RotationStep.CREATE)
        return version

    def _set(self, database: DatabaseState, state: SecretState, version: str, pending: SecretStr) -> DatabaseState:
        """Set the new password unless an earlier try did; a login has proven it either way."""
        match self._password.log_in(database, pending):
            case LoggedIn():
                return database
            case Unreachable(reason=reason):
                raise SkippedError(f"the new password cannot be proven: {reason}")
            case Refused():
                pass
        current = self._password.read(state, state.current_version)
        if self._password.log_in(database, current) != LoggedIn():
            raise AwsError(
                f"{database.identifier} accepts neither the current nor the new password of {state.name}",
                remedy=f"Run `secrets-pipeline apply -s {state.tags.get('secrets-pipeline:stack', 'STACK')}`, which "
                "sets what is ours to set, or set the database's password to what the secret holds.",
            )
        self._password.replace(database, state, version, pending)
        return self._endpoint.settled(self._database, self._password, pending)
