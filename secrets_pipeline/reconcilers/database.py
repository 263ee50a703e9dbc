"""RDS instances: created where the stack says so, with the generated password as master password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws import AwsError, calling
from secrets_pipeline.engine import Change, ChangeClass, Resource, SkippedError, planned
from secrets_pipeline.reconcilers.marks import COMPONENT, STACK
from secrets_pipeline.reconcilers.states import tag_list
from secrets_pipeline.references import Output, Pending, Plain, Secret
from secrets_pipeline.spec import DatabaseSpec

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

KIND = "database"


class DatabaseReconciler:
    """RDS instances of one stack."""

    def __init__(self, context: StackContext) -> None:
        self._context = context
        self._databases = {database.identifier: database for database in context.spec.databases}

    def plan(self) -> Sequence[Change]:
        """One change a declared instance."""
        return [
            planned(Resource(KIND, name, database.component), partial(self._plan, database))
            for name, database in self._databases.items()
        ]

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        database = self._databases[change.resource.name]
        if change.action is ChangeClass.CREATE:
            return self._create(database)
        state = self._context.inventory.database(database.identifier)
        if state is None:
            raise SkippedError(f"{database.identifier} does not exist")
        with calling("AddTagsToResource", database.identifier):
            self._context.account.client("rds").add_tags_to_resource(
                ResourceName=state.arn, Tags=tag_list(self._tags(database))
            )
        self._context.inventory.forget_databases()
        return "tags"

    def _plan(self, database: DatabaseSpec) -> Change:
        resource = Resource(KIND, database.identifier, database.component)
        state = self._context.inventory.database(database.identifier)
        if state is None:
            if database.create:
                return Change(resource, ChangeClass.CREATE)
            reason = "does not exist: let Terraform make it, or set settings.secrets_pipeline.create: true"
            return Change(resource, ChangeClass.BLOCKED, (reason,))
        owner = state.tags.get(STACK)
        if not database.create or owner is None:
            return Change(resource, ChangeClass.NONE, ("found",))
        if owner != self._context.spec.stack:
            return Change(resource, ChangeClass.BLOCKED, (f"belongs to stack {owner}",))
        differing = tuple(
            f"tag {name} differs" for name, value in self._tags(database).items() if state.tags.get(name) != value
        )
        return Change(resource, ChangeClass.UPDATE if differing else ChangeClass.NONE, differing)

    def _tags(self, database: DatabaseSpec) -> dict[str, str]:
        return {**database.tags, STACK: self._context.spec.stack, COMPONENT: database.component}

    def _create(self, database: DatabaseSpec) -> str:
        context = self._context
        username = context.outputs.text(database.username)
        if isinstance(username, Pending):
            raise SkippedError(username.reason)
        request: dict[str, Any] = {
            "DBInstanceIdentifier": database.identifier,
            "Engine": database.engine,
            "DBInstanceClass": database.instance_class,
            "AllocatedStorage": database.allocated_storage,
            "MasterUsername": username,
            "Tags": tag_list(self._tags(database)),
            **_given(EngineVersion=database.engine_version, DBName=database.db_name, Port=database.port),
            **database.parameters,
            **self._password(database),
        }
        try:
            with calling("CreateDBInstance", database.identifier):
                context.account.client("rds").create_db_instance(**request)
        except AwsError as error:
            if error.code != "DBInstanceAlreadyExists":
                raise
            return "existed already"
        finally:
            context.inventory.forget_databases()
        return f"{database.engine} instance, master user {username}"

    def _password(self, database: DatabaseSpec) -> Mapping[str, Any]:
        if database.manage_master_user_password or database.password is None:
            return {"ManageMasterUserPassword": True}
        ref = database.password
        match self._context.outputs.output(Output(ref.component, ("generated_passwords", ref.key))):
            case Secret(value=password):
                return {"MasterUserPassword": password.get_secret_value()}
            case Pending(reason=reason):
                raise SkippedError(reason)
            case Plain():
                raise SkippedError(f"{ref} is not a generated password")


def _given(**values: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in values.items() if value is not None}
