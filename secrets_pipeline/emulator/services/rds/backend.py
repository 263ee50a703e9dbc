"""Replace moto's RDS backend."""

from __future__ import annotations

from types import ModuleType

from moto.rds import models as moto_models
from moto.rds import urls as moto_urls
from moto.rds.models import rds_backends

from secrets_pipeline.emulator.services.rds.cluster import Cluster, ClusterCalls, ClusterInstance
from secrets_pipeline.emulator.services.rds.fleet import FLEET
from secrets_pipeline.emulator.services.rds.instance import Instance, InstanceCalls
from secrets_pipeline.emulator.services.rds.managed import ManagedSecret


class EmulatedRdsBackend(ClusterCalls, InstanceCalls):
    """RDS that runs what it records."""

    SERVICE_NAMESPACE = "rds"

    @property
    def _url_module(self) -> ModuleType:
        return moto_urls

    def reset(self) -> None:
        """Forget everything; no server outlives its instance."""
        super().reset()
        FLEET.stop()


def stop_servers() -> None:
    """Stop every PostgreSQL and wait."""
    FLEET.stop()


def install() -> None:
    """Put these classes in the place of moto's."""
    moto_models.DBInstance = Instance  # type: ignore[misc] # the class that create_db_instance instantiates
    moto_models.DBInstanceClustered = ClusterInstance  # type: ignore[misc] # the same
    moto_models.DBCluster = Cluster  # type: ignore[misc] # the same
    moto_models.MasterUserSecret = ManagedSecret  # type: ignore[misc] # the same
    rds_backends.backend = EmulatedRdsBackend
