"""Remove what an experiment made, by the names that it gave, and what an interrupted one left, by AWS's lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import jmespath
from botocore.exceptions import ClientError

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError

PREFIX: Final = "secrets-pipeline-doctor-"
"""Every name that an experiment gives begins so; of what AWS names itself, the description."""
POLICY: Final = "doctor"
"""The only inline policy of its roles."""
TARGET: Final = "doctor"
"""The only target of its rules."""
_GONE: Final = ("NotFound", "NoSuchEntity", "NonExistentQueue", "QueueDoesNotExist", "DBInstanceNotFound")
_OVER: Final = ("PendingDeletion", "PendingReplicaDeletion")

_Client: TypeAlias = Any
"""Of boto3, whose clients have no common type with their methods."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that an experiment makes.

    Attributes:
        what: it is, for messages.
        service: botocore's name.
        made_by: the operation that makes it.
        name: the parameter that names it; empty where AWS gives an id, which the step keeps.
        listed: lists all names whose names, or descriptions, begin with a text.
        removed: deletes the one of a name.
    """

    what: str
    service: str
    made_by: str
    name: str
    listed: Callable[[_Client, str], Iterable[str]]
    removed: Callable[[_Client, str], None]


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What could not be removed.

    Attributes:
        what: kind of resource.
        name: its name or id.
        why: what AWS said.
    """

    what: str
    name: str
    why: str


class Removal:
    """What one experiment made, and its end.

    Args:
        account: where it was made.
    """

    def __init__(self, account: AwsAccount) -> None:
        self._account = account
        self._made: dict[tuple[str, str], Kind] = {}

    def note(self, operation: str, params: Mapping[str, Any]) -> None:
        """Remember what a request is about to make."""
        for kind in KINDS:
            if kind.made_by == operation and kind.name:
                self.made(kind, str(params[kind.name]))

    def made(self, kind: Kind, name: str) -> None:
        """Remember something that is to be removed."""
        self._made[kind.what, name] = kind

    def find(self, prefix: str = PREFIX) -> None:
        """Remember all that AWS lists of experiments.

        Raises:
            AwsError: if a list is refused.
        """
        for kind in KINDS:
            with calling(f"list each {kind.what}", f"in {self._account.region}"):
                for name in kind.listed(self._account.client(kind.service), prefix):
                    self.made(kind, name)

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Kind and name of all that is to be removed."""
        return tuple(self._made)

    def remove(self) -> Iterator[LeftOver]:
        """Delete all of it, in an order that AWS allows; yield what is left."""
        for kind in KINDS:
            for name in [name for what, name in self._made if what == kind.what]:
                try:
                    with calling(f"remove the {kind.what}", name):
                        _remove(kind, self._account.client(kind.service), name)
                except AwsError as error:
                    yield LeftOver(kind.what, name, error.message)
                else:
                    del self._made[kind.what, name]


def kept_by(operation: str) -> Kind | None:
    """Return the kind whose id AWS gives in the answer of an operation; None if it is none."""
    return next((kind for kind in KINDS if kind.made_by == operation and not kind.name), None)


def _remove(kind: Kind, client: _Client, name: str) -> None:
    try:
        kind.removed(client, name)
    except ClientError as error:
        if not _gone(error):
            raise


def _gone(error: ClientError) -> bool:
    return any(text in str(error.response["Error"]["Code"]) for text in _GONE)


def _pages(operation: str, path: str) -> Callable[[_Client, str], Iterable[str]]:
    """List by a paginator; a JMESPath finds the names."""

    def listed(client: _Client, prefix: str) -> Iterable[str]:
        for page in client.get_paginator(operation).paginate():
            yield from (one for one in jmespath.search(path, page) or () if one.startswith(prefix))

    return listed


def _queues(client: _Client, prefix: str) -> Iterable[str]:
    for page in client.get_paginator("list_queues").paginate(QueueNamePrefix=prefix):
        yield from (url.rpartition("/")[2] for url in page.get("QueueUrls", ()))


def _buses(client: _Client, prefix: str) -> Iterable[str]:
    return [one["Name"] for one in client.list_event_buses(NamePrefix=prefix)["EventBuses"]]


def _keys(client: _Client, prefix: str) -> Iterable[str]:
    for page in client.get_paginator("list_keys").paginate():
        for one in page["Keys"]:
            # Whoever may not look at a key has not made it here.
            with suppress(ClientError):
                told = client.describe_key(KeyId=one["KeyId"])["KeyMetadata"]
                if told["Description"].startswith(prefix) and told["KeyState"] not in _OVER:
                    yield told["KeyId"]


def _apis(client: _Client, prefix: str) -> Iterable[str]:
    for page in client.get_paginator("get_rest_apis").paginate():
        yield from (one["id"] for one in page["items"] if one["name"].startswith(prefix))


def _remove_role(client: _Client, name: str) -> None:
    for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
        client.delete_role_policy(RoleName=name, PolicyName=policy)
    client.delete_role(RoleName=name)


def _remove_rule(client: _Client, name: str) -> None:
    client.remove_targets(Rule=name, Ids=[TARGET])
    client.delete_rule(Name=name)


def _remove_queue(client: _Client, name: str) -> None:
    client.delete_queue(QueueUrl=client.get_queue_url(QueueName=name)["QueueUrl"])


def _remove_secret(client: _Client, name: str) -> None:
    found = client.describe_secret(SecretId=name)
    if "DeletedDate" in found:
        return
    if replicas := found.get("ReplicationStatus"):
        client.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=[one["Region"] for one in replicas])
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def _remove_key(client: _Client, name: str) -> None:
    if client.describe_key(KeyId=name)["KeyMetadata"]["KeyState"] not in _OVER:
        client.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)


KINDS: Final = (
    Kind(
        "secret",
        "secretsmanager",
        "CreateSecret",
        "Name",
        _pages("list_secrets", "SecretList[].Name"),
        _remove_secret,
    ),
    Kind(
        "database",
        "rds",
        "CreateDBInstance",
        "DBInstanceIdentifier",
        _pages("describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
        lambda client, name: client.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True),
    ),
    Kind(
        "function",
        "lambda",
        "CreateFunction",
        "FunctionName",
        _pages("list_functions", "Functions[].FunctionName"),
        lambda client, name: client.delete_function(FunctionName=name),
    ),
    Kind("rule", "events", "PutRule", "Name", _pages("list_rules", "Rules[].Name"), _remove_rule),
    Kind(
        "event bus",
        "events",
        "CreateEventBus",
        "Name",
        _buses,
        lambda client, name: client.delete_event_bus(Name=name),
    ),
    Kind("queue", "sqs", "CreateQueue", "QueueName", _queues, _remove_queue),
    Kind("API", "apigateway", "CreateRestApi", "", _apis, lambda client, name: client.delete_rest_api(restApiId=name)),
    Kind("role", "iam", "CreateRole", "RoleName", _pages("list_roles", "Roles[].RoleName"), _remove_role),
    Kind(
        "alias",
        "kms",
        "CreateAlias",
        "AliasName",
        lambda client, prefix: _pages("list_aliases", "Aliases[].AliasName")(client, f"alias/{prefix}"),
        lambda client, name: client.delete_alias(AliasName=name),
    ),
    Kind("KMS key", "kms", "CreateKey", "", _keys, _remove_key),
)
"""In the order in which they are removed."""
