"""`destroy`: take everything down that a stack made, with recovery windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.apply.command import refuse_read_only
from secrets_pipeline.cli.orphans.leaving import Leaving, Planner, ask, prune
from secrets_pipeline.cli.orphans.options import Accounts, Adopted, DeletesUnasked, Regions
from secrets_pipeline.cli.orphans.view import left_json, show_left, tell_looked
from secrets_pipeline.cli.shared.console import emit_json, say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import OneStack, ShowAll, StackOptions, TableFormat, TableOrJson, reads_stacks
from secrets_pipeline.cli.shared.repository import known_stacks, only, read_asked, tell_nameless
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.only import changes_of
from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.decommission.found import find_stacks, refuse_unseen
from secrets_pipeline.operations.decommission.places import places_of
from secrets_pipeline.operations.decommission.retire import (
    Why,
    marked_stacks,
    protection_of,
    refuse_incomplete,
    refuse_referred,
    taken_down,
)
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.apply_options import ApplyOptions

EPILOG = (
    "Exit codes: 0 taken down, or nothing was there; 1 error, or the answer was no. Databases, and what was delivered "
    "to functions, services and stages, stay: the plan says so. A key whose secrets can still be restored may need a "
    "later run, by the same command."
)


@reads_stacks
def destroy(
    source: StackOptions,
    *,
    stack: OneStack,
    account: Accounts = None,
    region: Regions = None,
    adopt: Adopted = None,
    allow_protected: Annotated[
        bool, typer.Option("--allow-protected", help="Also a stack that is production; its windows stay as they are.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and write nothing.")] = False,
    yes: DeletesUnasked = False,
    show_all: ShowAll = False,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Take down everything that a stack made, declared or not any more: secrets, keys, rotation, what it published."""
    if not dry_run:
        refuse_read_only("destroy", "secrets-pipeline destroy --dry-run")
    failures, desired = Failures(), read_asked(source, [stack])
    tell_nameless(desired)
    name = only(stack, known_stacks(desired))
    refuse_incomplete(desired)
    options = ApplyOptions(adopt=tuple(adopt or ()), prune=True)
    leaving = _leaving(desired, name, (account or [], region or []), Planner(desired, options, failures))
    shown = [(one.plan, one.why) for one in leaving]
    if dry_run and output is TableFormat.JSON:
        emit_json(left_json(shown, failures.texts))
    elif dry_run or (output is TableFormat.TABLE and not any(one.writes for one in leaving)):
        show_left(shown, every=show_all)
    for one in leaving if not dry_run else ():
        if (why := protection_of(desired, one.spec)) and not allow_protected:
            raise GuardError(
                f"stack {name} is protected: {why}",
                remedy="Look at `destroy --dry-run`; then say --allow-protected as well.",
            )
    going = [one for one in leaving if one.writes]
    if not going:
        say(f"Nothing of stack {name} is left that may be taken down.")
    elif not dry_run:
        look = f"secrets-pipeline destroy -s {name} --dry-run"
        ask(going, f"Take stack {name} down?", look, _warnings(desired, name), yes=yes)
    if not dry_run:
        waits = prune(going, options, output, failures)
        _tell_rest(leaving)
        if waits:
            say(f"What was skipped goes by `destroy -s {name}` again, when its reason has passed.", style="yellow")
    failures.exit()


def _leaving(desired: OpenRepository, name: str, where: tuple[list[str], list[str]], planner: Planner) -> list[Leaving]:
    spec, (accounts, regions) = desired.specs.get(name), where
    if spec is not None:
        _refuse_elsewhere(spec, accounts, regions)
        refuse_referred(desired, name)
        return planner.retired([taken_down(spec)], "")
    sessions = Sessions(read_only=True)
    places = places_of(desired.specs, desired.settings, sessions, accounts, regions=regions)
    found = [find_stacks(place, desired.repository) for place in places.seen]
    refuse_unseen(places, found)
    marked = [one for one in marked_stacks(desired, found, sessions) if one.stack == name]
    if not marked:
        known = "is in the repository, and declares nothing" if name in desired.source.stack_names() else "is unknown"
        say(f"Stack {name} {known}; no mark names it where was looked.")
    tell_looked(places, found)
    return planner.marked([one for one in marked if one.why in (Why.LEFT, Why.NOTHING)])


def _refuse_elsewhere(spec: StackSpec, accounts: list[str], regions: list[str]) -> None:
    """Refuse another account or region than a declared stack lives in: only there it is taken down."""
    at = spec.target
    if (accounts and at.account_id not in (None, *accounts)) or (regions and at.region not in regions):
        raise GuardError(
            f"stack {spec.stack} is declared and lives in {at.account_id or 'an account that nobody names'}, "
            f"{at.region}, not where --account and --region say",
            remedy=f"Leave them away. What it left there: `orphans -s {spec.stack}` with the same options.",
        )


def _warnings(desired: OpenRepository, name: str) -> Iterator[str]:
    if name in desired.specs:
        yield (
            f"stack {name} is still declared: the next apply makes it again, and gives secrets their old values back "
            "while they can be restored"
        )


def _tell_rest(leaving: list[Leaving]) -> None:
    rest = [
        change
        for one in leaving
        for change in changes_of(one.plan.stages)
        if change.action in (ChangeClass.ORPHAN, ChangeClass.BLOCKED)
    ]
    for change in rest:
        say(f"{change.resource} is left: {change.reason}", style="yellow")
