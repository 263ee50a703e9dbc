"""Keep one dynamic partition a stack; the sensor and the command line keep the keys in step with the YAML."""

from collections.abc import Iterable

import dagster as dg

from secrets_pipeline.desired.names import STACK_NAME_REMEDY, stack_name_problem
from secrets_pipeline.errors import SpecError
from secrets_pipeline.orchestration.shared.names import PLAIN, Names

PARTITION_TAG = "dagster/partition"


def check_key(stack: str) -> str:
    """Return the partition key of a stack, which is its name.

    Raises:
        SpecError: if the name can be none, see `stack_name_problem`.
    """
    if problem := stack_name_problem(stack):
        raise SpecError(problem, remedy=STACK_NAME_REMEDY)
    return stack


def add_missing(instance: dg.DagsterInstance, stacks: Iterable[str], names: Names = PLAIN) -> tuple[str, ...]:
    """Add the partition keys that the instance does not know.

    Args:
        instance: where.
        stacks: names of stacks.
        names: of the code location.

    Returns:
        The added keys.
    """
    known = names.stacks(instance)
    missing = tuple(check_key(stack) for stack in stacks if stack not in known)
    if missing:
        instance.add_dynamic_partitions(names.of("stacks"), missing)
    return missing
