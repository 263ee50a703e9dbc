"""Run Aurora clusters and their instances: one real server behind a cluster of aurora-postgresql."""

from __future__ import annotations

import copy
from typing import Any

from moto.rds.exceptions import DBClusterNotFoundError, InvalidDBClusterStateFault, RDSClientError
from moto.rds.models import DBCluster, DBInstance, DBInstanceClustered, RDSBackend

from secrets_pipeline.emulator.control.delays import CREATING, RESETTING
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.postgres import HOST, PostgresServer
from secrets_pipeline.emulator.services.rds.announce import (
    CLUSTER_CREATED,
    CLUSTER_DELETED,
    CLUSTER_PASSWORD_SET,
    CLUSTER_STARTED,
    CLUSTER_STOPPED,
    CREATED,
    STARTED,
    RdsEvent,
    tell,
)
from secrets_pipeline.emulator.services.rds.background import RESETTING_STATUS, Background, new_resource_id
from secrets_pipeline.emulator.services.rds.credentials import POSTGRES_ENGINES, check_password, check_user
from secrets_pipeline.emulator.services.rds.fleet import FLEET
from secrets_pipeline.emulator.services.rds.managed import managed_password
from secrets_pipeline.errors import LocalError

READER_HOST = "localhost"
"""Another name of the same server; as on AWS, a cluster without readers serves them from its writer."""
_OF_THE_CLUSTER = (
    "The specified DB Instance is a member of a cluster: set the master user's password on the DB cluster."
)
_CREATING, _AVAILABLE = "creating", "available"


class Cluster(Background, DBCluster):
    """A cluster that has endpoints from the beginning, and a server from its first instance on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's forty parameters
        super().__init__(*args, **kwargs)
        self.db_cluster_resource_id = new_resource_id("cluster-")
        self.pending_modified_values = None
        self.server: PostgresServer | None = None
        self._initial_password: str | None = None

    @property
    def status(self) -> str:
        """What DescribeDBClusters shows."""
        return str(self._status)

    @status.setter
    def status(self, value: str) -> None:
        self._status = value

    @property
    def endpoint(self) -> str:
        """Host of the writer."""
        return HOST if self.server is not None else str(super().endpoint)

    @property
    def reader_endpoint(self) -> str:
        """Host of the readers."""
        return READER_HOST if self.server is not None else str(super().reader_endpoint)

    def bring_up(self, server: PostgresServer | None, password: str) -> None:
        """Let it become available in the background; without a server it stays a record."""
        self.server, self._initial_password = server, password
        if server is not None:
            self.port = server.reserve_port()

        begun = CLOCK.now()

        def job() -> None:
            PACE.wait(CREATING, str(self.db_cluster_identifier), begun)
            self.status = _AVAILABLE
            tell(self, CLUSTER_CREATED)

        self.submit(job, "failed")

    def as_created(self) -> Cluster:
        """What CreateDBCluster answers, however quick the background is."""
        picture = copy.copy(self)
        picture.server, picture.status = self.server, _CREATING
        return picture

    def serve(self, instance: ClusterInstance, message: RdsEvent) -> None:
        """Start the server for an instance in the background, if it does not run yet, and tell of the instance."""
        instance.status = _CREATING
        server = self.server

        begun = CLOCK.now()

        def job() -> None:
            PACE.wait(CREATING, str(instance.db_instance_identifier), begun)
            if server is not None:
                if self._initial_password is not None:
                    server.create(str(self.master_username), self._initial_password, self.database_name)
                    self._initial_password = None
                elif not server.running:
                    server.start()
                self.port = server.port
            instance.port, instance.status = self.port, _AVAILABLE
            tell(instance, message)

        self.submit(job, "failed")

    def rest(self, status: str) -> None:
        """Stop the server in the background and keep its data, for example when the last instance is gone."""
        server = self.server
        self.status = status
        if server is not None:
            self.submit(lambda: server.stop(keep=True), "failed")

    def change_password(self, password: str, *, immediately: bool = True) -> None:
        """Change the master user's password in the background; else it waits for a maintenance window.

        Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html (ApplyImmediately).
        """
        self.pending_modified_values = {"MasterUserPassword": "****"}
        server, begun = self.server, CLOCK.now()
        if immediately:
            self.status = RESETTING_STATUS

        def job() -> None:
            PACE.wait(RESETTING, str(self.db_cluster_identifier), begun)
            if self._initial_password is not None:
                self._initial_password = password
            elif server is not None:
                server.set_password(str(self.master_username), password)
            self.pending_modified_values, self.status = None, _AVAILABLE
            tell(self, CLUSTER_PASSWORD_SET)

        if immediately:
            self.submit(job, "incompatible-credentials")


class ClusterInstance(Background, DBInstanceClustered):
    """An instance of a cluster: it shares the cluster's server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's forty parameters
        super().__init__(*args, **kwargs)
        self.dbi_resource_id = new_resource_id("db-")
        self.pending_modified_values = None
        self.port = self.cluster.port

    @property
    def address(self) -> str:
        """Host of the instance's own endpoint."""
        return HOST if getattr(self.cluster, "server", None) is not None else str(super().address)

    @property
    def endpoint(self) -> dict[str, Any] | None:  # type: ignore[override] # moto always has one
        """Address and port, None before the instance is available."""
        return None if self.status == _CREATING else {"Address": self.address, "Port": self.port}


class ClusterCalls(RDSBackend):
    """What can be asked of clusters and their instances."""

    def create_db_cluster(self, kwargs: dict[str, Any]) -> DBCluster:
        """Create a cluster without instances.

        Raises:
            RDSClientError: DBClusterAlreadyExistsFault, or InvalidParameterValue for the master user or password.
        """
        engine, password = str(kwargs.get("engine")), kwargs.get("master_user_password")
        identifier = str(kwargs["db_cluster_identifier"]).lower()
        if identifier in self.clusters:
            raise RDSClientError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
        check_user(engine, str(kwargs.get("master_username") or ""))
        if not kwargs.get("manage_master_user_password"):
            check_password(engine, str(password or ""))
        kwargs["db_cluster_identifier"] = identifier
        cluster = super().create_db_cluster(kwargs)
        if isinstance(cluster, Cluster):
            try:
                server = FLEET.new(cluster.db_cluster_resource_id) if engine in POSTGRES_ENGINES else None
            except LocalError as error:
                del self.clusters[identifier]
                raise RDSClientError("InternalFailure", error.message) from error
            cluster.bring_up(server, str(password or managed_password(cluster)))
            return cluster.as_created()
        return cluster

    def modify_db_cluster(self, kwargs: dict[str, Any]) -> DBCluster:
        """Modify an available cluster.

        Raises:
            RDSClientError: DBClusterNotFoundFault, InvalidDBClusterStateFault, or InvalidParameterValue for the
                password.
        """
        identifier = str(kwargs["db_cluster_identifier"]).lower()
        cluster = self._cluster(identifier)
        if cluster.status != _AVAILABLE:
            raise InvalidDBClusterStateFault(f"DB cluster {identifier} is not in available state.")
        password, immediately = kwargs.get("master_user_password"), bool(kwargs.get("apply_immediately"))
        if password is not None:
            check_password(cluster.engine, str(password))
            cluster.change_password(str(password), immediately=immediately)
        return super().modify_db_cluster({**kwargs, "db_cluster_identifier": identifier})

    def delete_db_cluster(self, cluster_identifier: str, snapshot_name: str | None = None) -> DBCluster:
        """Delete a cluster that has no instance any more, its automated snapshots, and its server."""
        cluster = super().delete_db_cluster(cluster_identifier, snapshot_name)
        for name, snapshot in list(self.cluster_snapshots.items()):
            if snapshot.snapshot_type == "automated" and snapshot.cluster.db_cluster_identifier == cluster_identifier:
                del self.cluster_snapshots[name]
        if isinstance(cluster, Cluster):
            cluster.status = "deleting"
            cluster.submit(lambda: FLEET.remove(cluster.db_cluster_resource_id), "deleting")
            tell(cluster, CLUSTER_DELETED)
        return cluster

    def stop_db_cluster(self, cluster_identifier: str) -> DBCluster:
        """Stop the server and keep its data."""
        picture = super().stop_db_cluster(cluster_identifier)
        cluster = self._cluster(cluster_identifier)
        cluster.rest("stopped")
        cluster.submit(lambda: tell(cluster, CLUSTER_STOPPED), "failed")
        for member in cluster.members:
            member.status = "stopped"
        return picture

    def start_db_cluster(self, cluster_identifier: str) -> DBCluster:
        """Start the server on the data that it had."""
        picture = super().start_db_cluster(cluster_identifier)
        cluster = self._cluster(cluster_identifier)
        for member in cluster.members:
            if isinstance(member, ClusterInstance):
                cluster.serve(member, STARTED)
        cluster.submit(lambda: tell(cluster, CLUSTER_STARTED), "failed")
        return picture

    def create_db_instance(self, db_kwargs: dict[str, Any]) -> DBInstance:
        """Create an instance, also of a cluster.

        Raises:
            RDSClientError: InvalidParameterCombination where an instance of a cluster would get a password.
        """
        if db_kwargs.get("db_cluster_identifier") is None:
            return super().create_db_instance(db_kwargs)
        if db_kwargs.get("master_user_password") or db_kwargs.get("master_username"):
            raise RDSClientError("InvalidParameterCombination", _OF_THE_CLUSTER)
        db_kwargs["db_cluster_identifier"] = str(db_kwargs["db_cluster_identifier"]).lower()
        instance = super().create_db_instance(db_kwargs)
        if isinstance(instance, ClusterInstance) and isinstance(instance.cluster, Cluster):
            instance.cluster.serve(instance, CREATED)
        return instance

    def modify_db_instance(self, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        """Modify an instance, also of a cluster.

        Raises:
            RDSClientError: InvalidParameterCombination where an instance of a cluster would get a password.
        """
        instance = self.describe_db_instances(db_instance_identifier)[0]
        if isinstance(instance, ClusterInstance) and db_kwargs.get("master_user_password"):
            raise RDSClientError("InvalidParameterCombination", _OF_THE_CLUSTER)
        return super().modify_db_instance(db_instance_identifier, db_kwargs)

    def delete_db_instance(self, db_instance_identifier: str, *args: Any, **kwargs: Any) -> DBInstance:  # noqa: ANN401 - moto's
        """Delete an instance; the server of a cluster rests when the last one is gone."""
        instance = super().delete_db_instance(db_instance_identifier, *args, **kwargs)
        cluster = getattr(instance, "cluster", None)
        if isinstance(cluster, Cluster) and not cluster.members:
            cluster.rest(cluster.status)
        return instance

    def _cluster(self, identifier: str) -> Cluster:
        cluster = self.clusters.get(identifier)
        if not isinstance(cluster, Cluster):
            raise DBClusterNotFoundError(identifier)
        return cluster
