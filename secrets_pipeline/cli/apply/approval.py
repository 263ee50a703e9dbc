"""Find what a run may do: what a plan file says, what somebody on a terminal says yes to, or everything."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace

import typer

from secrets_pipeline.cli.plan.formats import PlanFormat
from secrets_pipeline.cli.plan.planning import plan_asked, recorded, targets
from secrets_pipeline.cli.plan.view import StackPlan
from secrets_pipeline.cli.shared.confirmation import asks, confirm
from secrets_pipeline.cli.shared.console import counted, say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.engine.only import Approved, Only, changes_of, writing
from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.operations.planning.plan_file import PlanFile, PlannedOptions
from secrets_pipeline.reconcilers.apply_options import ApplyOptions

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Approval:
    """What an apply may do.

    Attributes:
        stacks: to apply, in order.
        options: of each run.
        only: what the run of a stack is restricted to besides.
    """

    stacks: Sequence[str]
    options: ApplyOptions
    only: Mapping[str, tuple[Only, ...]] = field(default_factory=dict)

    def of(self, stack: str) -> ApplyOptions:
        """Return the options of the run of one stack."""
        return replace(self.options, only=self.only.get(stack, ()))


def by_file(plan: PlanFile, desired: OpenRepository, stacks: Sequence[str], failures: Failures) -> Approval:
    """Approve what a plan file says, where an apply would do just that now.

    Args:
        plan: the plan file.
        desired: of the repository.
        stacks: those that can be used.
        failures: receives the errors of stacks that cannot be planned.

    Raises:
        GuardError: if it was made of another repository, commit or source, or if something moved.
        typer.Exit: if a stack of it cannot be planned.
    """
    plan.refuse_other_reading(desired)
    if lacking := [stack for stack in plan.stacks if stack not in stacks]:
        raise GuardError(
            f"the plan is of stacks that cannot be applied: {', '.join(lacking)}",
            remedy="Mend what is wrong with them, and plan again.",
        )
    names = list(plan.stacks)
    plans = {one.stack: one for one in plan_asked(desired, names, plan.options, failures)}
    failures.exit()
    plan.refuse_moved({stack: recorded(desired, one) for stack, one in plans.items()})
    within = _targets(desired, names, plan.options)
    only: dict[str, tuple[Only, ...]] = {
        stack: (*within.get(stack, ()), one.approved) for stack, one in plan.stacks.items()
    }
    return Approval(names, plan.options.options(), only)


def by_question(
    desired: OpenRepository, stacks: Sequence[str], asked: PlannedOptions, failures: Failures, *, yes: bool
) -> Approval:
    """Show the plan on a terminal, and approve what somebody says yes to; elsewhere, or with --yes, everything.

    Args:
        desired: of the repository.
        stacks: to apply.
        asked: what the operator asked for.
        failures: receives the errors of stacks that cannot be planned: they are not applied.
        yes: whether nobody is asked.

    Raises:
        typer.Exit: if the answer is no; nothing was written then.
        SpecError: if --target names nothing in any of the stacks.
        GuardError: if --target and --prune are asked for.
    """
    within = _targets(desired, stacks, asked)
    chosen = [name for name in stacks if not asked.targets or name in within]
    if not asks(yes=yes):
        return Approval(chosen, asked.options(), within)
    plans = plan_asked(desired, chosen, asked, failures)
    with redirect_stdout(sys.stderr):
        PlanFormat.TABLE.render(plans, {}, unchanged=False, deep=asked.deep)
    if asked_for := question(plans):
        confirm(asked_for, destructive(plans))
    only = {one.stack: (*within.get(one.stack, ()), Approved.of(one.stages)) for one in plans}
    return Approval([one.stack for one in plans], asked.options(), only)


def question(plans: Sequence[StackPlan]) -> str:
    """Ask whether to make the changes of plans, with those apart that wait for AWS; empty if there is no change."""
    planned = [[change for _, change in writing(one.stages)] for one in plans]
    waiting = sum(change.on_its_way for changes in planned for change in changes)
    ready = sum(map(len, planned)) - waiting
    to = f"to {counted(sum(map(bool, planned)), 'stack')}"
    until = f"when AWS has made what {'it waits' if waiting == 1 else 'they wait'} for"
    if ready:
        more = f", and {waiting:,} more {until}," if waiting else ""
        return f"Apply {counted(ready, 'change')}{more} {to}?"
    return f"Apply {counted(waiting, 'change')} {to} {until}?" if waiting else ""


def refuse_beside_file(given: Mapping[str, object]) -> None:
    """Refuse options that a plan file says itself.

    Args:
        given: what was given, by option.

    Raises:
        typer.BadParameter: naming them.
    """
    if names := [name for name, value in given.items() if value]:
        say("A plan file holds its stacks and how they were planned; it is applied as it is.")
        raise typer.BadParameter(f"a plan file goes without {', '.join(names)}", param_hint="FILE")


def destructive(plans: Sequence[StackPlan]) -> list[str]:
    """Say what of plans takes something away, a line each; the longest lists are cut, and counted."""
    pruned = [change for one in plans for change in changes_of(one.stages) if change.action is ChangeClass.PRUNE]
    told = [_deletion(change) for change in pruned[:_MOST_NAMED]]
    more = len(pruned) - len(told)
    return [*told, *([f"and {more} more are deleted"] if more else [])]


def _deletion(change: Change) -> str:
    how = "; ".join(f"{one.what}, {one.held}" for reason in change.reasons for one in reason.details)
    return f"{change.resource} is deleted: {how or change.hindrance}"


def _targets(desired: OpenRepository, stacks: Sequence[str], asked: PlannedOptions) -> dict[str, tuple[Only, ...]]:
    found = targets(desired, stacks, asked)
    return {} if found is None else {stack: (one,) for stack, one in found.items()}
