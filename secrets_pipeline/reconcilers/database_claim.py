"""May a component use the database of its identifier? Decided before anything is written or handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers.marks import STACK
from secrets_pipeline.spec import DatabaseSpec

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext
    from secrets_pipeline.reconcilers.database_state import DatabaseState

UNTAGGED = (
    "exists without our tags: `apply --adopt` takes it over and may set its master password; "
    "with settings.secrets_pipeline.create: false it is used as found, and given that password if it refuses it"
)


def refusal(context: StackContext, database: DatabaseSpec, state: DatabaseState) -> str:
    """Why the database is not the one that the component means, with what to do; empty if it is.

    A database of our own identifier that somebody else made is not ours because the stack says `create: true`: neither
    its endpoint is handed out nor its password set, until it is adopted or declared as found.
    """
    return mismatch(context, database, state) or (UNTAGGED if is_untagged(database, state) else "")


def is_untagged(database: DatabaseSpec, state: DatabaseState) -> bool:
    """Whether it should have been created by us, and was not."""
    return database.create and STACK not in state.tags


def mismatch(context: StackContext, database: DatabaseSpec, state: DatabaseState) -> str:
    """The same, but for what adopting would not mend."""
    owner = state.tags.get(STACK)
    if owner not in (None, context.spec.stack) and (database.create or database.password is not None):
        return f"belongs to stack {owner}"
    if state.cluster and not database.is_cluster:
        return (
            f"is an instance of the Aurora cluster {state.cluster}: "
            f"write identifier: {state.cluster} and engine: {state.engine}"
        )
    if _engine(state.engine) != _engine(database.engine):
        return f"has engine {state.engine}, but the stack says {database.engine}: write engine: {state.engine}"
    if isinstance(database.username, str) and database.username.lower() != state.username.lower():
        return f"has the master user {state.username}, but the stack says {database.username}: write what it has"
    if database.password is not None and state.master_secret_arn:
        return "keeps its master password in a secret of RDS: write manage_master_user_password: true, and no password"
    return ""


def absence(context: StackContext, database: DatabaseSpec) -> str:
    """Why there is nothing of that identifier, with what to do."""
    databases, identifier = context.inventory.databases, database.identifier
    instance = databases.instances().get(identifier)
    if database.is_cluster and instance is not None:
        if instance.cluster:
            return f"is an instance of the Aurora cluster {instance.cluster}: write identifier: {instance.cluster}"
        return f"is an RDS instance, not an Aurora cluster: write engine: {instance.engine}"
    cluster = None if database.is_cluster else databases.clusters().get(identifier)
    if cluster is not None:
        return f"is a cluster, not an RDS instance: write engine: {cluster.engine}"
    return "does not exist: let Terraform make it, or set settings.secrets_pipeline.create: true"


def _engine(name: str) -> str:
    """Editions of an engine may be changed in place: `oracle-se2` and `oracle-ee` are the same here."""
    return name if name.startswith("aurora") else name.split("-", 1)[0]
