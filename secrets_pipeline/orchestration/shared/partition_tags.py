"""Tag the runs that the UI makes of a job with the account of their stack, by which a deployment limits them.

The launchpad and the backfill of a job ask the code server for the tags of a partition. "Materialize" over assets, and
their backfills, belong to a job of Dagster's own that has none.
Source: https://docs.dagster.io/api/dagster/partitions (`tags_for_partition_key_fn`)
"""

import os
from collections.abc import Mapping
from typing import TypeAlias

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.repository_cache import REPOSITORIES, Place
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.orchestration.shared.run_requests import account_tags
from secrets_pipeline.stacks.sources.source import STANDARD_INPUT

PartitionTags: TypeAlias = dg.PartitionedConfig[dg.DynamicPartitionsDefinition]


def partition_tags(names: Names, asked: Asked) -> PartitionTags:
    """Make the config of a job whose partitions have tags and no configuration.

    Args:
        names: of the code location.
        asked: where the stacks come from.
    """

    def tags(stack: str) -> Mapping[str, str]:
        base_path, origin = asked.source(os.environ)
        if asked.desired is None and origin.file == STANDARD_INPUT:
            return {}
        try:
            desired = asked.desired or REPOSITORIES.open(Place(base_path, origin, asked.settings_file))
        except SecretsPipelineError:
            # Without a tag it can be launched, and the run says why.
            return {}
        return account_tags(desired, stack)

    return dg.PartitionedConfig(
        names.partitions, run_config_for_partition_key_fn=lambda _stack: {}, tags_for_partition_key_fn=tags
    )
