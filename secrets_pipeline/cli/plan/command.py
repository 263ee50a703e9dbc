"""`plan`: print what an apply would do; AWS is only read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from secrets_pipeline.aws.account_check import Unverified, check_account
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.plan.formats import PlanFormat
from secrets_pipeline.cli.plan.view import StackPlan, declared
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import ShowAll, StackOptions, chooses_stacks
from secrets_pipeline.cli.shared.reference_view import note_unresolved, reference_rows
from secrets_pipeline.cli.shared.repository import open_stacks, tell_nameless
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary

EPILOG = (
    "Exit codes: 0 planned, 1 error, also where nobody can resolve a reference of a secret (all others are planned). "
    "With --detailed-exitcode: 0 nothing to do, 2 there are changes (blocked and orphaned resources count), 1 error."
)
CHANGES = 2


@chooses_stacks(all_by_default=True)
def plan(
    source: StackOptions,
    *,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Also read policies, key policies and replicas: one or two more calls for each secret."
        ),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="List what the stacks declare, without any call to AWS.")
    ] = False,
    output: Annotated[
        PlanFormat,
        typer.Option("--format", help="`json` and `markdown` are alone on stdout; logs go to stderr."),
    ] = PlanFormat.TABLE,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 if there are changes.")
    ] = False,
    show_unchanged: Annotated[bool, typer.Option("--show-unchanged", help="Also list what needs no change.")] = False,
    show_all: ShowAll = False,
) -> None:
    """Show what `apply` would do; all stacks unless some are named. Writes nothing, and reads no secret value."""
    if offline and (deep or detailed_exitcode):
        raise typer.BadParameter("nothing is compared with AWS offline", param_hint="--offline")
    failures, desired, stacks = open_stacks(source, source.names)
    note_unresolved((desired.specs[name] for name in stacks), failures)
    if offline:
        specs = [desired.specs[name] for name in stacks]
        shown = {spec.stack: (spec.target, declared(spec), reference_rows(spec)) for spec in specs}
        output.render_declared(shown, failures.texts)
        failures.exit()
        return
    tell_nameless(desired)
    plans = plan_all(desired.assemble(Sessions(read_only=True)), stacks, failures, deep=deep)
    output.render(plans, failures.texts, unchanged=show_unchanged, deep=deep, every=show_all)
    failures.exit()
    if detailed_exitcode and any(one.differs for one in plans):
        raise typer.Exit(CHANGES)


def plan_all(assembly: Assembly, stacks: Sequence[str], failures: Failures, *, deep: bool = False) -> list[StackPlan]:
    """Plan some stacks; a stack that cannot be planned is said, and left out."""
    plans = []
    for name in stacks:
        with failures.of(name):
            stack = assembly.stack(name)
            guard_boundary(stack)
            account, target = stack.account, stack.spec.target
            check = check_account(account, target, stack=name)
            if isinstance(check, Unverified):
                say(f"note: {check.reason}", style="dim")
            stages = plan_stack(stack, deep=deep)
            plans.append(StackPlan(stages, name, account.account_id, target.region, stack.spec.crossings))
            for change in (change for changes in stages.values() for change in changes):
                if change.error is not None:
                    failures.add(name, change.error, about=change.resource.name)
    return plans
