"""Define the sensor that looks at AWS once a minute: rotations, databases, rollouts and dead letters, in one tick."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.polling.databases import databases_part
from secrets_pipeline.orchestration.polling.dead_letters import watch_dead_letters
from secrets_pipeline.orchestration.polling.rollouts import rollouts_part
from secrets_pipeline.orchestration.polling.rotations import rotations_part
from secrets_pipeline.orchestration.polling.tick import Found, Known, Part, Tick
from secrets_pipeline.orchestration.rotation.event_sensor import distinct, missing_partitions, with_valid_key
from secrets_pipeline.orchestration.shared.names import AWS_POLLING_SENSOR, Names
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.round_robin import in_turn
from secrets_pipeline.orchestration.shared.run_requests import Job, with_stack_tags
from secrets_pipeline.rotation.events.hints import HintKind

_KINDS = (HintKind.ROTATED, HintKind.FAILED, HintKind.DATABASE)
_LISTING_SECONDS, _SECONDS = 20.0, 30.0
"""From the start of a tick, which Dagster ends after 60 seconds: until when a list may begin, and any other look."""


def aws_polling_sensor_for(
    names: Names,
    jobs: Mapping[HintKind, Job],
    verify: Job,
    *,
    by_events: bool,
    seconds_between: int = 60,
    clock: Callable[[], float] = time.time,
) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        names: of the code location.
        jobs: which job answers a rotation, a stuck one, and a database.
        verify: the job that evaluates the check of a rollout.
        by_events: whether the code location has the sensor that follows rotations by the events of a queue.
        seconds_between: the shortest time between two looks.
        clock: epoch seconds.
    """
    parts: dict[str, Part] = {
        "rotations": rotations_part({kind: job.name for kind, job in jobs.items()}, by_events=by_events),
        "databases": databases_part(names, jobs[HintKind.DATABASE].name),
        "rollouts": rollouts_part(names, verify.name),
        "dead letters": watch_dead_letters,
    }

    @dg.sensor(
        name=names.of(AWS_POLLING_SENSOR),
        jobs=distinct([*(jobs[kind] for kind in _KINDS), verify]),
        minimum_interval_seconds=seconds_between,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks at AWS for what no event tells. Rotations, where settings name no queue; rotations that are "
        "stuck; the next try of failed ones, after 1 minute, 10 minutes, 1 hour and 6 hours. Databases that became "
        "available, were restored or moved. Rollouts of consumers, with an alert of those that fail. Events in "
        "dead-letter queues.",
    )
    def aws_polling_sensor(
        context: dg.SensorEvaluationContext,
        secrets_pipeline_stacks: dg.ResourceParam[Stacks],
        secrets_pipeline_alerting: dg.ResourceParam[Alerting],
    ) -> dg.SensorResult:
        """Let each part look, another one first in each tick; one that breaks keeps what it knew and hides no other."""
        began = time.monotonic()
        stacks, alerting = secrets_pipeline_stacks, secrets_pipeline_alerting
        tick = Tick(
            context,
            stacks,
            alerting,
            names,
            clock(),
            is_late=lambda: time.monotonic() - began > _SECONDS,
            is_late_to_list=lambda: time.monotonic() - began > _LISTING_SECONDS,
        )
        # Whatever is looked at is that of a stack: a repository that cannot be read fails the tick, which says it.
        desired, cursor = stacks.desired, _read(context.cursor)
        found = {name: _found(tick, name, parts[name], cursor) for name in in_turn(list(parts), tick.number)}
        requests = [one for name in parts for one in found[name].requests]
        requests = with_stack_tags(desired, with_valid_key(context, requests))
        events = [one for name in parts for one in found[name].events]
        return dg.SensorResult(
            asset_events=events,
            run_requests=requests,
            skip_reason=None if requests or events else "; ".join(found[name].said for name in parts),
            cursor=json.dumps({name: found[name].known for name in parts}, separators=(",", ":")),
            dynamic_partitions_requests=missing_partitions(context, names, requests),
        )

    return aws_polling_sensor


def _found(tick: Tick, name: str, look: Part, cursor: Mapping[str, Known]) -> Found:
    known = cursor.get(name, {})
    try:
        return look(tick, known)
    except SecretsPipelineError as error:
        tick.context.log.warning("%s were not looked at: %s", name, error.diagnostics())
    except Exception as error:
        tick.context.log.exception("%s were not looked at", name)
        tick.alerting.say(_broken(tick.names, name, error), tick.context.instance, tick.context.log)
    return Found(known, f"{name} were not looked at")


def _broken(names: Names, name: str, error: Exception) -> Alert:
    sensor = names.of(AWS_POLLING_SENSOR)
    return Alert(
        subject=f"{sensor} does not look for {name}: {type(error).__name__}",
        text=f"It looks for everything else, and tries again in each tick. The log of its last tick in the UI, under "
        f"Automation, {sensor}, has the error.",
        stack="",
        cause="polling-failed",
        about=name,
    )


def _read(cursor: str | None) -> Mapping[str, Known]:
    try:
        found: Any = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return {name: known for name, known in found.items() if isinstance(known, dict)} if isinstance(found, dict) else {}
