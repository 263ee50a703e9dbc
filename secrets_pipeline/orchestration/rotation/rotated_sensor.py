"""Define the sensor that follows runs of `rotate_secrets` which the daemon started: it requests `follow_rotation`.

Where the pipeline rotated by itself, the events that AWS sends are those of a write of its own, and start nothing.
"""

from collections.abc import Iterator

import dagster as dg

from secrets_pipeline.desired.followers import followers
from secrets_pipeline.orchestration.provisioning.jobs import follow_rotation
from secrets_pipeline.orchestration.rotation.rotate_op import names_of, rotate_secrets
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_commit import at_commit
from secrets_pipeline.orchestration.shared.run_requests import run_request


def rotated_secrets_sensor_for(name: str, status: dg.DagsterRunStatus) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        name: of the sensor.
        status: how the runs ended; of several secrets some were rotated where one failed.
    """

    @dg.run_status_sensor(
        name=name,
        run_status=status,
        monitored_jobs=[rotate_secrets],
        request_job=follow_rotation,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="After secrets were rotated here: renders again and refreshes what hangs on them, in every stack.",
    )
    def rotated_secrets_sensor(
        context: dg.RunStatusSensorContext, stacks: dg.ResourceParam[Stacks]
    ) -> Iterator[dg.RunRequest]:
        """Ask for a run of the stack, and of each that follows it."""
        run, names = context.dagster_run, names_of(context.dagster_run)
        stack = run.tags[PARTITION_TAG]
        for one in (stack, *followers(stacks.desired.specs, stack)) if names else ():
            yield from at_commit(
                stacks.desired, [run_request(follow_rotation.name, one, key=run.run_id, secrets=names)]
            )

    return rotated_secrets_sensor
