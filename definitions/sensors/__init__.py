"""The sensors."""

from definitions.sensors.run_failures import run_failure_alerts
from definitions.sensors.stack_partitions import stack_partitions

SENSORS = (stack_partitions, run_failure_alerts)

__all__ = ["SENSORS", "run_failure_alerts", "stack_partitions"]
