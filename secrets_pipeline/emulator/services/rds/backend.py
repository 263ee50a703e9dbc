"""Replace moto's RDS backend."""

from __future__ import annotations

from moto.rds import models as moto_models
from moto.rds.exceptions import InvalidDBClusterStateFault, RDSClientError
from moto.rds.models import rds_backends

from secrets_pipeline.emulator.services.rds import service_role
from secrets_pipeline.emulator.services.rds.background import Background
from secrets_pipeline.emulator.services.rds.cluster import Cluster, ClusterCalls, ClusterInstance
from secrets_pipeline.emulator.services.rds.fleet import FLEET
from secrets_pipeline.emulator.services.rds.instance import Instance, InstanceCalls
from secrets_pipeline.emulator.services.rds.managed import ManagedSecret


class EmulatedRdsBackend(ClusterCalls, InstanceCalls):
    """RDS that runs what it records."""

    def add_tags_to_resource(self, arn: str, tags: list[dict[str, str]]) -> list[dict[str, str]]:
        """Tag what is in a state that lets it be tagged."""
        self._require_taggable(arn)
        return super().add_tags_to_resource(arn, tags)

    def remove_tags_from_resource(self, arn: str, tag_keys: list[str]) -> None:
        """Take tags off what is in a state that lets it be tagged."""
        self._require_taggable(arn)
        super().remove_tags_from_resource(arn, tag_keys)

    def _require_taggable(self, arn: str) -> None:
        """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddTagsToResource.html (Errors)."""
        name = arn.rpartition(":")[2].lower()
        found = self.clusters.get(name) if ":cluster:" in arn else self.databases.get(name) if ":db:" in arn else None
        if not isinstance(found, Background) or found.takes_tags:
            return
        if isinstance(found, Cluster):
            raise InvalidDBClusterStateFault(f"DB cluster {name} is not in available state.")
        raise RDSClientError("InvalidDBInstanceState", f"DB instance {name} is not in available state.")

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
    service_role.install()
