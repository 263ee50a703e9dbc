"""`plan`: print what an apply would do; AWS is only read.

What asks AWS is imported where it is asked (`plan_all`): boto3 takes longer than all that `--offline` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from secrets_pipeline.cli.plan.formats import PlanFormat
from secrets_pipeline.cli.plan.view import StackPlan, declared
from secrets_pipeline.cli.shared.affected import touched_stacks
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import StackOptions, chooses_stacks
from secrets_pipeline.cli.shared.reference_view import reference_rows
from secrets_pipeline.cli.shared.repository import narrowed, read_asked, tell_nameless, usable
from secrets_pipeline.cli.shared.unresolved import note_unresolved

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.assembly import Assembly

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
) -> None:
    """Show what `apply` would do; all stacks unless some are named. Writes nothing, and reads no secret value."""
    if offline and (deep or detailed_exitcode):
        raise typer.BadParameter("nothing is compared with AWS offline", param_hint="--offline")
    failures, desired = Failures(), read_asked(source)
    touched = touched_stacks(source, desired)
    stacks = usable(desired, narrowed(desired, source.names, touched, failures), failures, strict=source.strict)
    note_unresolved((desired.specs[name] for name in stacks), failures)
    if offline:
        specs = [desired.specs[name] for name in stacks]
        shown = {spec.stack: (spec.target, declared(spec), reference_rows(spec)) for spec in specs}
        output.render_declared(shown, failures.texts, touched=touched)
        failures.exit()
        return
    from secrets_pipeline.aws.session import Sessions  # noqa: PLC0415 - see the module's docstring

    tell_nameless(desired)
    plans = plan_all(desired.assemble(Sessions(read_only=True)), stacks, failures, deep=deep)
    output.render(plans, failures.texts, unchanged=show_unchanged, deep=deep, touched=touched)
    failures.exit()
    if detailed_exitcode and any(one.differs for one in plans):
        raise typer.Exit(CHANGES)


def plan_all(assembly: Assembly, stacks: Sequence[str], failures: Failures, *, deep: bool = False) -> list[StackPlan]:
    """Plan some stacks; a stack that cannot be planned is said, and left out."""
    from secrets_pipeline.aws.account_check import Unverified, check_account  # noqa: PLC0415 - see the module's docstring
    from secrets_pipeline.operations.stages import plan_stack  # noqa: PLC0415 - see the module's docstring
    from secrets_pipeline.reconcilers.boundary.guard import guard_boundary  # noqa: PLC0415 - see the module's docstring

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
            for error in (change.error for changes in stages.values() for change in changes):
                if error is not None:
                    failures.add(name, error)
    return plans
