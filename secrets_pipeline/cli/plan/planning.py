"""Plan stacks as the operator asks for it; AWS is only read."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.plan.view import StackPlan
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.only import Only, changes_of, within
from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.operations.planning.earlier import Earlier
from secrets_pipeline.operations.planning.foreseen import with_published
from secrets_pipeline.operations.planning.plan_file import PlanFile, PlannedOptions, PlannedStack
from secrets_pipeline.operations.planning.targets import Targets, targets_of
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary


def plan_asked(
    desired: OpenRepository, stacks: Sequence[str], asked: PlannedOptions, failures: Failures
) -> list[StackPlan]:
    """Plan some stacks as the operator asks for it; reads only.

    Args:
        desired: of the repository.
        stacks: their names; those in which --target names nothing are left out.
        asked: what the operator asked for.
        failures: see `plan_all`.

    Raises:
        SpecError: if --target names nothing in any of the stacks.
        GuardError: if it is asked to prune as well.
    """
    only = targets(desired, stacks, asked)
    chosen = stacks if only is None else [name for name in stacks if name in only]
    assembly = desired.assemble(Sessions(read_only=True), options=asked.options())
    return plan_all(assembly, chosen, failures, deep=asked.deep, only=only or {})


def targets(desired: OpenRepository, stacks: Sequence[str], asked: PlannedOptions) -> Mapping[str, Targets] | None:
    """Find by stack what --target names; None where it is not given. For the errors see `plan_asked`."""
    if not asked.targets:
        return None
    if asked.prune:
        raise GuardError(
            "--prune deletes whatever left the YAML, and --target names what is in it",
            remedy="Leave one of the two away.",
        )
    return targets_of((desired.specs[name] for name in stacks), asked.targets)


def recorded(desired: OpenRepository, plan: StackPlan) -> PlannedStack:
    """Record the plan of a stack, to compare it or to keep it in a file."""
    return PlannedStack.of(plan.account_id, plan.region, desired.digest(plan.stack), plan.stages)


def write_plan(out: Path, desired: OpenRepository, asked: PlannedOptions, plans: Sequence[StackPlan]) -> None:
    """Write plans to a file that `apply` takes, and say so."""
    if not desired.revision.commit:
        say(f"note: the plan names no commit: {desired.revision.unknown}", style="yellow")
    PlanFile.of(desired, asked, {one.stack: recorded(desired, one) for one in plans}).write(out)
    say(f"The plan is in {out}: `secrets-pipeline apply {shlex.quote(str(out))}` applies it as it is, or refuses.")


def plan_all(
    assembly: Assembly,
    stacks: Sequence[str],
    failures: Failures,
    *,
    deep: bool = False,
    only: Mapping[str, Only] = MappingProxyType({}),
) -> list[StackPlan]:
    """Plan some stacks, each as if those before it were applied; one that cannot be planned is said, and left out.

    Args:
        assembly: makes the stacks, of a run that does not write.
        stacks: their names.
        failures: receives the errors.
        deep: also read what marks vouch for.
        only: what the plan of a stack is restricted to.
    """
    plans: list[StackPlan] = []
    earlier = Earlier()
    for name in stacks:
        with failures.of(name):
            stack = assembly.stack(name)
            guard_boundary(stack)
            account, target = stack.account, stack.spec.target
            if unverified := check_account(account, target, stack=name):
                say(f"note: {unverified}", style="dim")
            whole = plan_stack(stack, deep=deep, earlier=earlier)
            chosen = [only[name]] if name in only else []
            stages = within(with_published(stack, within(whole, chosen)), chosen) if chosen else whole
            earlier.learn(stack, stages)
            rest = sum(one.action is not ChangeClass.NONE for one in changes_of(whole))
            rest -= sum(one.action is not ChangeClass.NONE for one in changes_of(stages))
            spec = stack.spec
            plans.append(
                StackPlan(
                    stages,
                    name,
                    account.account_id,
                    target.region,
                    spec.crossings,
                    plaintext=spec.plaintext,
                    unguarded=spec.unguarded,
                    left_out=rest,
                )
            )
            for change in changes_of(stages):
                if change.error is not None:
                    failures.add(name, change.error, about=change.resource.name)
    return plans
