"""Find the endpoints of RDS databases, and prove by a login that each accepts the password in its secret.

The proof is a login. It is recorded on the instance or cluster as `DbiResourceId:VersionId` (`DbClusterResourceId` for
a cluster), so that a restored database, or a version that we wrote, is proven again, and nothing is read while both
stay the same. After a rotation the password is neither ours to set nor to prove.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.aws.patience import WAITING
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, NotYetError, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Follows, Need, Reason, Waits
from secrets_pipeline.reconcilers.database.absence import absent
from secrets_pipeline.reconcilers.database.ownership import adopts_database, mismatch, refusal
from secrets_pipeline.reconcilers.database.password import DatabasePassword
from secrets_pipeline.reconcilers.database.password_mark import (
    PasswordMark,
    is_being_set,
    not_ours,
    proves,
    was_restored,
)
from secrets_pipeline.reconcilers.needed import database_named, needs_of, value_of
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
from secrets_pipeline.reconcilers.observed.login import ENGINES, LoggedIn, Login, Refused, Unreachable
from secrets_pipeline.reconcilers.observed.secret_state import PENDING, SecretState
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "database-endpoint"
_WAIT_SECONDS = 10.0
"""For what is about to be ready: a new database takes minutes on AWS, a changed password up to some."""
_LONGEST_POLL_SECONDS = 30.0
_TOLD_SECONDS = 60.0
_FIRST_POLL_SECONDS = 0.25
_ATTEMPTS = 3
_GOES_ON = "the next run goes on when it is available"


class DatabaseEndpointReconciler:
    """Finds endpoints and proves passwords of one stack's RDS databases.

    Args:
        stack: the stack.
        wait: seconds to wait for databases and password changes, for all of them together; longer ones are skipped and
            finished by the next run. None for what the operator asked for, or some seconds.
    """

    def __init__(self, stack: Stack, *, wait: float | None = None) -> None:
        self._stack = stack
        self._databases = {database.name: database for database in stack.spec.databases}
        self._passwords = {
            database.name: DatabasePassword(stack, database, database.password)
            for database in stack.spec.databases
            if database.password is not None
        }
        self._inventory = stack.observed.databases
        self._wait = wait if wait is not None else stack.run.options.wait_seconds or _WAIT_SECONDS
        self._clock = stack.run.clock
        self._sleep = stack.run.sleep

    def plan(self) -> Sequence[Change]:
        """Plan one change a database."""
        return [
            planned(Resource(KIND, name, database.component), partial(self._plan, database))
            for name, database in self._databases.items()
        ]

    def apply(self, change: Change) -> str:
        """Wait a little, prove the password, set it where it is ours to set; see `engine.Reconciler`."""
        database = self._databases[change.resource.name]
        secret_password = self._passwords.get(database.name)
        for _ in range(_ATTEMPTS):
            state = self.ready(database)
            if secret_password is None:
                return state.endpoint or ""
            if unproven := self.no_login(state):
                return f"{state.endpoint}, password not proven: {unproven}"
            secret = secret_password.confirmed()
            password = secret_password.read(secret, secret.current_version)
            match secret_password.log_in(state, password):
                case LoggedIn():
                    pass
                case Refused() if self._finish(state, secret_password, secret):
                    return f"{state.endpoint}, its rotation finished"
                case Refused():
                    secret_password.set(state, secret, password)
                    state = self.settled(database, secret_password, password)
                case Unreachable(reason=reason):
                    raise SkippedError(f"password not proven: {reason}")
            if secret_password.record(state, secret):
                return f"{state.endpoint}, login proven"
        raise NotYetError("its password secret was changed at each try: the next run goes on")

    def _finish(self, state: DatabaseState, password: DatabasePassword, secret: SecretState) -> bool:
        """Finish a rotation of ours that the database came to accept after its run had given up; False for none."""
        pending, version = password.replaced(state, secret), secret.version(PENDING)
        if pending is None or version is None or password.log_in(state, pending) != LoggedIn():
            return False
        ValueWriter(self._stack).promote(secret.name, version)
        password.prove(state, version)
        return True

    def login(self, database: DatabaseSpec, state: DatabaseState) -> Login:
        """Log in with the password that the secret holds now; reads its value."""
        password = self._passwords[database.name]
        try:
            secret = password.confirmed()
        except SkippedError as missing:
            return Unreachable(missing.message)
        return password.log_in(state, password.read(secret, secret.current_version))

    def proven(self, database: DatabaseSpec) -> bool:
        """Whether the database is recorded to accept the current version of its secret; reads no value."""
        state, password = self._inventory.find(database), self._passwords.get(database.name)
        secret = password.known() if password else None
        return state is not None and secret is not None and proves(state, secret)

    def foreign_password(self, database: DatabaseSpec) -> str:
        """Say why the password is somebody else's to set and to prove; empty if it is not; reads no value.

        A database that was restored since its proof, or that a run of ours left half-way, is proven whoever wrote the
        current version.
        """
        state, password = self._inventory.find(database), self._passwords.get(database.name)
        secret = password.known() if password else None
        if state is None or secret is None or secret.current_version is None:
            return ""
        return "" if was_restored(state) or is_being_set(state) else not_ours(self._stack, secret)

    def rotated(self, database: DatabaseSpec) -> bool:
        """Whether a rotation set the password last, which has logged in with it."""
        password = self._passwords.get(database.name)
        secret = password.known() if password else None
        return bool(self.foreign_password(database)) and secret is not None and secret.last_rotated_at is not None

    def no_login(self, state: DatabaseState) -> str:
        """Say why no login is tried here at all, or empty."""
        if not self._stack.run.settings.database_logins:
            return "database_logins is off in the operator's settings"
        return "" if state.engine in ENGINES else f"logins to engine {state.engine} are not supported yet"

    def _plan(self, database: DatabaseSpec) -> Change:
        resource = Resource(KIND, database.name, database.component)
        state = self._inventory.find(database)
        if state is None:
            if database.create:
                follows = Follows(f"endpoint is known when the {database.noun} exists")
                missing = Pending(f"{database.noun} does not exist", on=database_named(database.name))
                return Change(resource, ChangeClass.UPDATE, (follows,), needs=needs_of([missing]), act=True)
            why = Because(f"{database.title} is not found", f"unblock database {database.name}")
            return Change(resource, ChangeClass.BLOCKED, (why,), act=True)
        if wrong := refusal(self._stack, database, state):
            adopting = adopts_database(self._stack, database, state)
            if adopting and not mismatch(self._stack, database, state):
                return Change(resource, ChangeClass.UPDATE, (Follows("follows when it is adopted"),), act=True)
            return Change(resource, ChangeClass.BLOCKED, (wrong,), act=True)
        action, reason = self._compared(database, state)
        return Change(resource, action, (reason,), needs=self._waits(database, state), act=True)

    def _waits(self, database: DatabaseSpec, state: DatabaseState) -> tuple[Need, ...]:
        """Return what a login needs: a database that serves, and a secret with a value."""
        waits = []
        if not state.serves:
            on, stuck = database_named(database.name), f"{state.condition}: {_GOES_ON}" if state.stuck else ""
            waits.append(Pending(stuck or state.condition, on=on, passes=not state.stuck))
        password = self._passwords.get(database.name)
        secret = password.known() if password else None
        if database.password is not None and (secret is None or secret.current_version is None):
            waits.append(
                Pending(
                    "its password secret has no value yet", on=value_of(self._stack.spec.secret(database.password).name)
                )
            )
        return needs_of(waits)

    def _compared(self, database: DatabaseSpec, state: DatabaseState) -> tuple[ChangeClass, Reason]:
        if not state.serves:
            return ChangeClass.UPDATE, Follows(state.condition)
        endpoint = state.endpoint or ""
        if database.password is None or self.proven(database):
            return ChangeClass.NONE, Because(endpoint)
        if unproven := self.no_login(state) or self.foreign_password(database):
            return ChangeClass.NONE, Because(f"{endpoint}, password not proven: {unproven}")
        return ChangeClass.UPDATE, self._unproven(database, state)

    def _unproven(self, database: DatabaseSpec, state: DatabaseState) -> Reason:
        secret = self._passwords[database.name].known()
        if secret is None or secret.current_version is None:
            return Waits("its password secret has no value yet")
        if was_restored(state):
            return Because("was restored or made anew since its password was proven")
        if is_being_set(state):
            return Because("a run began to set its password and did not see the end")
        if PasswordMark.read(state) is None:
            return Because("its password was never proven")
        return Because(f"its password is not proven for the current version of {secret.name}")

    @cached_property
    def _deadline(self) -> float:
        """When waiting ends, counted from the first database."""
        return self._clock() + self._wait

    def ready(self, database: DatabaseSpec) -> DatabaseState:
        """Wait for the database until it may be logged in to and no change of its password is pending."""
        pause, deadline, told = _FIRST_POLL_SECONDS, self._deadline, self._clock() + _WAIT_SECONDS
        while True:
            state = self._inventory.find(database)
            if state is not None and (wrong := refusal(self._stack, database, state)):
                raise SkippedError(f"{state.identifier} {wrong}")
            if state is not None and state.serves and not state.password_pending:
                return state
            if state is None or state.stuck or self._clock() >= deadline:
                if state is None and not database.create:
                    raise SkippedError(absent(self._stack, database))
                condition = f"{database.noun} does not exist" if state is None else state.condition
                raised = SkippedError if state is None or state.stuck else NotYetError
                raise raised(f"{condition}: {_GOES_ON}")
            if self._clock() >= told:
                left, told = (deadline - self._clock()) / 60, self._clock() + _TOLD_SECONDS
                WAITING.info("waits for %s: %s, at most %.0f more minutes", state.identifier, state.condition, left)
            pause = self._pause(pause, deadline)

    def settled(self, database: DatabaseSpec, secret: DatabasePassword, password: SecretStr) -> DatabaseState:
        """Wait for the database until it accepts a password that was just set."""
        pause, deadline = _FIRST_POLL_SECONDS, self._deadline
        while True:
            state = self.ready(database)
            secret.set_again(state)
            if secret.log_in(state, password) == LoggedIn():
                return state
            if self._clock() >= deadline:
                raise NotYetError("the new password is not accepted yet: the next run goes on")
            pause = self._pause(pause, deadline)

    def _pause(self, seconds: float, deadline: float) -> float:
        """Sleep, never beyond the deadline, and let RDS be asked again; the length of the next pause."""
        self._sleep(max(0.0, min(seconds, deadline - self._clock())))
        self._inventory.forget()
        return min(2 * seconds, _LONGEST_POLL_SECONDS)
