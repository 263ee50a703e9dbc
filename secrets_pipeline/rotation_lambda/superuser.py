"""Read the user who sets the passwords of alternating users: the secret that `masterarn` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .errors import RotationError
from .secret_value import DatabaseAddress, DatabaseSecret, Login, json_object, login_of, parse
from .secret_versions import CURRENT, calling, client, read

_INSTANCE_TAG, _CLUSTER_TAG = "aws:rds:primarydbinstancearn", "aws:rds:primarydbclusterarn"


def superuser_of(secret: DatabaseSecret, secretsmanager: Any) -> Login:  # noqa: ANN401 - boto3 ships no types
    """The login of the superuser, of the same database server as the secret.

    A secret that RDS manages holds user and password alone; RDS says which server it belongs to.

    Raises:
        RotationError: if it belongs to another server, or cannot be read.
    """
    arn = str(secret.superuser)
    text = read(secretsmanager, arn, VersionStage=CURRENT)
    if text is None:
        raise RotationError(f"The superuser's secret {arn} has no value, or does not exist.", "Correct masterarn.")
    document = json_object(text)
    if "engine" in document or "host" in document:
        found = parse(text)
        place = found.address.place if isinstance(found, DatabaseSecret) else None
    else:
        place = _place_by_rds(arn, secret.address, secretsmanager)
    if place != secret.address.place:
        raise RotationError(
            f"The superuser's secret {arn} is of another database server than {secret.address}.",
            "Name the superuser of the same engine, host and port in masterarn.",
        )
    return login_of(document)


def _place_by_rds(arn: str, address: DatabaseAddress, secretsmanager: Any) -> tuple[str, str, int] | None:  # noqa: ANN401 - boto3
    """Where the instance or cluster is whose master user RDS manages in this secret.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
    """
    described = calling("DescribeSecret", secretsmanager.describe_secret, SecretId=arn)
    tags = {tag["Key"].lower(): tag["Value"] for tag in described.get("Tags", [])}
    if _INSTANCE_TAG in tags:
        call, name = client("rds").describe_db_instances, tags[_INSTANCE_TAG]
        instances = calling("DescribeDBInstances", call, DBInstanceIdentifier=name)["DBInstances"]
        return _place(address, *((one["Endpoint"]["Address"], one["Endpoint"]["Port"]) for one in instances[:1]))
    if _CLUSTER_TAG in tags:
        call, name = client("rds").describe_db_clusters, tags[_CLUSTER_TAG]
        clusters: list[Mapping[str, Any]] = calling("DescribeDBClusters", call, DBClusterIdentifier=name)["DBClusters"]
        return _place(address, *((one["Endpoint"], one["Port"]) for one in clusters[:1]))
    return None


def _place(address: DatabaseAddress, *found: tuple[str, int]) -> tuple[str, str, int] | None:
    return next((replace(address, host=host, port=int(port)).place for host, port in found), None)
