"""`orphans`: list what carries the pipeline's marks and is not declared any more, and prune of it what is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.apply.command import refuse_read_only
from secrets_pipeline.cli.orphans.leaving import Planner, ask, prune
from secrets_pipeline.cli.orphans.options import Accounts, Adopted, DeletesUnasked, Regions
from secrets_pipeline.cli.orphans.view import left_json, looked_json, show_left, tell_looked
from secrets_pipeline.cli.shared.console import emit_json, say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import (
    ShowAll,
    SomeStacks,
    StackOptions,
    TableFormat,
    TableOrJson,
    reads_stacks,
)
from secrets_pipeline.cli.shared.repository import read_asked, tell_nameless
from secrets_pipeline.desired.stack_globs import expanded, matches
from secrets_pipeline.operations.decommission.found import find_stacks, refuse_unseen
from secrets_pipeline.operations.decommission.places import places_of
from secrets_pipeline.operations.decommission.retire import (
    Marked,
    Why,
    marked_stacks,
    refuse_incomplete,
    why_no_prune,
)
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.apply_options import ApplyOptions

EPILOG = (
    "Exit codes: 0 listed or pruned, also where nothing was found; 1 error, nothing could be looked at, or the "
    "answer was no. What belongs to another repository, or is not provably this one's, is never pruned."
)


@reads_stacks
def orphans(
    source: StackOptions,
    *,
    stacks: SomeStacks = None,
    account: Accounts = None,
    region: Regions = None,
    prune_names: Annotated[
        list[str] | None,
        typer.Option(
            "--prune",
            metavar="NAME",
            help="Delete what bears that name, or matches the glob, with the recovery window; may be repeated.",
            show_default=False,
        ),
    ] = None,
    adopt: Adopted = None,
    yes: DeletesUnasked = False,
    show_all: ShowAll = False,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """List what stacks left in AWS that no stack declares any more, or delete of it what is named."""
    names = tuple(prune_names or ())
    if names:
        refuse_read_only("orphans --prune", "secrets-pipeline orphans")
    failures, desired = Failures(), read_asked(source, stacks)
    tell_nameless(desired)
    if names:
        refuse_incomplete(desired)
    sessions = Sessions(read_only=True)
    places = places_of(desired.specs, desired.settings, sessions, account or (), regions=region or ())
    found = [find_stacks(place, desired.repository) for place in places.seen]
    refuse_unseen(places, found)
    marked = _asked(marked_stacks(desired, found, sessions), stacks)
    options = ApplyOptions(adopt=tuple(adopt or ()), prune=bool(names))
    leaving = Planner(desired, options, failures, names).marked(marked)
    if names:
        going = [one for one in leaving if one.writes]
        if not going:
            say(f"Nothing that may be pruned is called {' or '.join(names)}.")
            if output is TableFormat.TABLE:
                show_left([(one.plan, one.why) for one in leaving], every=show_all)
            tell_looked(places, found)
        else:
            number = sum(one.writes for one in going)
            question = f"Delete {number} thing{'s' * (number != 1)} that nothing declares any more?"
            ask(going, question, "secrets-pipeline orphans", yes=yes)
        prune(going, options, output, failures)
        return
    shown = [(one.plan, one.why) for one in leaving]
    if output is TableFormat.JSON:
        emit_json(
            left_json(shown, failures.texts) | looked_json(places, found) | {"may_prune": why_no_prune(desired) is None}
        )
    else:
        show_left(shown, every=show_all)
        if not shown:
            say("Nothing was found that is not declared any more.")
        tell_looked(places, found)
        _tell_unreadable(desired, marked)
    failures.exit()


def _asked(marked: Sequence[Marked], stacks: list[str] | None) -> list[Marked]:
    globs = list(expanded(stacks, ())) if stacks else ["*"]
    return [one for one in marked if any(matches(one.stack, glob) for glob in globs)]


def _tell_unreadable(desired: OpenRepository, marked: Sequence[Marked]) -> None:
    for one in marked:
        if one.why is Why.UNREADABLE:
            say(f"stack {one.stack} {one.why.value}: nothing of it is listed", style="yellow")
    if (error := why_no_prune(desired)) is not None:
        say(f"note: {error.message}. {error.remedy}", style="yellow")
