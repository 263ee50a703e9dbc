"""Ask for queue, bus, rules and their policies as AWS hands them out, and compare them with what they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.doctor.model import APPLY_MAKES_IT, Answer, Verdict, fine
from secrets_pipeline.reconcilers.event_queue.reconciler import EventQueueReconciler

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def events(stacks: Sequence[Stack]) -> Iterator[Answer]:
    """Judge the way of events from stacks of one account and region, every part read; what does not exist is fine."""
    found = list(map(event_part, EventQueueReconciler(stacks[0], deep=True).plan()))
    yield from (one for one in found if one.verdict is not Verdict.FINE)
    for text, count in Counter(one.text for one in found if one.verdict is Verdict.FINE).items():
        yield fine(f"{count} part{'s' if count > 1 else ''}", text)


def event_part(change: Change) -> Answer:
    """Judge one part. Pure."""
    name = str(change.resource)
    if change.error is not None:
        denied = isinstance(change.error, AwsError) and change.error.denied
        verdict = Verdict.UNKNOWN if denied else Verdict.WILL_FAIL
        return Answer(name, verdict, change.error.message, change.error.remedy)
    match change.action:
        case ChangeClass.NONE:
            return fine(name, "as declared")
        case ChangeClass.CREATE:
            return fine(name, f"does not exist: {APPLY_MAKES_IT}")
        case ChangeClass.BLOCKED:
            problem, remedy = "; ".join(one.problem for one in change.reasons), change.reasons[0].remedy
            return Answer(name, Verdict.WILL_FAIL, problem, remedy)
        case _ if change.drift:
            return Answer(name, Verdict.ADVISED, change.reason, "An apply puts it back; find out who changed it.")
        case _:
            return fine(name, f"{change.reason}: an apply writes it")
