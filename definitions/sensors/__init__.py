"""The sensors."""

from definitions.sensors.stack_partitions import stack_partitions

SENSORS = (stack_partitions,)

__all__ = ["SENSORS", "stack_partitions"]
