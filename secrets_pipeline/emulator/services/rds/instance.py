"""Run instances that stand alone, with a real server where the engine is PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.rds.exceptions import InvalidDBInstanceStateError, RDSClientError
from moto.rds.models import DBInstance, RDSBackend

from secrets_pipeline.emulator.control.delays import CREATING, RESETTING
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.postgres import HOST, PostgresServer
from secrets_pipeline.emulator.services.rds.announce import (
    CREATED,
    DELETED,
    PASSWORD_SET,
    RESTORED,
    RESTORED_TO_A_TIME,
    STARTED,
    STOPPED,
    RdsEvent,
    tell,
)
from secrets_pipeline.emulator.services.rds.background import RESETTING_STATUS, Background, new_resource_id
from secrets_pipeline.emulator.services.rds.credentials import POSTGRES_ENGINES, check_password, check_user
from secrets_pipeline.emulator.services.rds.fleet import FLEET
from secrets_pipeline.emulator.services.rds.managed import managed_password
from secrets_pipeline.errors import LocalError

_NOT_AVAILABLE = "Database instance is not in available state."
_LEAST_STORAGE: Mapping[str, Mapping[str, int]] = {
    "standard": {"oracle": 10, "sqlserver": 20, "": 5},
    "io1": {"": 100},
    "io2": {"": 100},
    "gp2": {"": 20},
    "gp3": {"": 20},
}
"""Storage type → family of engines → least AllocatedStorage, in GiB."""


class Instance(Background, DBInstance):
    """An instance whose endpoint is a real server, if its engine is PostgreSQL."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's forty parameters
        super().__init__(*args, **kwargs)
        self.dbi_resource_id = new_resource_id("db-")
        self.pending_modified_values = None
        self.server: PostgresServer | None = None

    @property
    def address(self) -> str:
        """Host of the endpoint."""
        return HOST if self.server is not None else str(super().address)

    @property
    def endpoint(self) -> dict[str, Any] | None:  # type: ignore[override] # moto always has one
        """Address and port, None before the instance is available."""
        return None if self.status == "creating" else {"Address": self.address, "Port": self.port}

    def bring_up(self, server: PostgresServer, password: str, born: RdsEvent) -> None:
        """Create the server in the background, and tell how it came to be."""
        self.server, self.status = server, "creating"
        begun = CLOCK.now()

        def job() -> None:
            server.create(str(self.master_username), password, self.db_name)
            PACE.wait(CREATING, str(self.db_instance_identifier), begun)
            self.port, self.status = server.port, "available"
            tell(self, born)

        self.submit(job, "failed")

    def change_password(self, password: str) -> None:
        """Change the master user's password in the background."""
        server = self.server
        if server is None:
            return
        self.pending_modified_values, self.status = {"MasterUserPassword": "****"}, RESETTING_STATUS
        begun = CLOCK.now()

        def job() -> None:
            PACE.wait(RESETTING, str(self.db_instance_identifier), begun)
            server.set_password(str(self.master_username), password)
            self.pending_modified_values, self.status = None, "available"
            tell(self, PASSWORD_SET)

        self.submit(job, "incompatible-credentials")


class InstanceCalls(RDSBackend):
    """What can be asked of instances."""

    _born = CREATED

    def create_db_instance(self, db_kwargs: dict[str, Any]) -> DBInstance:
        """Create an instance; PostgreSQL starts in the background.

        Raises:
            RDSClientError: InvalidParameterValue for the storage, the master user or the password.
        """
        engine, password = str(db_kwargs.get("engine")), db_kwargs.get("master_user_password")
        alone = db_kwargs.get("db_cluster_identifier") is None
        if db_kwargs.get("publicly_accessible") is None:
            db_kwargs["publicly_accessible"] = _public_by_default(db_kwargs)
        if alone:
            _check_storage(db_kwargs)
            check_user(engine, str(db_kwargs.get("master_username") or ""))
            if not db_kwargs.get("manage_master_user_password"):
                check_password(engine, str(password or ""))
        instance = super().create_db_instance(db_kwargs)
        if isinstance(instance, Instance) and alone and engine in POSTGRES_ENGINES:
            try:
                server = FLEET.new(instance.dbi_resource_id)
            except LocalError as error:
                del self.databases[instance.db_instance_identifier]
                raise RDSClientError("InternalFailure", error.message) from error
            if not db_kwargs.get("engine_version"):
                instance.engine_version = FLEET.version
            instance.bring_up(server, str(password or managed_password(instance)), self._born)
        else:
            tell(instance, self._born)
        return instance

    def restore_db_instance_from_db_snapshot(self, *args: Any, **kwargs: Any) -> DBInstance:  # noqa: ANN401 - moto's
        """Restore an instance; PostgreSQL starts in the background."""
        with self._bearing(RESTORED):
            return super().restore_db_instance_from_db_snapshot(*args, **kwargs)

    def restore_db_instance_to_point_in_time(self, *args: Any, **kwargs: Any) -> DBInstance:  # noqa: ANN401 - moto's
        """Restore an instance; PostgreSQL starts in the background."""
        with self._bearing(RESTORED_TO_A_TIME):
            return super().restore_db_instance_to_point_in_time(*args, **kwargs)

    @contextmanager
    def _bearing(self, born: RdsEvent) -> Iterator[None]:
        """What is created meanwhile came to be that way; calls of RDS come one at a time."""
        self._born = born
        try:
            yield
        finally:
            self._born = CREATED

    def modify_db_instance(self, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        """Modify an available instance.

        Raises:
            RDSClientError: InvalidDBInstanceState, or InvalidParameterValue for the password.
        """
        instance = self.describe_db_instances(db_instance_identifier)[0]
        if instance.status != "available":
            raise RDSClientError("InvalidDBInstanceState", _NOT_AVAILABLE)
        password = db_kwargs.get("master_user_password")
        if password is not None:
            check_password(instance.engine, str(password))
        instance = super().modify_db_instance(db_instance_identifier, db_kwargs)
        if password is not None and isinstance(instance, Instance):
            instance.change_password(str(password))
        return instance

    def delete_db_instance(self, db_instance_identifier: str, *args: Any, **kwargs: Any) -> DBInstance:  # noqa: ANN401 - moto's
        """Delete an instance and its server."""
        instance = super().delete_db_instance(db_instance_identifier, *args, **kwargs)
        if isinstance(instance, Instance):
            instance.submit(lambda: FLEET.remove(instance.dbi_resource_id), "deleting")
        tell(instance, DELETED)
        return instance

    def stop_db_instance(self, db_instance_identifier: str, db_snapshot_identifier: str | None = None) -> DBInstance:
        """Stop the server and keep its data."""
        instance = super().stop_db_instance(db_instance_identifier, db_snapshot_identifier)
        server = instance.server if isinstance(instance, Instance) else None
        if server is not None and isinstance(instance, Instance):

            def job() -> None:
                server.stop(keep=True)
                tell(instance, STOPPED)

            instance.submit(job, "failed")
        return instance

    def start_db_instance(self, db_instance_identifier: str) -> DBInstance:
        """Start the server on the data that it had."""
        instance = super().start_db_instance(db_instance_identifier)
        server = instance.server if isinstance(instance, Instance) else None
        if server is not None and isinstance(instance, Instance):
            instance.status = "starting"

            def job() -> None:
                server.start()
                instance.port, instance.status = server.port, "available"
                tell(instance, STARTED)

            instance.submit(job, "failed")
        return instance

    def reboot_db_instance(self, db_instance_identifier: str) -> DBInstance:
        """Restart the server.

        Raises:
            InvalidDBInstanceStateError: the instance is not available.
        """
        instance = self.describe_db_instances(db_instance_identifier)[0]
        if instance.status != "available":
            raise InvalidDBInstanceStateError(db_instance_identifier, "reboot")
        self.stop_db_instance(db_instance_identifier)
        return self.start_db_instance(db_instance_identifier)


def _public_by_default(asked: Mapping[str, Any]) -> bool:
    """What PubliclyAccessible is where the caller does not say it."""
    group = asked.get("db_subnet_group_name")
    of_aurora = asked.get("db_cluster_identifier") is not None
    return group == "default" or (group is None and not of_aurora)


def _check_storage(asked: Mapping[str, Any]) -> None:
    """Refuse less storage than the storage type has.

    Raises:
        RDSClientError: InvalidParameterValue.
    """
    engine, allocated = str(asked.get("engine")), asked.get("allocated_storage")
    storage = str(asked.get("storage_type") or ("io1" if asked.get("iops") else "gp3"))
    least = _LEAST_STORAGE.get(storage, {"": 0})
    if allocated is not None and int(allocated) < least.get(engine.partition("-")[0], least[""]):
        raise RDSClientError(
            "InvalidParameterValue",
            f"Invalid storage size for engine name {engine} and storage type {storage}: {allocated}",
        )
