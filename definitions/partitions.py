"""One partition a stack; the sensor and the command line keep the keys in step with the YAML."""

from collections.abc import Iterable

import dagster as dg

from secrets_pipeline.errors import SpecError

STACKS = dg.DynamicPartitionsDefinition(name="stacks")
PARTITION_TAG = "dagster/partition"


def check_key(stack: str) -> str:
    """The partition key of a stack, which is its name.

    Raises:
        SpecError: if the name could leave its folder in a store.
    """
    if not stack or "/" in stack or "\\" in stack or ".." in stack or not stack.isprintable():
        raise SpecError(
            f"stack name {stack!r} cannot be a partition key",
            remedy="Use a name without slashes, `..` and control characters.",
        )
    return stack


def add_missing(instance: dg.DagsterInstance, stacks: Iterable[str]) -> tuple[str, ...]:
    """Add the keys that the instance does not know.

    Returns:
        The added keys.
    """
    known = set(instance.get_dynamic_partitions(str(STACKS.name)))
    missing = tuple(check_key(stack) for stack in stacks if stack not in known)
    if missing:
        instance.add_dynamic_partitions(str(STACKS.name), missing)
    return missing
