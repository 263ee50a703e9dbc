"""`plan`: print what an apply would do; AWS is only read.

What asks AWS is imported where it is asked (`planning`): boto3 takes longer than all that `--offline` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from secrets_pipeline.cli.plan.formats import PlanFormat
from secrets_pipeline.cli.plan.view import Declared
from secrets_pipeline.cli.shared.affected import touched_stacks
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.needed_grants import tell_needed_grants
from secrets_pipeline.cli.shared.options import AdoptNames, ShowAll, StackOptions, TargetNames, chooses_stacks
from secrets_pipeline.cli.shared.plaintext_view import tell_plaintext
from secrets_pipeline.cli.shared.repository import (
    narrowed,
    note_unresolved,
    read_asked,
    readable,
    tell_nameless,
    tell_what_prune_leaves,
    usable,
)
from secrets_pipeline.desired.stack import StackSpec

EPILOG = (
    "Exit codes: 0 planned, 1 error. If a reference of a secret cannot be resolved, plan exits with 1 and still plans "
    "all other secrets. If YAML needs a grant that the operator has not given, plan exits with 1. If only a Terraform "
    "state tells that an output needs a grant, because it is sensitive, its secret is a blocked row and no error. "
    "--offline shows what needs a grant, and it is no error. "
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
    prune: Annotated[
        bool, typer.Option("--prune", help="Plan as `apply --prune`: what left the YAML is deleted.")
    ] = False,
    adopt: AdoptNames = None,
    target: TargetNames = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Also write the plan to a file, which `apply FILE` applies as it is, or refuses; it holds no secret.",
            show_default=False,
        ),
    ] = None,
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
    if offline and (deep or detailed_exitcode or adopt or prune or target or out):
        raise typer.BadParameter("nothing is compared with AWS offline", param_hint="--offline")
    failures, desired = Failures(), read_asked(source, source.names)
    touched = touched_stacks(source, desired)
    asked_for = narrowed(desired, source.names, touched, failures)
    if offline:
        specs = readable(desired, asked_for, failures, source)
        note_unresolved(specs, failures, reading=True)
        tell_needed_grants(specs)
        _warn(specs)
        shown = {spec.stack: Declared.of(spec, partial(desired.function_at, spec.stack)) for spec in specs}
        output.render_declared(shown, failures.texts, touched=touched)
        failures.exit()
        return
    from secrets_pipeline.cli.plan.planning import plan_asked, targets, write_plan  # noqa: PLC0415 - see the module's docstring
    from secrets_pipeline.operations.planning.plan_file import PlannedOptions  # noqa: PLC0415 - as above

    tell_what_prune_leaves(source.names, prune=prune)
    stacks = usable(desired, asked_for, failures, source)
    specs = [desired.specs[name] for name in stacks]
    asked = PlannedOptions(adopt=tuple(adopt or ()), prune=prune, deep=deep, targets=tuple(target or ()))
    only = targets(desired, stacks, asked)
    chosen = specs if only is None else [spec for spec in specs if spec.stack in only]
    unresolved = note_unresolved(chosen, failures, only={name: (one,) for name, one in (only or {}).items()})
    _warn(specs)
    tell_nameless(desired)
    plans = plan_asked(desired, stacks, asked, failures)
    output.render(plans, failures.texts, unchanged=show_unchanged, deep=deep, every=show_all, touched=touched)
    if out is not None and sum(map(len, failures.texts.values())) > unresolved:
        say("No plan was written to a file: what is wrong comes first, or name other stacks with -s.")
    elif out is not None:
        # A stack goes on without the secrets that nobody can resolve.
        write_plan(out, desired, asked, plans)
    failures.exit()
    if detailed_exitcode and any(one.differs for one in plans):
        raise typer.Exit(CHANGES)


def _warn(specs: Iterable[StackSpec]) -> None:
    tell_plaintext(specs)
    for spec in specs:
        if spec.unguarded:
            say(f"warning: {spec.unguarded}", style="yellow")
