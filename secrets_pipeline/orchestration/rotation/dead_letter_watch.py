"""Alert of events that were not dealt with: what lies in the dead-letter queues."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.aws.deadlines import HASTE
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.event_places import event_targets, look_at_dead_letters
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.round_robin import in_turn
from secrets_pipeline.rotation.events.dead_letters import DeadLetters

_REMEDY = (
    "Each is an event that no run followed. `secrets-pipeline events status` shows what stands in the way; once that "
    "is mended, `secrets-pipeline events redrive` puts them back. SQS keeps them fourteen days."
)


def watch_dead_letters(
    context: dg.SensorEvaluationContext, stacks: Stacks, alerting: Alerting, *, tick: int, is_late: Callable[[], bool]
) -> None:
    """Look at the dead-letter queue of each place, and say one alert for each that holds messages.

    A queue that cannot be looked at is logged, and hides no other.

    Args:
        context: of the sensor.
        stacks: the repository.
        alerting: says the alerts.
        tick: its number; the next one begins with another place.
        is_late: whether the tick has no time for a further place.
    """
    events = stacks.settings.events
    if events is None:
        return
    targets = in_turn(event_targets(stacks.settings, stacks.desired.specs.values()), tick)
    for one in look_at_dead_letters(events, targets, stacks.sessions.derived(config=HASTE), is_late=is_late):
        if isinstance(one.dead_letters, SecretsPipelineError):
            context.log.warning("%s: %s", one.place, one.dead_letters.diagnostics())
        elif one.dead_letters.count:
            alerting.say(_alert(one.place, one.dead_letters), context.instance, context.log)


def _alert(place: str, found: DeadLetters) -> Alert:
    return Alert(
        subject=f"{found.count} events were not dealt with ({place})",
        text=f"{found}\n\n{_REMEDY}",
        stack="",
        cause="dead-letters",
        about=found.arn,
    )
