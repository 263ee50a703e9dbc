"""Keeps the partitions in step with the YAML."""

import dagster as dg

from definitions.partitions import STACKS, check_key
from definitions.resources import Stacks
from secrets_pipeline.errors import SpecError


@dg.sensor(
    name="stack_partitions",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Adds a partition for each new stack, and retires those whose stack left the repository.",
)
def stack_partitions(context: dg.SensorEvaluationContext, stacks: dg.ResourceParam[Stacks]) -> dg.SensorResult:
    """Compare the stacks of the repository with the partitions; a stack with errors keeps its partition."""
    desired = stacks.read()
    declared = {stack for stack in (*desired.specs, *desired.errors) if stack and _usable(context, stack)}
    known = set(context.instance.get_dynamic_partitions(str(STACKS.name)))
    # Errors that belong to no stack may hide some: nothing is retired then.
    retired = [] if "" in desired.errors else sorted(known - declared)
    added = sorted(declared - known)
    requests = [STACKS.build_add_request(added)] if added else []
    if retired:
        return dg.SensorResult(dynamic_partitions_requests=[*requests, STACKS.build_delete_request(retired)])
    return dg.SensorResult(dynamic_partitions_requests=requests)


def _usable(context: dg.SensorEvaluationContext, stack: str) -> bool:
    try:
        check_key(stack)
    except SpecError as error:
        context.log.warning(error.diagnostics())
        return False
    return True
