"""The sensor of events as it is, and jobs that do nothing: that their runs are made is the point."""

import dagster as dg

from secrets_pipeline.orchestration.rotation.event_sensor import rotation_event_sensor_for
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.resources import Asked, StacksResource
from secrets_pipeline.rotation.events.hints import HintKind


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job(name="on_rotation")
def on_rotation() -> None:
    """Stands for the job that answers a rotation."""
    nothing()


@dg.job(name="on_outside_change")
def on_outside_change() -> None:
    """Stands for the job that answers tampering."""
    nothing()


_JOBS = {kind: on_rotation if kind in (HintKind.ROTATED, HintKind.DATABASE) else on_outside_change for kind in HintKind}

defs = dg.Definitions(
    jobs=[on_rotation, on_outside_change],
    sensors=[rotation_event_sensor_for(PLAIN, _JOBS, seconds_between=1, hidden_for=3, most=200)],
    resources={"secrets_pipeline_stacks": StacksResource(asked=dg.ResourceDefinition.hardcoded_resource(Asked()))},
)
