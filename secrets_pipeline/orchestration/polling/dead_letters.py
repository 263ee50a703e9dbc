"""Alert of events that were not dealt with: what lies in the dead-letter queues."""

from __future__ import annotations

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.event_places import event_targets, look_at_dead_letters
from secrets_pipeline.orchestration.polling.tick import Found, Known, Tick
from secrets_pipeline.orchestration.shared.round_robin import in_turn
from secrets_pipeline.rotation.events.dead_letters import DeadLetters

_REMEDY = (
    "Each is an event that no run followed. `secrets-pipeline events status` shows what stands in the way; once that "
    "is mended, `secrets-pipeline events redrive` puts them back. SQS keeps them fourteen days."
)


def watch_dead_letters(tick: Tick, _known: Known) -> Found:
    """Look at the dead-letter queue of each place, and say one alert for each that holds messages.

    A queue that cannot be looked at is logged, and hides no other.
    """
    events = tick.stacks.settings.events
    if events is None:
        return Found({}, "settings name no queue")
    targets = in_turn(event_targets(tick.stacks.settings, tick.stacks.desired.specs.values()), tick.number)
    for one in look_at_dead_letters(events, targets, tick.sessions, is_late=tick.is_late):
        if isinstance(one.dead_letters, SecretsPipelineError):
            tick.context.log.warning("%s: %s", one.place, one.dead_letters.diagnostics())
        elif one.dead_letters.count:
            tick.alerting.say(_alert(one.place, one.dead_letters), tick.context.instance, tick.context.log)
    return Found({}, "dead-letter queues were looked at")


def _alert(place: str, found: DeadLetters) -> Alert:
    return Alert(
        subject=f"{found.count} events were not dealt with ({place})",
        text=f"{found}\n\n{_REMEDY}",
        stack="",
        cause="dead-letters",
        about=found.arn,
    )
