"""Define the arguments of `dg.asset` that all assets share: partitions and group."""

from typing import TypedDict

import dagster as dg

from secrets_pipeline.orchestration.shared.names import Names


class AssetOptions(TypedDict):
    """Keyword arguments of `dg.asset`."""

    key: dg.AssetKey
    partitions_def: dg.PartitionsDefinition[str]
    group_name: str


def options(names: Names, asset: str) -> AssetOptions:
    """Return those of one asset."""
    return {"key": names.asset(asset), "partitions_def": names.partitions, "group_name": names.of("provision")}
