"""`events`: print how the events of AWS arrive, and put back those that were not dealt with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.shared.console import emit, emit_json, show
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import StackOptions, TableFormat, TableOrJson, reads_stacks
from secrets_pipeline.cli.shared.repository import open_stacks
from secrets_pipeline.cli.shared.tables import Table, table
from secrets_pipeline.desired.settings.operator import EventSettings
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.errors import SecretsPipelineError, SpecError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.operations.event_places import LookedAt, event_targets, look_at_dead_letters, unwatched
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.event_queue.reconciler import EventQueueReconciler
from secrets_pipeline.rotation.events.queue import EventQueue
from secrets_pipeline.rotation.events.redrive import Moved, MoveStatus, put_back

app = typer.Typer(no_args_is_help=True, help="The queue of AWS's events: what waits, what was not dealt with, and why.")
EPILOG = "Exit codes: 0 done, 1 error."
_PLACES = ("place", "dead letters", "since", "why")


@app.command("status", epilog=f"{EPILOG} 1 also where something that leads to the queue is not as declared.")
@reads_stacks
def status(source: StackOptions, *, output: TableOrJson = TableFormat.TABLE) -> None:
    """Show what waits in the queue, dead letters of each place, and whether rules, bus and roles are as declared."""
    failures, desired, stacks = open_stacks(source, None)
    events, sessions = _events(desired), Sessions()
    # Dead letters are received for a look; a deployment that may not is told how many there are.
    sessions.read_only = sessions.read_only or desired.settings.read_only
    queue = EventQueue.find(sessions.for_target(desired.settings.event_target(events)), events.queue)
    places = list(look_at_dead_letters(events, event_targets(desired.settings, desired.specs.values()), sessions))
    differing = dict(_differing(desired, stacks, failures))
    blind = unwatched(desired.settings, desired.specs.values())
    for one in places:
        if isinstance(one.dead_letters, SecretsPipelineError):
            failures.add("", one.dead_letters)
    waiting = queue.depth() if queue else None
    if output is TableFormat.JSON:
        shown: Value = {
            "queue": events.queue,
            "waiting": waiting and {"messages": waiting.messages, "in_flight": waiting.in_flight},
            "dead_letters": [dict(zip(_PLACES, _row(one), strict=True)) for one in places],
            "not_as_declared": dict(differing),
            "not_watched": list(blind),
        }
        emit_json(shown)
    else:
        emit(f"queue {events.queue}: {waiting or 'does not exist; `secrets-pipeline apply` makes it'}")
        show(places_table(places))
        emit("\n".join([*(f"! {name}: {why}" for name, why in differing.items()), *(f"note: {one}" for one in blind)]))
    for name, why in differing.items():
        failures.note("", f"{name} is not as declared: {why}")
    failures.exit()


@app.command("redrive", epilog=EPILOG)
@reads_stacks
def redrive(
    source: StackOptions,
    *,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0, help="How long to wait for SQS to move them; it goes on without us.")
    ] = 60,
) -> None:
    """Put dead letters back into the queue, from every place: SQS moves those beside it, the others are sent anew."""
    failures, desired, _ = open_stacks(source, None)
    events, sessions = _events(desired), Sessions()
    sessions.read_only = sessions.read_only or desired.settings.read_only
    home = sessions.for_target(desired.settings.event_target(events))
    queue = EventQueue.find(home, events.queue)
    if queue is None:
        raise SpecError(f"queue {events.queue} does not exist", remedy="`secrets-pipeline apply` makes it.")
    for one in look_at_dead_letters(events, event_targets(desired.settings, desired.specs.values()), sessions):
        if isinstance(one.dead_letters, SecretsPipelineError):
            failures.add("", one.dead_letters)
        elif one.dead_letters.count:
            with failures.of(""):
                moved = put_back(one.account, one.dead_letters.arn, queue, seconds=seconds)
                emit(_said(moved))
                if moved.status in (MoveStatus.FAILED, MoveStatus.CANCELLED):
                    failures.note("", f"{moved.arn}: {moved.status.value} {moved.why}".rstrip())
    failures.exit()


def places_table(places: Iterable[LookedAt]) -> Table:
    """Build the table of dead letters."""
    return table(_PLACES, map(_row, places))


def _events(desired: OpenRepository) -> EventSettings:
    if desired.settings.events is None:
        raise SpecError(
            "the operator's settings name no queue of events",
            remedy="Write `events: {queue: …, region: …}`; without it sensors look for themselves.",
        )
    return desired.settings.events


def _said(moved: Moved) -> str:
    more = "" if moved.status is MoveStatus.COMPLETED else f" ({moved.status.value.lower()})"
    return f"{moved.arn}: {moved.count} put back{more}"


def _row(one: LookedAt) -> tuple[str, str, str, str]:
    found = one.dead_letters
    if isinstance(found, SecretsPipelineError):
        return one.place, "unknown", "", found.diagnostics()
    since = f"{found.since:%Y-%m-%d %H:%M} UTC" if found.since else ""
    return one.place, str(found.count), since, found.why


def _differing(desired: OpenRepository, stacks: list[str], failures: Failures) -> Iterator[tuple[str, str]]:
    assembly = desired.assemble(Sessions(read_only=True))
    for name in stacks:
        with failures.of(name):
            for change in EventQueueReconciler(assembly.stack(name), deep=True).plan():
                if change.error is not None:
                    yield change.resource.name, change.error.diagnostics()
                elif change.action is not ChangeClass.NONE:
                    yield change.resource.name, change.reason or change.action.value
