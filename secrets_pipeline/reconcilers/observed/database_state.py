"""Hold RDS instances and Aurora clusters as observed, and say what their status allows.

Sources: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html (status of an instance),
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html (status of a cluster).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from secrets_pipeline.reconcilers.observed.tags import tag_map
from secrets_pipeline.references.model import Json

AVAILABLE: Final = "available"
DELETING: Final = "deleting"
_POSTGRES_DATABASE: Final = "postgres"
_RESETTING = "resetting-master-credentials"

SERVING: Final = frozenset(
    {
        AVAILABLE,
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "maintenance",
        "modifying",
        _RESETTING,
        "storage-config-upgrade",
        "storage-initialization",
        "storage-optimization",
        "update-iam-db-auth",
    }
)
"""Status in which a database answers logins; one that happens to restart is unreachable and tried again."""

_STUCK = (
    "cloning-failed",
    DELETING,
    "failed",
    "inaccessible-encryption-credentials",
    "incompatible-",
    "insufficient-capacity",
    "migration-failed",
    "restore-error",
    "stopped",
    "stopping",
    "storage-full",
)
"""How a status begins that does not pass by itself."""


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """An RDS instance as DescribeDBInstances shows it, or an Aurora cluster as DescribeDBClusters does.

    Attributes:
        resource_id: DbiResourceId or DbClusterResourceId; a restored database has another one.
        password_pending: whether a change of the master password has not been applied yet.
        is_cluster: whether it is a cluster.
        reader_address: of a cluster.
        members: of a cluster, identifier → status.
        writer: of a cluster, the identifier of the instance that is written to.
        cluster: of an instance, the cluster that it belongs to.
        replica_of: of a read replica, the instance that it copies.
        public: whether its host name has a public address, of a cluster that of any instance.
        failure: AWS's message if its status is an error (DBInstanceStatusInfo, DBClusterStatusInfo).
        security_groups: ids of its VPC security groups.
    """

    identifier: str
    arn: str
    resource_id: str
    status: str
    engine: str
    username: str
    db_name: str | None
    address: str | None
    port: int | None
    tags: Mapping[str, str]
    password_pending: bool
    master_secret_arn: str | None
    is_cluster: bool = False
    reader_address: str | None = None
    members: Mapping[str, str] = field(default_factory=dict)
    writer: str | None = None
    cluster: str | None = None
    replica_of: str | None = None
    public: bool = True
    failure: str | None = None
    security_groups: tuple[str, ...] = ()

    @property
    def database(self) -> str | None:
        """The database to log in to; PostgreSQL on RDS has `postgres` where none was named, MySQL has none."""
        return self.db_name or (_POSTGRES_DATABASE if "postgres" in self.engine else None)

    @property
    def endpoint(self) -> str | None:
        """`address:port`, once both are known; the writer's, of a cluster."""
        return f"{self.address}:{self.port}" if self.address and self.port else None

    @property
    def reader_endpoint(self) -> str | None:
        """`address:port` of a cluster's readers."""
        return f"{self.reader_address}:{self.port}" if self.reader_address and self.port else None

    @property
    def serves(self) -> bool:
        """Whether it may be logged in to."""
        return self.endpoint is not None and all(status in SERVING for status in self._statuses())

    @property
    def stuck(self) -> bool:
        """Whether its status does not pass by itself, so that nothing is gained by waiting."""
        return any(status.startswith(_STUCK) for status in self._statuses())

    @property
    def changes(self) -> bool:
        """Whether RDS is making or changing it, so that what it does not say yet may come by itself.

        Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
        """
        return not self.stuck and any(status != AVAILABLE for status in self._statuses())

    @property
    def condition(self) -> str:
        """What it is just now, for a human: `instance is creating`."""
        noun = "cluster" if self.is_cluster else "instance"
        if self.is_cluster and self.status in SERVING:
            writer = self.members.get(self.writer or "")
            if writer is None:
                return "cluster has no instance yet"
            if writer not in SERVING:
                return f"instance {self.writer} of the cluster is {writer}"
        if self.password_pending:
            return f"{noun} is changing its master password"
        return f"{noun} is {self.status}" + (f": {self.failure}" if self.failure else "")

    @property
    def outputs(self) -> Mapping[str, Json]:
        """What it is known by, see `spec.outputs`; None where AWS does not say it yet."""
        shared: Mapping[str, Json] = {
            "address": self.address,
            "endpoint": self.endpoint,
            "port": self.port,
            "db_name": self.database,
            "master_username": self.username,
            "username": self.username,
            "engine": self.engine,
            "resource_id": self.resource_id,
            "password_secret_arn": self.master_secret_arn,
            "master_user_secret_arn": self.master_secret_arn,
        }
        if self.is_cluster:
            return {
                **shared,
                "reader_endpoint": self.reader_endpoint,
                "reader_address": self.reader_address,
                "cluster_id": self.identifier,
                "cluster_identifier": self.identifier,
                "cluster_arn": self.arn,
                "cluster_resource_id": self.resource_id,
            }
        return {
            **shared,
            "instance_id": self.identifier,
            "instance_arn": self.arn,
            "instance_address": self.address,
            "instance_endpoint": self.endpoint,
            "instance_port": self.port,
            "instance_name": self.database,
        }

    def _statuses(self) -> tuple[str, ...]:
        if not self.is_cluster:
            return (self.status,)
        return (self.status, self.members.get(self.writer or "", "without a writer"))


def instance_state(entry: Mapping[str, Any]) -> DatabaseState:
    """Read an entry of DescribeDBInstances."""
    endpoint = entry.get("Endpoint") or {}
    status = entry.get("DBInstanceStatus") or ""
    return DatabaseState(
        identifier=entry["DBInstanceIdentifier"],
        arn=entry["DBInstanceArn"],
        resource_id=entry.get("DbiResourceId") or "",
        status=status,
        engine=entry.get("Engine") or "",
        username=entry.get("MasterUsername") or "",
        db_name=entry.get("DBName"),
        address=endpoint.get("Address"),
        port=endpoint.get("Port"),
        tags=tag_map(entry.get("TagList") or ()),
        password_pending=_password_pending(entry, status),
        master_secret_arn=(entry.get("MasterUserSecret") or {}).get("SecretArn"),
        cluster=entry.get("DBClusterIdentifier"),
        replica_of=entry.get("ReadReplicaSourceDBInstanceIdentifier"),
        public=entry.get("PubliclyAccessible", True),
        failure=_failure(entry),
        security_groups=_security_groups(entry),
    )


def cluster_state(entry: Mapping[str, Any], instances: Mapping[str, DatabaseState]) -> DatabaseState:
    """Read an entry of DescribeDBClusters.

    Args:
        entry: as AWS answers.
        instances: every instance of the account and region, by identifier.
    """
    listed = entry.get("DBClusterMembers") or ()
    identifier = entry["DBClusterIdentifier"]
    members = {one.identifier: one.status for one in instances.values() if one.cluster == identifier}
    status = entry.get("Status") or ""
    return DatabaseState(
        identifier=identifier,
        arn=entry["DBClusterArn"],
        resource_id=entry.get("DbClusterResourceId") or "",
        status=status,
        engine=entry.get("Engine") or "",
        username=entry.get("MasterUsername") or "",
        db_name=entry.get("DatabaseName"),
        address=entry.get("Endpoint"),
        port=entry.get("Port"),
        tags=tag_map(entry.get("TagList") or ()),
        password_pending=_password_pending(entry, status),
        master_secret_arn=(entry.get("MasterUserSecret") or {}).get("SecretArn"),
        is_cluster=True,
        reader_address=entry.get("ReaderEndpoint"),
        members=members,
        writer=next((one["DBInstanceIdentifier"] for one in listed if one.get("IsClusterWriter")), None),
        public=any(one.public for one in instances.values() if one.cluster == identifier),
        failure=_failure(entry),
        security_groups=_security_groups(entry),
    )


def _security_groups(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(one["VpcSecurityGroupId"] for one in entry.get("VpcSecurityGroups") or ())


def _password_pending(entry: Mapping[str, Any], status: str) -> bool:
    return status == _RESETTING or "MasterUserPassword" in (entry.get("PendingModifiedValues") or {})


def _failure(entry: Mapping[str, Any]) -> str | None:
    infos = entry.get("StatusInfos") or ()
    return next((one["Message"] for one in infos if not one.get("Normal", True) and one.get("Message")), None)
