"""Create RDS instances and Aurora clusters where the stack says so, with the generated password as master password.

Neither call has a token: what exists under the identifier is looked up first, and what a crash left open (a cluster
without all of its instances) the next run goes on with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.boundary import ContestedKind
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, NotYetError, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Differs, Need, Reason
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.contest import lost_contest
from secrets_pipeline.reconcilers.database.absence import absence, absent
from secrets_pipeline.reconcilers.database.mark import database_tags
from secrets_pipeline.reconcilers.database.ownership import (
    adopts_database,
    keeps_mark,
    mismatch,
    needs_adoption,
    refusal,
)
from secrets_pipeline.reconcilers.marks.not_ours import UNNAMED
from secrets_pipeline.reconcilers.needed import needs_of, skipped
from secrets_pipeline.reconcilers.observed.database_state import DELETING, DatabaseState
from secrets_pipeline.reconcilers.observed.tags import tag_details, tag_list
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY
from secrets_pipeline.references.model import Output
from secrets_pipeline.references.resolve import Pending, Plain, Secret

if TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient

    from secrets_pipeline.reconcilers.stack import Stack

KIND = "database"
_EXISTS = frozenset({"DBInstanceAlreadyExists", "DBClusterAlreadyExistsFault"})
_BUSY = "InvalidDBClusterStateFault"


class DatabaseReconciler:
    """Creates and marks RDS instances and Aurora clusters of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._databases = {database.name: database for database in stack.spec.databases}

    @property
    def _rds(self) -> RDSClient:
        return self._stack.account.client("rds")

    def plan(self) -> Sequence[Change]:
        """Plan one change a declared database."""
        return [
            planned(Resource(KIND, name, database.component), partial(self._plan, database))
            for name, database in self._databases.items()
        ]

    def apply(self, change: Change) -> str:
        """Call CreateDBInstance, CreateDBCluster or AddTagsToResource for one database; see `engine.Reconciler`."""
        database = self._databases[change.resource.name]
        if change.action is ChangeClass.CREATE:
            return self._create(database)
        state = self._stack.observed.databases.find(database)
        if state is None:
            raise SkippedError(absent(self._stack, database))
        done = []
        if self._tag_differences(database, state):
            with calling("AddTagsToResource", state.identifier):
                self._rds.add_tags_to_resource(ResourceName=state.arn, Tags=tag_list(self._tags(database, state)))
            self._stack.observed.databases.forget()
            done.append("tags")
        return ", ".join([*done, *self._create_members(database)]) or "nothing differed any more"

    def _plan(self, database: DatabaseSpec) -> Change:
        resource = Resource(KIND, database.name, database.component)
        state = self._stack.observed.databases.find(database)
        if state is None:
            if why := self._not_made(database):
                return Change(resource, ChangeClass.BLOCKED, (why,))
            return Change(resource, ChangeClass.CREATE, _chosen(database.defaults), needs=self._waits(database))
        if why := self._blocked(database, state):
            return Change(resource, ChangeClass.BLOCKED, (why,))
        differing = (*self._tag_differences(database, state), *self._missing_members(database, state))
        if needs_adoption(self._stack, database, state):
            return Change(resource, ChangeClass.ADOPT, (Because("exists without a mark of ours"), *differing))
        if not database.create and not differing:
            by = "" if database.identifier else self._stack.observed.databases.search(database).by
            found = f"found: {state.identifier}, by {by}" if by else "found"
            return Change(resource, ChangeClass.NONE, (Because(found),))
        return Change(resource, ChangeClass.UPDATE if differing else ChangeClass.NONE, differing)

    def _waits(self, database: DatabaseSpec) -> tuple[Need, ...]:
        """Return what a new database needs: its user's name, and the secret with its password."""
        username = self._stack.resolve.text(database.username)
        waits = [username] if isinstance(username, Pending) else []
        if not database.manage_master_user_password and database.password is not None:
            output = Output(database.password.component, ("secret_versions", database.password.key))
            password = self._stack.resolve.output(output)
            waits += [password] if isinstance(password, Pending) else []
        return needs_of(waits)

    def _not_made(self, database: DatabaseSpec) -> Reason | None:
        if not database.create:
            return absence(self._stack, database)
        return lost_contest(self._stack, ContestedKind.DATABASE, database.name)

    def _blocked(self, database: DatabaseSpec, state: DatabaseState) -> Reason | None:
        if database.create and state.status == DELETING:
            return Because("is being deleted", "apply again when it is gone")
        adopting = adopts_database(self._stack, database, state)
        return (mismatch if adopting else refusal)(self._stack, database, state)

    def _tags(self, database: DatabaseSpec, state: DatabaseState | None = None, *, member: str = "") -> dict[str, str]:
        own = database.tags if database.create else {}
        return {**own, **database_tags(self._stack, database, state=state, member=member)}

    def _tag_differences(self, database: DatabaseSpec, state: DatabaseState) -> tuple[Reason, ...]:
        if self._stack.ownership.fingerprinter is None or not (
            database.create or keeps_mark(self._stack, database, state)
        ):
            # What is only looked up, or granted, is tagged by its owner.
            return ()
        wanted = self._tags(database, state).items()
        differing = [key for key, value in wanted if state.tags.get(key) != value]
        unnamed = REPOSITORY in differing and REPOSITORY not in state.tags
        return tuple(
            UNNAMED
            if unnamed and key == REPOSITORY
            else Differs(f"tag {key}", details=tag_details(key, state.tags.get(key), dict(wanted)[key]))
            for key in differing
        )

    def _missing_members(self, database: DatabaseSpec, state: DatabaseState) -> tuple[Reason, ...]:
        missing = tuple(Because(f"instance {name} is missing") for name in self._lacking(database, state))
        public = {key: value for key, value in database.defaults.items() if key == "publicly_accessible"}
        return (*missing, *_chosen(public)) if missing else ()

    def _lacking(self, database: DatabaseSpec, state: DatabaseState) -> tuple[str, ...]:
        """What to create until a cluster has as many instances as declared, whatever the others are called."""
        if not database.is_cluster or not database.create:
            return ()
        lacking = database.instance_count - len(state.members)
        free = [name for name in database.member_identifiers if name not in state.members]
        return tuple(free[: max(0, lacking)])

    def _create(self, database: DatabaseSpec) -> str:
        username = self._stack.resolve.text(database.username)
        if isinstance(username, Pending):
            raise skipped(username)
        request = {
            "Engine": database.engine,
            "MasterUsername": username,
            "Tags": tag_list(self._tags(database)),
            **_given(EngineVersion=database.engine_version, Port=database.port),
            **database.parameters,
            **self._password(database),
        }
        if not database.is_cluster:
            request |= {
                "DBInstanceIdentifier": database.name,
                "DBInstanceClass": database.instance_class,
                "AllocatedStorage": database.allocated_storage,
                **_given(DBName=database.db_name),
            }
            done = self._created("CreateDBInstance", database, request)
            return done or f"{database.engine} instance, master user {username}"
        request |= {"DBClusterIdentifier": database.name, **_given(DatabaseName=database.db_name)}
        done = self._created("CreateDBCluster", database, request) or f"{database.engine} cluster"
        return ", ".join([done, *self._create_members(database), f"master user {username}"])

    def _created(self, operation: str, database: DatabaseSpec, request: Mapping[str, Any]) -> str:
        """What there was to say instead of creating; empty if it was created."""
        create = self._rds.create_db_cluster if database.is_cluster else self._rds.create_db_instance
        try:
            with calling(operation, database.name):
                create(**request)
        except AwsError as error:
            if error.code not in _EXISTS:
                raise
        else:
            return ""
        finally:
            self._stack.observed.databases.forget()
        # An earlier try got through, or somebody else was quicker.
        state = self._stack.observed.databases.find(database)
        if state is not None and (why := refusal(self._stack, database, state)):
            raise SkippedError(f"{database.name} {why}")
        return "existed already"

    def _create_members(self, database: DatabaseSpec) -> list[str]:
        databases = self._stack.observed.databases
        state = databases.find(database)
        done = []
        for name in self._lacking(database, state) if state else ():
            try:
                with calling("CreateDBInstance", name):
                    self._rds.create_db_instance(
                        DBInstanceIdentifier=name,
                        DBClusterIdentifier=database.name,
                        DBInstanceClass=database.instance_class,
                        Engine=database.engine,
                        Tags=tag_list(self._tags(database, member=name)),
                        **database.instance_parameters,
                    )
            except AwsError as error:
                if error.code == _BUSY:
                    raise NotYetError(f"cluster is {self._status(database)}: the next run makes {name}") from None
                if error.code not in _EXISTS:
                    raise
                self._check_member(database, name)
            finally:
                databases.forget()
            done.append(f"instance {name}")
        return done

    def _check_member(self, database: DatabaseSpec, name: str) -> None:
        self._stack.observed.databases.forget()
        existing = self._stack.observed.databases.instances().get(name)
        if existing is not None and existing.cluster != database.name:
            raise AwsError(
                f"instance {name} exists and is none of the cluster {database.name}",
                remedy="Rename the cluster in its component, or delete that instance.",
            )

    def _status(self, database: DatabaseSpec) -> str:
        self._stack.observed.databases.forget()
        state = self._stack.observed.databases.find(database)
        return state.status if state else "missing"

    def _password(self, database: DatabaseSpec) -> Mapping[str, Any]:
        if database.manage_master_user_password or database.password is None:
            return {"ManageMasterUserPassword": True}
        ref = database.password
        match self._stack.resolve.output(Output(ref.component, ("generated_passwords", ref.key))):
            case Secret(value=password):
                return {"MasterUserPassword": password.get_secret_value()}
            case Pending() as pending:
                raise skipped(pending)
            case Plain():
                raise SkippedError(f"{ref} is not a generated password")


def _chosen(defaults: Mapping[str, bool]) -> tuple[Reason, ...]:
    """What the YAML does not say and a new database gets."""
    return tuple(Because(f"{key}: {str(value).lower()} by default") for key, value in defaults.items())


def _given(**values: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in values.items() if value is not None}
