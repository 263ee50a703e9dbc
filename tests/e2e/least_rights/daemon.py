"""The pipeline's daemon, as far as it looks at the queue of events."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.orchestration.rotation.event_sensor import rotation_event_sensor_for
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.e2e.least_rights.life import Life
from tests.orchestration.conftest import hint_jobs


@dataclass(frozen=True)
class Daemon:
    """The sensor of events, as the daemon evaluates it, and the runs that it asks for."""

    life: Life
    instance: dg.DagsterInstance

    def tick(self) -> None:
        """Look at the queue once, and begin what is asked for."""
        sensor = rotation_event_sensor_for(PLAIN, hint_jobs(), hidden_for=0)
        stacks = Stacks(self.life.repository, Sessions(), ApplyOptions(), self.life.home)
        found = sensor(dg.build_sensor_context(instance=self.instance, resources={"secrets_pipeline_stacks": stacks}))
        for request in (found.run_requests if isinstance(found, dg.SensorResult) else ()) or ():
            tags = {**request.tags, "dagster/run_key": request.run_key or "", "dagster/sensor_name": sensor.name}
            begun = dg.DagsterRunStatus.STARTED
            run = dg.DagsterRun(request.job_name or "", run_id=str(uuid.uuid4()), status=begun, tags=tags)
            self.instance.add_run(run)
