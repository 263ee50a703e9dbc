"""Read variables of an `rds` component that go into a request as they are, under their API names.

Variables are those of aws_db_instance, aws_rds_cluster and aws_rds_cluster_instance; parameters as in
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html and
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from secrets_pipeline.desired.reading.inputs import Inputs, found_kind


@dataclass(frozen=True, slots=True)
class _Request:
    """Variable → parameter, by type."""

    texts: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)

    def read(self, inputs: Inputs, defaults: Mapping[str, bool]) -> dict[str, Any]:
        """The parameters that the component sets, and those of the defaults that go into this request."""
        found: dict[str, Any] = {
            **{name: defaults[key] for key, name in self.flags.items() if key in defaults},
            **{name: inputs.text(key) for key, name in self.texts.items()},
            **{name: inputs.integer(key) for key, name in self.numbers.items()},
            **{name: inputs.boolean(key, default=False) for key, name in self.flags.items() if inputs.has(key)},
            **{name: list(inputs.texts(key)) or None for key, name in self.lists.items()},
        }
        return {name: value for name, value in found.items() if value is not None}


_SHARED_TEXTS = {
    "backup_window": "PreferredBackupWindow",
    "db_subnet_group_name": "DBSubnetGroupName",
    "kms_key_id": "KmsKeyId",
    "maintenance_window": "PreferredMaintenanceWindow",
    "storage_type": "StorageType",
}
_SHARED_FLAGS = {
    "copy_tags_to_snapshot": "CopyTagsToSnapshot",
    "deletion_protection": "DeletionProtection",
    "iam_database_authentication_enabled": "EnableIAMDatabaseAuthentication",
    "storage_encrypted": "StorageEncrypted",
}
_SHARED_LISTS = {
    "enabled_cloudwatch_logs_exports": "EnableCloudwatchLogsExports",
    "vpc_security_group_ids": "VpcSecurityGroupIds",
}
_INSTANCE = _Request(
    texts={
        **_SHARED_TEXTS,
        "availability_zone": "AvailabilityZone",
        "ca_cert_identifier": "CACertificateIdentifier",
        "parameter_group_name": "DBParameterGroupName",
    },
    numbers={
        "backup_retention_period": "BackupRetentionPeriod",
        "iops": "Iops",
        "max_allocated_storage": "MaxAllocatedStorage",
        "storage_throughput": "StorageThroughput",
    },
    flags={
        **_SHARED_FLAGS,
        "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
        "multi_az": "MultiAZ",
        "publicly_accessible": "PubliclyAccessible",
    },
    lists=_SHARED_LISTS,
)
_CLUSTER = _Request(
    texts={**_SHARED_TEXTS, "db_cluster_parameter_group_name": "DBClusterParameterGroupName"},
    numbers={"backup_retention_period": "BackupRetentionPeriod"},
    flags=_SHARED_FLAGS,
    lists=_SHARED_LISTS,
)
_MEMBER = _Request(
    texts={"ca_cert_identifier": "CACertificateIdentifier", "parameter_group_name": "DBParameterGroupName"},
    flags={"auto_minor_version_upgrade": "AutoMinorVersionUpgrade", "publicly_accessible": "PubliclyAccessible"},
)
PASSED_ON: Final[Mapping[str, tuple[Any, str]]] = {
    variable: (kind, parameter)
    for request in (_INSTANCE, _CLUSTER, _MEMBER)
    for kind, table in (
        (str, request.texts),
        (int, request.numbers),
        (bool, request.flags),
        (list[str], request.lists),
    )
    for variable, parameter in table.items()
}
"""Variable → its type, and the parameter of RDS's API that it becomes."""
_LEAST_STORAGE: Mapping[str, Mapping[str, int]] = {
    "standard": {"oracle": 10, "sqlserver": 20, "": 5},
    "io1": {"": 100},
    "io2": {"": 100},
}
"""Storage type → family of engines → least AllocatedStorage; `USUAL_STORAGE` for any other type."""
USUAL_STORAGE, MOST_STORAGE = 20, 65536
SERVERLESS: Final = "serverlessv2_scaling_configuration"
CAPACITIES: Final = {"min_capacity": "MinCapacity", "max_capacity": "MaxCapacity"}
MOST_CAPACITY: Final = 256


def safe_defaults(inputs: Inputs, *, protected: bool) -> dict[str, bool]:
    """Flags that the component leaves open, and what a new database gets; RDS's own are public and unencrypted."""
    safe = {"publicly_accessible": False, "storage_encrypted": True}
    if protected:
        safe["deletion_protection"] = True
    return {key: value for key, value in safe.items() if not inputs.has(key)}


def instance_parameters(inputs: Inputs, defaults: Mapping[str, bool]) -> dict[str, Any]:
    """Further parameters of CreateDBInstance."""
    return _INSTANCE.read(inputs, defaults)


def cluster_parameters(inputs: Inputs, defaults: Mapping[str, bool]) -> dict[str, Any]:
    """Further parameters of CreateDBCluster."""
    return {**_CLUSTER.read(inputs, defaults), **_serverless(inputs)}


def member_parameters(inputs: Inputs, defaults: Mapping[str, bool]) -> dict[str, Any]:
    """Further parameters of CreateDBInstance for each instance of a cluster."""
    return _MEMBER.read(inputs, defaults)


def allocated_storage(inputs: Inputs, engine: str) -> int:
    """AllocatedStorage in GiB, at least what the storage type and the engine take."""
    storage = inputs.text("storage_type") or ("io1" if inputs.has("iops") else "gp3")
    family, by_family = engine.partition("-")[0], _LEAST_STORAGE.get(storage, {})
    least = by_family.get(family, by_family.get("", USUAL_STORAGE))
    given = inputs.integer("allocated_storage", least=1, most=MOST_STORAGE)
    if given is not None and given < least:
        inputs.error(
            "allocated_storage",
            f"allocated_storage is {given}, and {storage} begins with {least} GiB for {engine}",
            f"Write a number from {least} to {MOST_STORAGE}.",
        )
    return given or max(least, USUAL_STORAGE)


def _serverless(inputs: Inputs) -> dict[str, Any]:
    """Capacity of `db.serverless` instances, in steps of half a unit."""
    if not inputs.has(SERVERLESS):
        return {}
    entry = inputs.inputs(SERVERLESS)
    entry.refuse_unknown(frozenset(CAPACITIES))
    found: dict[str, float] = {}
    for key, name in CAPACITIES.items():
        value = entry.known(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_CAPACITY:
            said = value if isinstance(value, int | float) and not isinstance(value, bool) else found_kind(value)
            entry.error(key, f"{key} is {said}", f"Write a number from 0 to {MOST_CAPACITY}, for example 0.5.")
        else:
            found[name] = float(value)
    return {"ServerlessV2ScalingConfiguration": found} if found else {}
