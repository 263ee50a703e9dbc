"""List the variables of `rds` components that mean something here.

They are those of tf-atmos's component and of the common Terraform modules for Aurora.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field, create_model

from secrets_pipeline.desired.base import ManifestMap, unlisted
from secrets_pipeline.desired.database.parameters import MOST_CAPACITY, MOST_STORAGE, PASSED_ON, USUAL_STORAGE
from secrets_pipeline.desired.reading.keys import CommonVariables, Tags

MOST_INSTANCES: Final = 16
PORTS: Final = (1150, 65535)
_COUNT: Final = f"Aurora: number of instances, up to {MOST_INSTANCES}."
_REFERENCE: Final = "A secret of this stack: `!terraform.state secretsmanager generated_passwords.<key>`."
NEW_DATABASE: Final = {
    "publicly_accessible": "`false`",
    "storage_encrypted": "`true`",
    "deletion_protection": "`true` in production",
}
"""Variable → what a database that is made here has if its component does not set it."""


class ServerlessCapacity(ManifestMap):
    """Capacity of `db.serverless` instances in units of Aurora, in steps of a half."""

    min_capacity: float | None = Field(default=None, ge=0, le=MOST_CAPACITY, description="`MinCapacity`.")
    max_capacity: float | None = Field(default=None, ge=0, le=MOST_CAPACITY, description="`MaxCapacity`.")


class _Own(CommonVariables):
    context_name: str | None = Field(
        default=None, description="Begins the identifier of a database that is made here and has no other one."
    )
    tenant: str | None = Field(default=None, description="Same, where there is no `context_name`.")
    identifier: str | None = Field(
        default=None,
        description="DB instance identifier, where `settings.secrets_pipeline.identifier` is not set. For `create: "
        "true`, the default is `CONTEXT-ENVIRONMENT-COMPONENT`.",
    )
    cluster_identifier: str | None = Field(default=None, description="Aurora: the cluster's identifier.")
    engine: str | None = Field(
        default=None,
        description="RDS engine; `aurora-postgresql` and `aurora-mysql` are clusters. Needed to make one.",
        examples=["postgres", "mysql", "mariadb", "aurora-postgresql"],
    )
    engine_version: str | None = Field(default=None, description="Its version, in quotes.", examples=["16.4"])
    instance_class: str | None = Field(default=None, description="Class of the instance or instances.")
    cluster_instance_class: str | None = unlisted("Same as `instance_class`.")
    instance_type: str | None = unlisted("Same as `instance_class`.")
    instance_count: int = Field(default=1, ge=1, le=MOST_INSTANCES, description=_COUNT)
    cluster_size: int | None = unlisted("Same as `instance_count`.", ge=1, le=MOST_INSTANCES)
    allocated_storage: int | None = Field(
        default=None,
        ge=1,
        le=MOST_STORAGE,
        description=f"Storage in GiB; by default {USUAL_STORAGE} or what the type takes.",
    )
    db_name: str | None = Field(default=None, description="Name of the first database.")
    database_name: str | None = unlisted("Same as `db_name`.")
    port: int | None = Field(default=None, ge=PORTS[0], le=PORTS[1], description="Port; by default the engine's.")
    username: str | None = Field(default=None, description="Master user. Needed to make one.")
    master_username: str | None = unlisted("Same as `username`.")
    password: str | None = Field(default=None, description=f"Master password: {_REFERENCE[0].lower()}{_REFERENCE[1:]}")
    master_password: str | None = unlisted("Same as `password`.")
    manage_master_user_password: bool = Field(
        default=False,
        description="`true` lets RDS keep the master password in a secret of its own; instead of `password`.",
    )
    tags: Tags | None = Field(default=None, description="Tags of the database.")
    db_cluster_instance_class: Any = unlisted("Of Multi-AZ DB clusters of plain engines, which are not supported.")
    serverlessv2_scaling_configuration: ServerlessCapacity | None = Field(
        default=None, description="Aurora: capacity of `db.serverless` instances."
    )


def _described(variable: str, parameter: str) -> str:
    new = f" A database that is made here has {NEW_DATABASE[variable]} by default." if variable in NEW_DATABASE else ""
    return f"`{parameter}` of RDS.{new}"


_PASSED_ON: Final[dict[str, Any]] = {
    variable: (
        kind | None,
        Field(default=None, ge=0 if kind is int else None, description=_described(variable, parameter)),
    )
    for variable, (kind, parameter) in PASSED_ON.items()
}
RdsVariables: Final = create_model(
    "RdsVariables",
    __base__=_Own,
    __doc__="Variables of an `rds` component that is made here or that secrets need; others are Terraform's.",
    **_PASSED_ON,
)
