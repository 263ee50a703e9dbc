"""Say where each asset stands: its group in the graph, its place in a run, and what `dg.asset` is told of that."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypedDict

import dagster as dg

from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.orchestration.shared.names import ACCESS_MATRIX, Names

STACK_CONFIG: Final = "stack_config"
GENERATED: Final = "generated_passwords"
STACK_REPORT: Final = "stack_report"

ASSETS: Final = (STACK_CONFIG, GENERATED, *STAGES, ACCESS_MATRIX, STACK_REPORT)
"""In the order in which a run executes them."""
LAST_STAGES: Final = tuple(name for name in STAGES if not any(name in other.upstream for other in STAGES.values()))
"""The stages that no other takes results of: whoever is downstream of them is downstream of all."""
GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        STACK_CONFIG: "declaration",
        GENERATED: "values",
        **{name: stage.group for name, stage in STAGES.items()},
        ACCESS_MATRIX: "access",
        STACK_REPORT: "delivery",
    }
)


class AssetOptions(TypedDict):
    """Keyword arguments of `dg.asset`."""

    key: dg.AssetKey
    partitions_def: dg.PartitionsDefinition[str]
    group_name: str
    op_tags: Mapping[str, str]


def options(names: Names, asset: str) -> AssetOptions:
    """Return those of one asset.

    Its dependencies are lineage alone; the priority of its step keeps the order of `ASSETS` in a run, as the in-process
    executor takes the step of the highest priority whose inputs are there.
    Source: https://docs.dagster.io/guides/build/ops/op-graphs (`dagster/priority`)
    """
    return {
        "key": names.asset(asset),
        "partitions_def": names.partitions,
        "group_name": names.of(GROUPS[asset]),
        "op_tags": {"dagster/priority": str(len(ASSETS) - ASSETS.index(asset))},
    }
