"""List the sensors of the code location, and decide which job answers which kind of event (`EVENT_JOBS`)."""

from collections.abc import Mapping

import dagster as dg

from secrets_pipeline.orchestration.access.narrow_op import heal
from secrets_pipeline.orchestration.alerts.sensors import run_failure_alerts
from secrets_pipeline.orchestration.consumer_rollouts.sensors import consumer_rollout_sensor
from secrets_pipeline.orchestration.databases.sensors import rds_endpoint_sensor
from secrets_pipeline.orchestration.leases.sensors import abandoned_run_sensor
from secrets_pipeline.orchestration.provisioning.jobs import follow_endpoint, follow_rotation
from secrets_pipeline.orchestration.rotation.event_sensor import Job, rotation_event_sensor_for
from secrets_pipeline.orchestration.rotation.polling_sensor import rotation_polling_sensor_for
from secrets_pipeline.orchestration.rotation.repair_op import mend_rotation, rotation_retry_sensor
from secrets_pipeline.orchestration.rotation.rotated_sensor import rotated_secrets_sensor_for
from secrets_pipeline.orchestration.stacks.sensors import stack_change_sensor
from secrets_pipeline.rotation.events.hints import HintKind

EVENT_JOBS: Mapping[HintKind, Job] = {
    HintKind.ROTATED: follow_rotation,
    HintKind.FAILED: mend_rotation,
    HintKind.TAMPERED: heal,
    HintKind.KEY_CHANGED: heal,
    HintKind.DATABASE: follow_endpoint,
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
    abandoned_run_sensor,
)
