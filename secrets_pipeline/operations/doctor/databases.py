"""Ask for each database: whether RDS can make it, whether it is public, and whether it takes its password over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.operations.doctor.model import APPLY_MAKES_IT, Answer, Verdict, answered, fine
from secrets_pipeline.reconcilers.database.absence import absence
from secrets_pipeline.reconcilers.database.checks import logins
from secrets_pipeline.reconcilers.finding import Verdict as Found
from secrets_pipeline.reconcilers.observed.roles import RDS_ROLE

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_GROUP = "Make the subnet group, or name another one as db_subnet_group_name."
_NETWORK = "Name a db_subnet_group_name, and vpc_security_group_ids of its VPC."
_PUBLIC = "Set publicly_accessible: false, and reach it from its network."
_LOGIN = "Run where the database can be reached, set rds_ca_file, or switch database_logins off."
_REFUSED = "Let `secrets-pipeline plan` say what an apply does; `rotate` gives secret and database a new password."


def databases(stack: Stack) -> Iterator[Answer]:
    """Judge the databases of one stack.

    Reads DescribeDBInstances, DescribeDBClusters, DescribeDBSubnetGroups and GetRole, and logs in.
    """
    for one in stack.spec.databases:
        yield from answered(one.name, partial(_database, stack, one))
    if any(one.create and stack.observed.databases.find(one) is None for one in stack.spec.databases):
        yield from answered(RDS_ROLE, partial(_service_role, stack))
    if not stack.spec.databases:
        return
    if not stack.run.settings.database_logins:
        yield fine("logins", "database_logins is off in the operator's settings, so no password is tried")
        return
    there = {one.name for one in stack.spec.databases if stack.observed.databases.find(one) is not None}
    for found in logins(stack, deep=True):
        if found.name not in there:
            continue
        match found.verdict:
            case Found.RIGHT:
                yield fine(found.name, found.detail)
            case Found.WAITING:
                yield Answer(found.name, Verdict.ADVISED, f"password not proven: {found.detail}", _LOGIN)
            case Found.WRONG:
                yield Answer(found.name, Verdict.ADVISED, found.detail, _REFUSED)


def _service_role(stack: Stack) -> Iterator[Answer]:
    if stack.observed.roles.role_now(RDS_ROLE) is None:
        yield fine(RDS_ROLE, "does not exist: RDS makes it with the first database of the account")


def _database(stack: Stack, database: DatabaseSpec) -> Iterator[Answer]:
    name, state = database.name, stack.observed.databases.find(database)
    if state is not None:
        if state.public:
            yield Answer(name, Verdict.ADVISED, "has a public address", _PUBLIC)
        elif state.stuck:
            yield Answer(name, Verdict.ADVISED, state.condition, "Mend it first: nothing is set while it is so.")
        else:
            yield fine(name, f"{state.condition}, with no public address")
        return
    if not database.create:
        why = absence(stack, database)
        yield Answer(name, Verdict.ADVISED, f"{why.problem}; an apply leaves it out", _sentence(why.remedy))
        return
    group = database.parameters.get("DBSubnetGroupName")
    if group is None and not stack.observed.networks.has_default():
        text = f"names no subnet group, and {stack.account.region} has no default VPC"
        yield Answer(name, Verdict.WILL_FAIL, text, _NETWORK)
    elif group is not None and str(group).lower() not in stack.observed.databases.subnet_groups():
        yield Answer(name, Verdict.WILL_FAIL, f"subnet group {group} does not exist", _GROUP)
    elif database.parameters.get("PubliclyAccessible"):
        yield Answer(name, Verdict.ADVISED, f"will have a public address: {APPLY_MAKES_IT}", _PUBLIC)
    else:
        yield fine(name, f"does not exist: {APPLY_MAKES_IT}")


def _sentence(remedy: str) -> str:
    return f"{remedy[:1].upper()}{remedy[1:]}."
