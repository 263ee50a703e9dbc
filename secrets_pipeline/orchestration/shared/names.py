"""Decide what the definitions of one code location are called, so that several share one Dagster instance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import dagster as dg

from secrets_pipeline.errors import SpecError

NAME_VARIABLE: Final = "SECRETS_PIPELINE_NAME"
"""Names the code location for the command line, and where the component does not."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclass(frozen=True)
class Names:
    """Names of one code location: without a name of its own, each definition is called as the documentation calls it.

    Attributes:
        location: prefix of the names of jobs, sensors, schedules and of the partition set, and of asset keys.
    """

    location: str = ""

    def __post_init__(self) -> None:
        if self.location and not _NAME.fullmatch(self.location):
            raise SpecError(
                f"{self.location[:60]!a} cannot be the name of a code location",
                remedy="Use up to 41 of a-z, 0-9 and _, a letter first: the component's `name`, or "
                + NAME_VARIABLE
                + ".",
            )

    @classmethod
    def chosen(cls, name: str | None, env: Mapping[str, str]) -> Names:
        """Choose the name that the component gives, else that of the environment.

        Raises:
            SpecError: if it can be none.
        """
        return cls(env.get(NAME_VARIABLE, "") if name is None else name)

    def of(self, name: str) -> str:
        """Return what a job, sensor or schedule is called here."""
        return f"{self.location}_{name}" if self.location else name

    def without(self, name: str) -> str:
        """Return what a job of this code location is called in the documentation."""
        return name.removeprefix(f"{self.location}_") if self.location else name

    def asset(self, name: str) -> dg.AssetKey:
        """Return the key of an asset: that of a stage has the stage's name."""
        return dg.AssetKey([self.location, name] if self.location else [name])

    @cached_property
    def partitions(self) -> dg.DynamicPartitionsDefinition:
        """One partition a stack."""
        return dg.DynamicPartitionsDefinition(name=self.of("stacks"))

    def stacks(self, instance: dg.DagsterInstance) -> set[str]:
        """Return the partition keys that the instance knows."""
        return set(instance.get_dynamic_partitions(self.of("stacks")))


ATMOS_STACK: Final = "atmos_stack"
"""The external asset of what the YAML declares."""
ROTATION_EVENT_SENSOR: Final = "rotation_event_sensor"
AWS_POLLING_SENSOR: Final = "aws_polling_sensor"
"""The sensors that name each other."""
ACCESS_MATRIX: Final = "access_matrix"
"""The asset of who can read, which carries the checks of access."""
PLAIN: Final = Names()
"""Those of a code location without a name."""


def stage_of(key: dg.AssetKey) -> str:
    """Return the name of an asset without its code location's."""
    return key.path[-1]
