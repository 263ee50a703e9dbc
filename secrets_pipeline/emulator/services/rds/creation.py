"""Judge and complete what CreateDBInstance is asked, as RDS does.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.rds.exceptions import RDSClientError

_LEAST_STORAGE: Mapping[str, Mapping[str, int]] = {
    "standard": {"oracle": 10, "sqlserver": 20, "": 5},
    "io1": {"": 100},
    "io2": {"": 100},
    "gp2": {"": 20},
    "gp3": {"": 20},
}
"""Storage type → family of engines → least AllocatedStorage, in GiB."""


def public_by_default(asked: Mapping[str, Any]) -> bool:
    """What PubliclyAccessible is where the caller does not say it."""
    group = asked.get("db_subnet_group_name")
    of_aurora = asked.get("db_cluster_identifier") is not None
    return group == "default" or (group is None and not of_aurora)


def check_storage(asked: Mapping[str, Any]) -> None:
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
