"""Define the sensor that receives events from the queue (SQS) and requests a run of the stack for each."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from secrets_pipeline.aws.deadlines import HASTE
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.operator import EventSettings
from secrets_pipeline.errors import SecretsPipelineError, SpecError
from secrets_pipeline.operations.concerned_stacks import EventStacks
from secrets_pipeline.operations.repository_id import repository_id
from secrets_pipeline.operations.unread_stacks import UnreadStacks
from secrets_pipeline.orchestration.rotation.done_by_apply import DoneByApply
from secrets_pipeline.orchestration.rotation.event_runs import Decided, Dispatcher
from secrets_pipeline.orchestration.shared.names import AWS_POLLING_SENSOR, ROTATION_EVENT_SENSOR, Names
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, check_key
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import Job, with_stack_tags
from secrets_pipeline.reconcilers.event_queue.part import other_repository
from secrets_pipeline.rotation.events.hints import HintKind
from secrets_pipeline.rotation.events.queue import MAX_RECEIVES, EventQueue

MOST_MESSAGES = 200
WAITING_SECONDS = 60
"""An event of a stack whose run is under way, or that may be of one with errors, is looked at again after so long."""
_RECEIVING_SECONDS, _ASKING_SECONDS = 4.0, 15.0
"""From the start of a tick, which Dagster ends after 60 seconds."""


def distinct(jobs: Iterable[Job]) -> list[Any]:
    """List each job once, as `dg.sensor` takes them."""
    return list({job.name: job for job in jobs}.values())


def rotation_event_sensor_for(
    names: Names,
    jobs: Mapping[HintKind, Job],
    *,
    seconds_between: int = 15,
    hidden_for: int = 30,
    most: int = MOST_MESSAGES,
) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        names: of the code location.
        jobs: which job answers which kind of event.
        seconds_between: the shortest time between two looks at the queue.
        hidden_for: seconds after which a received message can be received again.
        most: messages of one look.
    """
    answers = {kind: job.name for kind, job in jobs.items()}

    @dg.sensor(
        name=names.of(ROTATION_EVENT_SENSOR),
        jobs=distinct(jobs.values()),
        minimum_interval_seconds=seconds_between,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Follows rotations, tampering and changes of databases by the events that AWS sends to the queue.",
    )
    def rotation_event_sensor(
        context: dg.SensorEvaluationContext, secrets_pipeline_stacks: dg.ResourceParam[Stacks]
    ) -> dg.SensorResult | dg.SkipReason:
        """Receive, decide, delete what is covered, and ask for what is not."""
        started = time.monotonic()
        events = secrets_pipeline_stacks.settings.events
        if events is None:
            instead = names.of(AWS_POLLING_SENSOR)
            return dg.SkipReason(f"the settings name no queue (events) any more: {instead} looks instead")
        sessions = secrets_pipeline_stacks.sessions.derived(config=HASTE)
        queue = _queue(secrets_pipeline_stacks, events, sessions)
        if isinstance(queue, dg.SkipReason):
            return queue
        messages = queue.receive(most, hidden_for=hidden_for, seconds=_RECEIVING_SECONDS)
        if not messages:
            return dg.SkipReason("no event came")
        desired = secrets_pipeline_stacks.desired
        found = EventStacks(desired.specs, UnreadStacks.of(desired), sessions)
        dispatcher = Dispatcher(
            context.instance,
            names.of(ROTATION_EVENT_SENSOR),
            answers,
            found.concerned,
            MAX_RECEIVES,
            lambda: time.monotonic() - started > _ASKING_SECONDS,
            is_done=DoneByApply(context.instance, names, found.databases),
        )
        decided = dispatcher.decide(messages)
        _log(context, [*(("warning", text) for text in found.warnings), *decided.notices])
        _let_go(context, queue, decided)
        waiting = len(decided.waiting) + len(decided.later)
        said = f"{len(messages)} events received, {len(decided.done)} of them done, {waiting} wait"
        return _result(context, names, with_stack_tags(desired, decided.requests), said)

    return rotation_event_sensor


def _let_go(context: dg.SensorEvaluationContext, queue: EventQueue, decided: Decided) -> None:
    """Delete and hide what was decided about; what SQS refuses comes again, and no run waits for it."""
    hidden = [*((one, WAITING_SECONDS) for one in decided.waiting), *decided.later]
    calls: list[Callable[[], None]] = [lambda: queue.delete(decided.done), lambda: queue.hide(hidden)]
    for call in calls:
        try:
            call()
        except SecretsPipelineError as error:
            context.log.warning(error.diagnostics())


def _queue(stacks: Stacks, events: EventSettings, sessions: Sessions) -> EventQueue | dg.SkipReason:
    settings = stacks.settings
    if settings.read_only or sessions.read_only:
        return dg.SkipReason("this deployment is read-only, and receiving a message changes it")
    account = sessions.for_target(settings.event_target(events))
    queue = EventQueue.find(account, events.queue)
    if queue is None:
        return dg.SkipReason(
            f"queue {events.queue} does not exist yet in {events.region}: materialize rotation_event_queue for any "
            "stack, or run `secrets-pipeline apply`"
        )
    theirs = other_repository(queue.tags(), repository_id(settings.repository, stacks.base_path))
    if theirs:
        return dg.SkipReason(
            f"queue {events.queue} belongs to repository {theirs}, whose events are left alone: name another queue "
            "under events in the operator's settings, as each repository has its own"
        )
    return queue


def _log(context: dg.SensorEvaluationContext, notices: Iterable[tuple[str, str]]) -> None:
    for level, text in notices:
        getattr(context.log, level)(text)


def _result(
    context: dg.SensorEvaluationContext, names: Names, requests: Sequence[dg.RunRequest], otherwise: str
) -> dg.SensorResult | dg.SkipReason:
    requests = with_valid_key(context, requests)
    if not requests:
        return dg.SkipReason(otherwise)
    return dg.SensorResult(
        run_requests=requests, dynamic_partitions_requests=missing_partitions(context, names, requests)
    )


def missing_partitions(
    context: dg.SensorEvaluationContext, names: Names, requests: Sequence[dg.RunRequest]
) -> list[dg.AddDynamicPartitionsRequest]:
    """Make the requests that add the partitions of the runs, where a stack is new."""
    # A run of a whole account has no partition.
    asked = {one.tags[PARTITION_TAG] for one in requests if PARTITION_TAG in one.tags}
    missing = sorted(asked - names.stacks(context.instance))
    return [names.partitions.build_add_request(missing)] if missing else []


def with_valid_key(context: dg.SensorEvaluationContext, requests: Sequence[dg.RunRequest]) -> list[dg.RunRequest]:
    """Keep the requests of stacks whose name can be a partition key; one that cannot is said, and hides no other."""
    kept = []
    for request in requests:
        try:
            if PARTITION_TAG in request.tags:
                check_key(request.tags[PARTITION_TAG])
        except SpecError as error:
            context.log.warning(error.diagnostics())
        else:
            kept.append(request)
    return kept
