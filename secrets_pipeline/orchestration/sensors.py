"""List the sensors of the code location, and decide which job answers which kind of event (`EVENT_JOBS`)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import dagster as dg

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.orchestration.access.narrow_op import ON_OUTSIDE_CHANGE
from secrets_pipeline.orchestration.access.verify_op import ON_ACCESS_CHANGE
from secrets_pipeline.orchestration.ended_runs.sensor import ended_runs_sensor_for
from secrets_pipeline.orchestration.leases.sensors import abandoned_run_sensor_for
from secrets_pipeline.orchestration.polling.sensor import aws_polling_sensor_for
from secrets_pipeline.orchestration.provisioning.jobs import ON_DATABASE_CHANGE, ON_ROTATION, PROVISION_JOB
from secrets_pipeline.orchestration.published.reporting import Publishing
from secrets_pipeline.orchestration.rotation.event_sensor import rotation_event_sensor_for
from secrets_pipeline.orchestration.rotation.repair_op import ON_ROTATION_FAILURE
from secrets_pipeline.orchestration.rotation.rotate_op import ROTATE_JOB
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.run_requests import Job
from secrets_pipeline.orchestration.stacks.sensors import stack_change_sensor_for
from secrets_pipeline.orchestration.verification.jobs import VERIFY_JOB
from secrets_pipeline.orchestration.verification.schedules import VERIFICATION_SCHEDULE
from secrets_pipeline.rotation.events.hints import HintKind

EVENT_JOBS: Final[Mapping[HintKind, str]] = {
    HintKind.ROTATED: ON_ROTATION,
    HintKind.FAILED: ON_ROTATION_FAILURE,
    HintKind.TAMPERED: ON_OUTSIDE_CHANGE,
    HintKind.KEY_CHANGED: ON_OUTSIDE_CHANGE,
    HintKind.DATABASE: ON_DATABASE_CHANGE,
    HintKind.ACCESS: ON_ACCESS_CHANGE,
}
"""The job that answers each kind of event; none of them applies a change of the YAML that waits to be applied."""

LEASED_JOBS: Final = frozenset(
    {PROVISION_JOB, ON_ROTATION, ON_DATABASE_CHANGE, ROTATE_JOB, ON_OUTSIDE_CHANGE, ON_ROTATION_FAILURE}
)
"""The jobs whose runs hold the lease of their stack, as all assets do."""


def event_jobs(names: Names, jobs: Iterable[Job]) -> Mapping[HintKind, Job]:
    """Return the job that answers each kind of event."""
    by_name = {job.name: job for job in jobs}
    return {kind: by_name[names.of(job)] for kind, job in EVENT_JOBS.items()}


def sensors(
    names: Names,
    jobs: Iterable[Job],
    own: Own,
    *,
    settings: OperatorSettings | None,
    publishing: Publishing | None = None,
    retire_many: bool,
) -> list[dg.SensorDefinition]:
    """Define the sensors that have something to do.

    Args:
        names: of the code location.
        jobs: all of it.
        own: what belongs to it.
        settings: the operator's as the code location loads; None if they cannot be read, which defines all sensors.
        publishing: reports new versions of published secrets; None if none is published.
        retire_many: whether more than half of the partitions may be retired at once.
    """
    by_name = {job.name: job for job in jobs}
    answering = event_jobs(names, by_name.values())
    verify = by_name[names.of(VERIFY_JOB)]
    leased = replace(own, jobs=frozenset(map(names.of, LEASED_JOBS)), checks=frozenset())
    by_events = settings is None or settings.events is not None
    made: list[dg.SensorDefinition] = []
    made += [
        stack_change_sensor_for(names, by_name[names.of(PROVISION_JOB)], retire_many=retire_many),
        *([rotation_event_sensor_for(names, answering)] if by_events else []),
        aws_polling_sensor_for(names, answering, verify, by_events=by_events),
        ended_runs_sensor_for(
            names,
            own,
            list(by_name.values()),
            watchers=lambda: watchers(names, made),
            publishing=publishing,
        ),
        abandoned_run_sensor_for(names, leased),
    ]
    return made


def watchers(names: Names, sensors_made: Iterable[dg.SensorDefinition]) -> frozenset[str]:
    """Return the names of sensors and schedules that have to tick while all is well.

    Args:
        names: of the code location.
        sensors_made: its sensors.
    """
    return frozenset({names.of(VERIFICATION_SCHEDULE), *(one.name for one in sensors_made)})
