"""Define the arguments of `dg.asset` that all assets share: partitions and group."""

from typing import TypedDict

import dagster as dg

from secrets_pipeline.orchestration.shared.partitions import STACKS


class AssetOptions(TypedDict):
    """Keyword arguments of `dg.asset`."""

    partitions_def: dg.PartitionsDefinition[str]
    group_name: str


OPTIONS: AssetOptions = {"partitions_def": STACKS, "group_name": "provision"}
