"""Plan what stacks left in AWS, and prune it by runs of the same job as every apply."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial

import typer

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.apply.approval import destructive
from secrets_pipeline.cli.apply.command import StackRun, print_finished, run_all, run_here
from secrets_pipeline.cli.orphans.view import show_left
from secrets_pipeline.cli.plan.planning import plan_all
from secrets_pipeline.cli.plan.view import StackPlan
from secrets_pipeline.cli.shared.confirmation import asks, confirm
from secrets_pipeline.cli.shared.console import emit_json
from secrets_pipeline.cli.shared.failures import FAILED, Failures
from secrets_pipeline.cli.shared.options import TableFormat
from secrets_pipeline.cli.shared.run_view import run_json
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.only import Approved, changes_of
from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.decommission.leftovers import OF_THE_ACCOUNT, Leftovers
from secrets_pipeline.operations.decommission.retire import Marked, Why, retired_spec, rounds, with_retired
from secrets_pipeline.operations.named_account import refuse_unnamed_account
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.apply_options import ApplyOptions


@dataclass(frozen=True, slots=True)
class Leaving:
    """What one stack leaves, or left, in one account and region.

    Attributes:
        plan: what would become of it.
        why: what became of the stack, for a human; empty where it is only being taken down.
        spec: of the stack in that plan.
        desired: the repository of that plan.
        only: what a run is restricted to.
    """

    plan: StackPlan
    why: str
    spec: StackSpec
    desired: OpenRepository
    only: Leftovers

    @property
    def writes(self) -> int:
        """Count what a run would delete."""
        return sum(change.action.writes for change in changes_of(self.plan.stages))


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans what stacks left; reads only.

    Attributes:
        desired: of the repository.
        options: whether it is pruned, and what is adopted.
        failures: receives the errors.
        names: globs on what is pruned; none for all.
    """

    desired: OpenRepository
    options: ApplyOptions
    failures: Failures
    names: Sequence[str] = ()

    def marked(self, stacks: Sequence[Marked]) -> list[Leaving]:
        """Plan what stacks left where their marks were found; of those with errors nothing is planned."""
        declared = [self.desired.specs[one.stack] for one in stacks if one.why is Why.DECLARED]
        found = self._planned(self.desired, declared, Leftovers(self.names), Why.DECLARED)
        for why in (Why.LEFT, Why.NOTHING, Why.MOVED):
            specs = [retired_spec(self.desired, one.stack, one.place) for one in stacks if one.why is why]
            for some in rounds(specs):
                found += self.retired(some, why)
        return sorted(found, key=lambda one: one.plan.stack)

    def retired(self, specs: Sequence[StackSpec], why: str) -> list[Leaving]:
        """Plan stacks of which nothing is declared any more."""
        but = OF_THE_ACCOUNT if why is Why.MOVED else frozenset[str]()
        return self._planned(with_retired(self.desired, specs), specs, Leftovers(self.names, True, but), why)

    def _planned(self, desired: OpenRepository, specs: Sequence[StackSpec], only: Leftovers, why: str) -> list[Leaving]:
        if not specs:
            return []
        by_name = {spec.stack: spec for spec in specs}
        assembly = desired.assemble(Sessions(read_only=True), options=self.options)
        plans = plan_all(assembly, list(by_name), self.failures, only=dict.fromkeys(by_name, only))
        return [Leaving(one, why, by_name[one.stack], desired, only) for one in plans if one.rows()]


def ask(leaving: Sequence[Leaving], question: str, look: str, warnings: Iterable[str] = (), *, yes: bool) -> None:
    """Show what goes, and ask for the word `yes`; nobody is asked with --yes.

    Args:
        leaving: what a run would delete.
        question: ends with a question mark.
        look: command that shows what goes.
        warnings: what else is to be known before.
        yes: whether nobody is asked.

    Raises:
        GuardError: if nobody can be asked, as in CI.
        typer.Exit: if the answer is no; nothing was written then.
    """
    if yes:
        return
    if not asks(yes=False):
        raise GuardError(
            "this deletes, and nobody can be asked: no terminal",
            remedy=f"Look at what goes first: `{look}`; then say --yes.",
        )
    with redirect_stdout(sys.stderr):
        show_left([(one.plan, one.why) for one in leaving], every=False)
    confirm(question, [*warnings, *destructive([one.plan for one in leaving])])


def _refuse_unnamed_account(leaving: Leaving) -> None:
    """Refuse to write where nobody names the account: credentials say where one is, not where a stack belonged."""
    if not leaving.spec.retired or not leaving.why:
        # Of a declared stack --account says nothing.
        refuse_unnamed_account(leaving.spec, leaving.desired.settings, Sessions(read_only=True))
    elif leaving.spec.target.account_id is None:
        raise GuardError(
            f"nobody says to which account stack {leaving.plan.stack} belonged, so nothing is written; the credentials "
            f"belong to {leaving.plan.account_id}",
            remedy=f"Say --account {leaving.plan.account_id}, or write a rule for it under targets of the operator's "
            "settings.",
        )


def prune(leaving: Sequence[Leaving], options: ApplyOptions, output: TableFormat, failures: Failures) -> bool:
    """Run the job `provision` for each stack, restricted to what was planned, and print what became of it.

    Args:
        leaving: what is deleted.
        options: of the runs.
        output: how it is printed.
        failures: receives the errors.

    Returns:
        Whether something that was to go has to wait.

    Raises:
        typer.Exit: if anything failed.
    """
    finished: list[StackRun] = []
    for one in leaving:
        with failures.of(one.plan.stack):
            _refuse_unnamed_account(one)
            only = (one.only, Approved.of(one.plan.stages))
            how = replace(options, prune=True, only=only)
            finished += run_all([one.plan.stack], partial(run_here, desired=one.desired, options=how), failures)
    if output is TableFormat.JSON:
        shown = [run_json(one.report, one.checks) | {"stack": one.report.stack} for one in finished]
        emit_json({"runs": shown, "errors": failures.texts})
    else:
        print_finished(finished, waited=False, every=False)
    failures.exit()
    if not all(one.green for one in finished):
        raise typer.Exit(FAILED)
    return any(row["action"] == "prune" and row["outcome"] == "skipped" for one in finished for row in one.report.rows)
