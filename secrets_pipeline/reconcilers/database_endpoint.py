"""Endpoints of RDS instances, and the proof that each accepts the password in its secret.

The proof is a login. It is recorded on the instance as `DbiResourceId:VersionId`, so that a restored instance, or a new
version of the secret, is proven again, and nothing is read while both stay the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.aws import AwsError, calling
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError, planned
from secrets_pipeline.reconcilers.login import POSTGRES, Address, LoggedIn, Login, Refused, Unreachable
from secrets_pipeline.reconcilers.marks import PASSWORD
from secrets_pipeline.reconcilers.states import DatabaseState, SecretState
from secrets_pipeline.references import Output, Pending, Plain, Resolved, Secret
from secrets_pipeline.spec import DatabaseSpec

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

KIND = "database-endpoint"
AVAILABLE = "available"
_WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.5


class DatabaseEndpointReconciler:
    """Endpoints and passwords of one stack's RDS instances.

    Args:
        context: the stack.
        wait: seconds to wait for an instance or a password change, for all instances together; longer ones are skipped
            and finished by the next run.
    """

    def __init__(self, context: StackContext, *, wait: float = _WAIT_SECONDS) -> None:
        self._context = context
        self._databases = {database.identifier: database for database in context.spec.databases}
        self._wait = wait
        self._clock = context.world.surroundings.clock
        self._sleep = context.world.surroundings.sleep

    def plan(self) -> Sequence[Change]:
        """One change an instance."""
        return [
            planned(Resource(KIND, name, database.component), partial(self._plan, database))
            for name, database in self._databases.items()
        ]

    def apply(self, change: Change) -> str:
        """Wait a little, prove the password, set it where it is ours to set; see `engine.Reconciler`."""
        database = self._databases[change.resource.name]
        deadline = self._clock() + self._wait
        state = self._available(database, deadline)
        if database.password is None:
            return state.endpoint or ""
        # A list may be five minutes old: what is set and recorded below needs the version that is current now.
        secret = self._context.inventory.confirm(self._context.spec.secret(database.password).name)
        if secret is None or secret.current_version is None:
            raise SkippedError("its password secret has no value yet")
        match self.login(database, state):
            case LoggedIn():
                pass
            case Refused():
                self._set_password(database, secret)
                state = self._settled(database, deadline)
            case Unreachable(reason=reason):
                raise SkippedError(f"password not proven: {reason}")
        return self._record(state, secret)

    def login(self, database: DatabaseSpec, state: DatabaseState) -> Login:
        """Log in with the password that the secret holds now; reads its value."""
        if state.address is None or state.port is None:
            return Unreachable("it has no endpoint yet")
        match self._password(database):
            case Secret(value=password):
                address = Address(state.engine, state.address, state.port, state.username, state.db_name or "postgres")
                world = self._context.world
                return world.surroundings.log_in(address, password, ca_file=world.settings.rds_ca_file)
            case Pending(reason=reason):
                return Unreachable(reason)
            case Plain():
                return Unreachable("its password is not a generated one")

    def proven(self, database: DatabaseSpec) -> bool:
        """Whether the instance is recorded to accept the current version of its secret; reads no value."""
        state, secret = self._context.inventory.database(database.identifier), self._secret_state(database)
        return state is not None and secret is not None and state.tags.get(PASSWORD) == _mark(state, secret)

    def _plan(self, database: DatabaseSpec) -> Change:
        resource = Resource(KIND, database.identifier, database.component)
        state = self._context.inventory.database(database.identifier)
        if state is None:
            return Change(resource, ChangeClass.UPDATE, ("endpoint is known when the instance exists",))
        if database.password is None:
            known = state.status == AVAILABLE
            return Change(
                resource, ChangeClass.NONE if known else ChangeClass.UPDATE, (state.endpoint or state.status,)
            )
        if state.status != AVAILABLE:
            return Change(resource, ChangeClass.UPDATE, (f"instance is {state.status}",))
        if unproven := self._no_login(state):
            return Change(resource, ChangeClass.NONE, (f"{state.endpoint}, password not proven: {unproven}",))
        if self.proven(database):
            return Change(resource, ChangeClass.NONE, (state.endpoint or "",))
        return Change(resource, ChangeClass.UPDATE, ("password is not proven for this instance and secret version",))

    def _no_login(self, state: DatabaseState) -> str:
        """Why no login is tried here at all, or nothing."""
        if not self._context.world.settings.database_logins:
            return "database_logins is off in the operator's settings"
        return "" if state.engine in POSTGRES else f"logins to engine {state.engine} are not supported yet"

    def _available(self, database: DatabaseSpec, deadline: float) -> DatabaseState:
        while True:
            state = self._context.inventory.database(database.identifier)
            if state is not None and state.status == AVAILABLE and state.endpoint and not state.password_pending:
                return state
            if state is None and not database.create:
                raise SkippedError("instance does not exist")
            if self._clock() >= deadline:
                status = "missing" if state is None else state.status
                raise SkippedError(f"instance is {status}: the next run goes on when it is available")
            self._sleep(_POLL_SECONDS)
            self._context.inventory.forget_databases()

    def _settled(self, database: DatabaseSpec, deadline: float) -> DatabaseState:
        while True:
            state = self._available(database, deadline)
            if self.login(database, state) == LoggedIn():
                return state
            if self._clock() >= deadline:
                raise SkippedError("the new password is not accepted yet: the next run goes on")
            self._sleep(_POLL_SECONDS)

    def _set_password(self, database: DatabaseSpec, secret: SecretState) -> None:
        """Only a version that we wrote, that is current, with no rotation under way or behind it."""
        wrote = self._context.marks.written_version(secret) == secret.current_version
        ours = wrote and self._context.owns(secret)
        if not ours or secret.rotation_in_progress or secret.last_rotated_at is not None:
            raise AwsError(
                f"{database.identifier} refuses the password in {secret.name}, which the pipeline did not write",
                remedy="Somebody rotated or changed it: set the password in the database, or rotate the secret.",
            )
        password = self._password(database)
        if not isinstance(password, Secret):
            raise SkippedError("its password secret has no value yet")
        with calling("ModifyDBInstance", database.identifier):
            self._context.account.client("rds").modify_db_instance(
                DBInstanceIdentifier=database.identifier,
                MasterUserPassword=password.value.get_secret_value(),
                ApplyImmediately=True,
            )
        self._context.inventory.forget_databases()

    def _password(self, database: DatabaseSpec) -> Resolved:
        if database.password is None:
            return Pending("RDS owns its password")
        return self._context.outputs.output(
            Output(database.password.component, ("generated_passwords", database.password.key))
        )

    def _record(self, state: DatabaseState, secret: SecretState) -> str:
        mark = _mark(state, secret)
        if state.tags.get(PASSWORD) != mark:
            with calling("AddTagsToResource", state.identifier):
                self._context.account.client("rds").add_tags_to_resource(
                    ResourceName=state.arn, Tags=[{"Key": PASSWORD, "Value": mark}]
                )
            self._context.inventory.forget_databases()
        return f"{state.endpoint}, login proven"

    def _secret_state(self, database: DatabaseSpec) -> SecretState | None:
        if database.password is None:
            return None
        return self._context.inventory.secret(self._context.spec.secret(database.password).name)


def _mark(state: DatabaseState, secret: SecretState) -> str:
    return f"{state.resource_id}:{secret.current_version}"
