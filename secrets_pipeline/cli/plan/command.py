"""`plan`: what an apply would do."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from secrets_pipeline.aws.account_check import Unverified, check_account
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.plan.boundaries import COLUMNS, crossing_rows, crossings_json
from secrets_pipeline.cli.plan.markdown import declared_markdown, plans_markdown
from secrets_pipeline.cli.plan.view import StackPlan, declared, plan_json, plan_table, summary
from secrets_pipeline.cli.shared.console import emit, emit_json, say, show, title
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import AllStacks, SomeStacks, StackOptions, chosen, reads_stacks
from secrets_pipeline.cli.shared.reference_view import note_unresolved, reference_json, reference_rows, reference_table
from secrets_pipeline.cli.shared.repository import read_asked, tell_nameless, usable
from secrets_pipeline.cli.shared.tables import table
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary

EPILOG = (
    "Exit codes: 0 planned, 1 error, also where nobody can resolve a reference of a secret (all others are planned). "
    "With --detailed-exitcode: 0 nothing to do, 2 there are changes (blocked and orphaned resources count), 1 error."
)
CHANGES = 2


class PlanFormat(StrEnum):
    """A table for humans, JSON alone on stdout, or Markdown for a comment on a pull request."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


@reads_stacks
def plan(
    source: StackOptions,
    *,
    stacks: SomeStacks = None,
    every: AllStacks = False,
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
    names = chosen(stacks, every=every or not stacks)
    if offline and (deep or detailed_exitcode):
        raise typer.BadParameter("nothing is compared with AWS offline", param_hint="--offline")
    failures = Failures()
    desired = read_asked(source)
    usables = usable(desired, names, failures, strict=source.strict)
    note_unresolved((desired.specs[name] for name in usables), failures)
    if offline:
        _print_declared(desired, usables, failures, output)
        failures.exit()
        return
    tell_nameless(desired)
    plans = plan_all(desired.assemble(Sessions(read_only=True)), usables, failures, deep=deep)
    if output is PlanFormat.MARKDOWN:
        emit(plans_markdown(plans, failures.texts, unchanged=show_unchanged, deep=deep))
    elif output is PlanFormat.JSON:
        shown = {
            one.stack: plan_json(one, unchanged=show_unchanged) | {"crosses_a_boundary": crossings_json(one)}
            for one in plans
        }
        _print_json(shown, failures)
    else:
        print_plans(plans, unchanged=show_unchanged)
        if not deep:
            say("Policies, replicas and consumers that marks vouch for were not read: --deep reads them.", style="dim")
    failures.exit()
    if detailed_exitcode and any(one.differs for one in plans):
        raise typer.Exit(CHANGES)


def plan_all(assembly: Assembly, stacks: Sequence[str], failures: Failures, *, deep: bool = False) -> list[StackPlan]:
    """The plans of some stacks; a stack that cannot be planned is said, and left out."""
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
            plans.append(StackPlan(name, account.account_id, target.region, stages, stack.spec.crossings))
            for error in (change.error for changes in stages.values() for change in changes):
                if error is not None:
                    failures.add(name, error)
    return plans


def print_plans(plans: Sequence[StackPlan], *, unchanged: bool) -> None:
    """Each stack's table and summary line."""
    for one in plans:
        title(summary(one))
        if unchanged or any(one.changes()):
            show(plan_table(one, unchanged=unchanged))
            emit("")
        if crossing := crossing_rows(one, unchanged=unchanged):
            title(f"{one.stack} crosses a boundary: {len(crossing)} of {len(one.crossings)} are concerned")
            show(table(COLUMNS, crossing))
            emit("")


def _print_declared(desired: OpenRepository, stacks: Sequence[str], failures: Failures, output: PlanFormat) -> None:
    shown = {stack: declared(desired.specs[stack]) for stack in stacks}
    references = {stack: reference_rows(desired.specs[stack]) for stack in stacks}
    targets = {stack: desired.specs[stack].target for stack in stacks}
    if output is PlanFormat.MARKDOWN:
        emit(declared_markdown({s: (targets[s], shown[s], references[s]) for s in stacks}, failures.texts))
        return
    if output is PlanFormat.JSON:
        _print_json(
            {
                s: {
                    "account_id": targets[s].account_id,
                    "region": targets[s].region,
                    "declared": rows,
                    "references": reference_json(references[s]),
                }
                for s, rows in shown.items()
            },
            failures,
        )
        return
    for stack, rows in shown.items():
        title(f"{stack}: {len(rows)} declared; secrets in the order in which they are made")
        show(table(("kind", "name", "component", "detail"), [tuple(row.values()) for row in rows]))
        emit("")
        if references[stack]:
            title(f"{stack}: what its secrets refer to")
            show(reference_table(references[stack]))
            emit("")


def _print_json(stacks: dict[str, Any], failures: Failures) -> None:
    emit_json({"stacks": stacks, "errors": failures.texts})
