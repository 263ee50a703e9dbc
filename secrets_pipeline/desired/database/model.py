"""Define the desired state of a database: an RDS instance or an Aurora cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secrets_pipeline.desired.base import Late, SecretRef, Spec
from secrets_pipeline.desired.engines import is_cluster


class DatabaseSpec(Spec):
    """An RDS instance, or an Aurora cluster where the engine is one of Aurora's.

    Attributes:
        component: the `rds` component.
        identifier: DBInstanceIdentifier or DBClusterIdentifier.
        engine: RDS engine name, for example `postgres`.
        instance_count: instances of a cluster, the writer among them.
        username: MasterUsername; for a database that is found, an expression where the YAML does not say it.
        password: the secret whose generated password is the master password; None where RDS manages it.
        manage_master_user_password: RDS owns the secret; it is read, never written.
        create: whether the stack asks us to create it.
        parameters: further parameters of CreateDBInstance or CreateDBCluster under their API names, for example
            `MultiAZ`.
        instance_parameters: further parameters of CreateDBInstance for each instance of a cluster.
        defaults: variables that the YAML leaves open, and what the parameters say for them; an existing database keeps
            what it has.
    """

    component: str
    identifier: str
    engine: str
    engine_version: str | None = None
    instance_class: str = "db.t4g.micro"
    instance_count: int = 1
    allocated_storage: int = 20
    db_name: str | None = None
    port: int | None = None
    username: Late
    password: SecretRef | None = None
    manage_master_user_password: bool = False
    create: bool = False
    tags: Mapping[str, str] = {}
    parameters: Mapping[str, Any] = {}
    instance_parameters: Mapping[str, Any] = {}
    defaults: Mapping[str, bool] = {}

    @property
    def is_cluster(self) -> bool:
        """Whether it is an Aurora cluster, not a single instance."""
        return is_cluster(self.engine)

    @property
    def member_identifiers(self) -> tuple[str, ...]:
        """Identifiers that a cluster gives its instances, as the common Terraform modules do."""
        return tuple(f"{self.identifier}-{number}" for number in range(1, self.instance_count + 1))

    @property
    def noun(self) -> str:
        """What it is, in messages."""
        return "Aurora cluster" if self.is_cluster else "RDS instance"
