"""What daemons, sensors and schedules leave in Dagster's storage, without running them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG

SKIPPED, FAILURE, STARTED = TickStatus.SKIPPED, TickStatus.FAILURE, TickStatus.STARTED
_ENDS = {
    dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterRunStatus.FAILURE: dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterRunStatus.QUEUED: dg.DagsterEventType.RUN_ENQUEUED,
    dg.DagsterRunStatus.STARTING: dg.DagsterEventType.RUN_STARTING,
}


def beat(instance: dg.DagsterInstance, at: float) -> None:
    """Every daemon that the instance needs sends a heartbeat."""
    for kind in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(at, kind, "id", None))


def sensor(
    instance: dg.DagsterInstance,
    name: str,
    ticks: Mapping[float, TickStatus],
    *,
    interval: int = 30,
    status: InstigatorStatus = InstigatorStatus.DECLARED_IN_CODE,
    started_at: float | None = None,
    location: str = "secrets_pipeline",
) -> None:
    """A sensor as the daemon writes it down, with its ticks."""
    data = SensorInstigatorData(min_interval=interval, last_sensor_start_timestamp=started_at)
    origin = RemoteInstigatorOrigin(_repository(location), name)
    _write(instance, InstigatorState(origin, InstigatorType.SENSOR, status, data), ticks)


def schedule(
    instance: dg.DagsterInstance, name: str, ticks: Mapping[float, TickStatus], *, cron: str = "*/15 * * * *"
) -> None:
    """A schedule as the daemon writes it down, with its ticks."""
    data = ScheduleInstigatorData(cron, start_timestamp=None)
    origin, status = RemoteInstigatorOrigin(_repository("secrets_pipeline"), name), InstigatorStatus.DECLARED_IN_CODE
    _write(instance, InstigatorState(origin, InstigatorType.SCHEDULE, status, data), ticks)


def run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    at: float,
    *,
    job: str = "verify",
    stack: str = "a-dev",
    **more: Any,  # noqa: ANN401 - of Dagster's run
) -> str:
    """A run that was made and came to a status at a moment."""
    instance.add_dynamic_partitions(PLAIN.of("stacks"), [stack])
    tags = {PARTITION_TAG: stack, **more.pop("tags", {})}
    launched = RemoteJobOrigin(_repository("here"), job)
    made = dg.DagsterRun(job, run_id=str(uuid.uuid4()), tags=tags, remote_job_origin=launched, **more)
    instance.run_storage.add_historical_run(made, datetime.fromtimestamp(at, UTC))
    kind = _ENDS[status]
    event = dg.DagsterEvent(kind.value, job, message=kind.value)
    instance.run_storage.handle_run_event(made.run_id, event, datetime.fromtimestamp(at, UTC))
    return made.run_id


def _write(instance: dg.DagsterInstance, state: InstigatorState, ticks: Mapping[float, TickStatus]) -> None:
    known = instance.get_instigator_state(state.instigator_origin_id, state.selector_id)
    (instance.update_instigator_state if known else instance.add_instigator_state)(state)
    made = partial(
        TickData,
        state.instigator_origin_id,
        state.instigator_name,
        state.instigator_type,
        selector_id=state.selector_id,
    )
    for at, tick in sorted(ticks.items()):
        error = SerializableErrorInfo("it failed", [], "Exception") if tick is FAILURE else None
        instance.create_tick(made(status=tick, timestamp=at, error=error))


def _repository(location: str) -> RemoteRepositoryOrigin:
    where = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=4000, location_name=location)
    return RemoteRepositoryOrigin(where, "__repository__")
