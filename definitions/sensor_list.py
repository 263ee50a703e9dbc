"""The sensors."""

from collections.abc import Mapping

import dagster as dg

from definitions.healing import heal
from definitions.mending import mend_rotation, rotation_retry_sensor
from definitions.provision_jobs import follow_endpoint, follow_rotation
from definitions.sensors.consumer_rollouts import consumer_rollout_sensor
from definitions.sensors.rds_endpoints import rds_endpoint_sensor
from definitions.sensors.rotated_secrets import rotated_secrets_sensor_for
from definitions.sensors.rotation_events import Job, rotation_event_sensor_for
from definitions.sensors.rotation_polling import rotation_polling_sensor_for
from definitions.sensors.run_failures import run_failure_alerts
from definitions.sensors.stack_changes import stack_change_sensor
from secrets_pipeline.rotation.events.hints import Kind

EVENT_JOBS: Mapping[Kind, Job] = {
    Kind.ROTATED: follow_rotation,
    Kind.FAILED: mend_rotation,
    Kind.TAMPERED: heal,
    Kind.KEY_CHANGED: heal,
    Kind.DATABASE: follow_endpoint,
}
"""The job that answers each kind of event; none of them applies a change of the YAML that waits to be applied."""

rotation_event_sensor = rotation_event_sensor_for(EVENT_JOBS)
rotation_polling_sensor = rotation_polling_sensor_for(EVENT_JOBS)
rotated_secrets_sensor = rotated_secrets_sensor_for("rotated_secrets_sensor", dg.DagsterRunStatus.SUCCESS)
rotated_in_part_sensor = rotated_secrets_sensor_for("rotated_in_part_sensor", dg.DagsterRunStatus.FAILURE)

SENSORS = (
    stack_change_sensor,
    rotation_event_sensor,
    rotation_polling_sensor,
    rds_endpoint_sensor,
    rotated_secrets_sensor,
    rotated_in_part_sensor,
    consumer_rollout_sensor,
    rotation_retry_sensor,
    run_failure_alerts,
)
