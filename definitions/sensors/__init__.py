"""The sensors."""

from collections.abc import Mapping

from definitions.jobs import follow_rotation, plan, provision, verify
from definitions.sensors.rotation_events import Job, rotation_event_sensor_for
from definitions.sensors.run_failures import run_failure_alerts
from definitions.sensors.stack_partitions import stack_partitions
from secrets_pipeline.rotation.events import Kind

EVENT_JOBS: Mapping[Kind, Job] = {
    Kind.ROTATED: follow_rotation,
    Kind.FAILED: verify,
    Kind.TAMPERED: plan,
    Kind.KEY_CHANGED: plan,
    Kind.DATABASE: provision,
}
"""The job that answers each kind of event."""

rotation_event_sensor = rotation_event_sensor_for(EVENT_JOBS)

SENSORS = (stack_partitions, rotation_event_sensor, run_failure_alerts)

__all__ = ["EVENT_JOBS", "SENSORS", "rotation_event_sensor", "run_failure_alerts", "stack_partitions"]
