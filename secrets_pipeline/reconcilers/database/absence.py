"""Say why no database is a component's, and which line of YAML names one; plan, apply and doctor say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.engine.reason import Because, Missing, Reason

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_MOST: Final = 5
"""As many candidates are listed."""


def absence(stack: Stack, database: DatabaseSpec) -> Reason:
    """Say why no database is the component's, and what to write.

    Args:
        stack: the stack.
        database: which `DatabaseInventory.find` does not find.

    Raises:
        AwsError: if RDS refuses (DescribeDBInstances, DescribeDBClusters).
    """
    if database.create:
        return Missing("does not exist yet")
    if database.identifier is not None and (other := _of_another_kind(stack, database, database.identifier)):
        return other
    candidates = stack.observed.databases.search(database).candidates
    listed = "; ".join(map(str, candidates[:_MOST]))
    more = len(candidates) - _MOST
    listed += f"; and {more} more" if more > 0 else ""
    if database.identifier is not None:
        these = "this looks" if len(candidates) == 1 else "these look"
        problem = f"does not exist{f', but {these} like it: {listed}' if candidates else ''}"
        only = candidates[0].state.identifier if len(candidates) == 1 else "NAME"
        way = f"{identifier_line(database, only)}, or apply the component with Terraform first"
        return Missing(problem, way + ("" if candidates else _creation(database)))
    unnamed = f"component {database.component} names no identifier"
    if len(candidates) > 1:
        return Because(f"{unnamed}, and several databases may be meant: {listed}", identifier_line(database, "NAME"))
    if candidates:
        line = identifier_line(database, candidates[0].state.identifier)
        return Because(f"{unnamed}, and this database only resembles it: {listed}", f"{line} if it is the one")
    place = f"account {stack.account.account_id}, {stack.account.region}"
    way = f"{identifier_line(database, 'NAME')}, or apply the component with Terraform first{_creation(database)}"
    names = database.traits.names
    name = f"its name ({' or '.join(names[:2])})" if names else "its name"
    return Missing(f"{unnamed}, and no database of {place} has {name} or its tags", way)


def absent(stack: Stack, database: DatabaseSpec) -> str:
    """Write the sentence of `absence`, which begins with the database or its component."""
    reason = absence(stack, database)
    return str(reason) if database.identifier is None else f"{database.title} {reason}"


def identifier_line(database: DatabaseSpec, identifier: str) -> str:
    """Write which line of YAML names the database of a component."""
    return (
        f"write settings: {{secrets_pipeline: {{identifier: {identifier}}}}} under components.terraform."
        f"{database.component}"
    )


def _of_another_kind(stack: Stack, database: DatabaseSpec, identifier: str) -> Reason | None:
    databases = stack.observed.databases
    instance = databases.instances().get(identifier)
    if database.is_cluster and instance is not None:
        if instance.cluster:
            problem = f"is an instance of the Aurora cluster {instance.cluster}"
            return Because(problem, f"write identifier: {instance.cluster}")
        return Because("is an RDS instance, not an Aurora cluster", f"write engine: {instance.engine}")
    cluster = None if database.is_cluster else databases.clusters().get(identifier)
    if cluster is not None:
        return Because("is a cluster, not an RDS instance", f"write engine: {cluster.engine}")
    return None


def _creation(database: DatabaseSpec) -> str:
    """Write how the pipeline would create a database that Terraform does not make; empty if Terraform makes it."""
    lacks = database.traits.creation_lacks
    if lacks is None:
        return ""
    needs = f", with {', '.join(_variable(one) for one in lacks)}" if lacks else ""
    return f"; if Terraform does not make it, settings.secrets_pipeline.create: true creates it{needs}"


def _variable(name: str) -> str:
    return f"vars.{name}{' (a reference to a generated secret)' if name == 'password' else ''}"
