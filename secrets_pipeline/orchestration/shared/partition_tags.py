"""Give the runs that the UI makes of a job the tags of their stack, and the launchpad what it begins with.

By the account in the tags a deployment limits them.

The launchpad and the backfill of a job ask the code server for the tags of a partition. "Materialize" over assets, and
their backfills, belong to a job of Dagster's own that has none.
Source: https://docs.dagster.io/api/dagster/partitions (`tags_for_partition_key_fn`)
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import dagster as dg

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.operations.repository_cache import REPOSITORIES, Place
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.orchestration.shared.run_requests import account_tags
from secrets_pipeline.stacks.sources.source import STANDARD_INPUT

PartitionTags: TypeAlias = dg.PartitionedConfig[dg.DynamicPartitionsDefinition]

KEPT_SECONDS = 1.0
"""What was read is used that long: a backfill asks for many partitions in one call, for which it gives a minute."""


def no_config(_spec: StackSpec) -> Mapping[str, Any]:
    """Return the run configuration of a job that has none."""
    return {}


def partition_tags(
    names: Names, asked: Asked, config: Callable[[StackSpec], Mapping[str, Any]] = no_config
) -> PartitionTags:
    """Make the config of a job: the tags of its partitions, and what the launchpad shows when one is chosen.

    Args:
        names: of the code location.
        asked: where the stacks come from.
        config: makes the run configuration of a stack.
    """
    read = RepositoryReader(asked)

    def run_config(stack: str) -> Mapping[str, Any]:
        desired = read()
        spec = desired.specs.get(stack) if desired else None
        return config(spec) if spec else {}

    def tags(stack: str) -> Mapping[str, str]:
        desired = read()
        return account_tags(desired, stack) if desired else {}

    return dg.PartitionedConfig(
        names.partitions, run_config_for_partition_key_fn=run_config, tags_for_partition_key_fn=tags
    )


class RepositoryReader:
    """Reads the repository, and looks again after a while whether it changed.

    Args:
        asked: where the stacks come from.
        asks_atmos: whether the `atmos` command may be run for it.
    """

    def __init__(self, asked: Asked, *, asks_atmos: bool = True) -> None:
        self._asked = asked
        self._asks_atmos = asks_atmos
        self._found: OpenRepository | None = None
        self._until = 0.0

    def __call__(self) -> OpenRepository | None:
        """The repository; None where it cannot be read: without a tag a run can be launched, and it says why."""
        if self._asked.desired is not None:
            return self._asked.desired
        if time.monotonic() > self._until:
            try:
                base_path, origin = self._asked.source(os.environ)
                place = Place(base_path, origin, self._asked.settings_file)
                left_out = origin.file == STANDARD_INPUT or (origin.atmos and not self._asks_atmos)
                self._found = None if left_out else REPOSITORIES.open(place)
            except SecretsPipelineError:
                self._found = None
            self._until = time.monotonic() + KEPT_SECONDS
        return self._found
