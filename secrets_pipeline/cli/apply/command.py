"""`apply`: make AWS match the stacks, by the same Dagster job `provision` that Materialize in the UI runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from secrets_pipeline.aws.guards import READ_ONLY_VARIABLE
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.apply.approval import Approval, by_file, by_question, refuse_beside_file
from secrets_pipeline.cli.shared import runs
from secrets_pipeline.cli.shared.affected import touched_stacks
from secrets_pipeline.cli.shared.confirmation import Yes
from secrets_pipeline.cli.shared.console import emit_json, say, title
from secrets_pipeline.cli.shared.failures import FAILED, Failures
from secrets_pipeline.cli.shared.options import (
    AdoptNames,
    ShowAll,
    StackOptions,
    TableFormat,
    TableOrJson,
    TargetNames,
    chooses_stacks,
)
from secrets_pipeline.cli.shared.progress import RunProgress
from secrets_pipeline.cli.shared.repository import (
    narrowed,
    note_unresolved,
    read_asked,
    tell_nameless,
    tell_what_prune_leaves,
    usable,
    with_account,
)
from secrets_pipeline.cli.shared.run_report import hint, print_checks, print_outcomes
from secrets_pipeline.cli.shared.run_view import counts, is_error, run_json
from secrets_pipeline.engine.only import UNAPPROVED
from secrets_pipeline.errors import GuardError, Lines
from secrets_pipeline.operations.open_repository import MANIFESTS, OpenRepository
from secrets_pipeline.operations.planning.plan_file import PlanFile, PlannedOptions
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.database.endpoint import KIND as ENDPOINT

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport

WAIT_SECONDS = 1800.0
"""RDS needs five to fifteen minutes for a database."""
_WHO_GOES_ON = {
    False: "the daemon does it by itself; else apply again, or with --wait",
    True: f"in vain for {WAIT_SECONDS / 60:.0f} minutes; the daemon goes on when it is there, else apply again",
}
"""By whether the command was told to wait."""
EPILOG = (
    "Exit codes: 0 every run made what its stack declares, no check failed (warnings are listed) and --wait left "
    "nothing open; what AWS is still making may be missing. 1 otherwise, also if a declared resource is blocked, the "
    "answer was no, or something moved after the plan was approved. One stack's or one secret's failure does not stop "
    "the others. --queue leaves the checks to the deployment."
)


@dataclass(frozen=True, slots=True)
class StackRun:
    """The finished run of one stack; a queued run's checks are the deployment's to show."""

    report: RunReport
    checks: tuple[CheckRow, ...] = ()

    @property
    def green(self) -> bool:
        """Tell whether it succeeded, made no less than was approved, and no check failed with ERROR."""
        moved = any(row.get("sentence") == UNAPPROVED.problem for row in self.report.rows)
        return self.report.success and not moved and not any(is_error(one) or one.unknown for one in self.checks)

    @property
    def waiting(self) -> list[Mapping[str, str]]:
        """The rows of databases that are there later by themselves."""
        return [row for row in self.report.rows if row["kind"] == ENDPOINT and row.get("passes")]


RunStack: TypeAlias = Callable[[str], StackRun]


@chooses_stacks(all_by_default=False, instead="plan_file")
def apply(
    source: StackOptions,
    *,
    plan_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="What `plan -o FILE` wrote: it is applied as it is, or refused where something moved since.",
            show_default=False,
        ),
    ] = None,
    adopt: AdoptNames = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what left the YAML, with the recovery window.")
    ] = False,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Also compare policies, key policies, replicas and consumers that an earlier apply finished: others "
            "may have changed them since.",
        ),
    ] = False,
    target: TargetNames = None,
    yes: Yes = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help=f"Wait for databases that are being made, {WAIT_SECONDS // 60:.0f} minutes at most, and finish what "
            "needs them; without it the daemon does, or the next apply.",
        ),
    ] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Submit the runs to a running deployment, and follow them.")
    ] = False,
    url: Annotated[
        str, typer.Option("--url", help="Its webserver, with --queue.", envvar="SECRETS_PIPELINE_URL")
    ] = "http://127.0.0.1:3000",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to follow a run, with --queue.", min=1)] = 3600,
    show_all: ShowAll = False,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Make AWS match the stacks: passwords, keys, secrets, databases, policies, rotation, and ARNs to consumers."""
    refuse_read_only("apply")
    asked = PlannedOptions(adopt=tuple(adopt or ()), prune=prune, deep=deep, targets=tuple(target or ()))
    if plan_file is not None:
        given = {"--stack": source.names, "--adopt": adopt, "--prune": prune, "--deep": deep, "--target": target}
        refuse_beside_file(given)
    if queue:
        _refuse_for_others(source, {**_taking(asked, wait=wait), "FILE": plan_file})
    plan = PlanFile.read(plan_file) if plan_file is not None else None
    failures, desired = Failures(), read_asked(source, list(plan.stacks) if plan else source.names)
    tell_nameless(desired)
    tell_what_prune_leaves(source.names, prune=prune)
    names = list(plan.stacks) if plan else narrowed(desired, source.names, touched_stacks(source, desired), failures)
    ready = usable(desired, names, failures, source)
    if not queue:
        # What a deployment reads names the accounts of its stacks, and its runs look themselves.
        ready = with_account(desired, ready, failures)
    if plan is not None:
        approval = by_file(plan, desired, ready, failures)
    elif queue:
        approval = Approval(ready, asked.options())
    else:
        approval = by_question(desired, ready, asked, failures, yes=yes)

    def run(stack: str) -> StackRun:
        if queue:
            return _queued(stack, url, timeout, desired, deep=deep)
        return run_here(stack, desired, replace(approval.of(stack), wait_seconds=WAIT_SECONDS if wait else 0.0))

    # A stack goes on without the secrets that nobody can resolve; the command fails in the end.
    note_unresolved((desired.specs[name] for name in approval.stacks), failures, only=approval.only)
    finished = run_all(approval.stacks, run, failures)
    if output is TableFormat.JSON:
        shown = {one.report.stack: run_json(one.report, one.checks) for one in finished}
        emit_json({"stacks": shown, "errors": failures.texts})
    else:
        print_finished(finished, waited=wait, every=show_all)
    failures.exit()
    if not all(one.green and not (wait and one.waiting) for one in finished):
        raise typer.Exit(FAILED)


def _taking(asked: PlannedOptions, *, wait: bool) -> dict[str, object]:
    return {"--adopt": asked.adopt, "--prune": asked.prune, "--target": asked.targets, "--wait": wait}


def _refuse_for_others(source: StackOptions, options: Mapping[str, object]) -> None:
    """Refuse what no run of another process may be asked for.

    Raises:
        GuardError: naming the options.
        typer.BadParameter: if the environment names another source than the deployment's.
    """
    given = [*(name for name, value in options.items() if value), *source.given]
    if given:
        raise GuardError(
            f"--queue hands the run to another process, which takes no {' or '.join(given)}",
            remedy="Leave --queue away, and run it where the deployment runs.",
        )
    if source.origin != MANIFESTS:
        raise typer.BadParameter("the deployment reads its own stacks", param_hint="--queue")


def refuse_read_only(writer: str, instead: str = "secrets-pipeline plan") -> None:
    """Stop before anything is read, if no write is allowed.

    Args:
        writer: what would write.
        instead: a command that does not.

    Raises:
        GuardError: if SECRETS_PIPELINE_READ_ONLY is set.
    """
    if Sessions().read_only:
        raise GuardError(f"{READ_ONLY_VARIABLE} is set: {writer} would write", remedy=f"Unset it, or use `{instead}`.")


def run_all(stacks: Sequence[str], run: RunStack, failures: Failures) -> list[StackRun]:
    """Run stack by stack; what stops one is said, and the others go on."""
    finished = []
    for stack in stacks:
        with failures.of(stack):
            one = run(stack)
            finished.append(one)
            # The outcomes tell of their own failures; this is what failed beside them.
            if one.report.error and not any(row["outcome"] == "failed" or row.get("unmade") for row in one.report.rows):
                failures.note(stack, Lines.of(f"stack {stack}: ", Lines(one.report.error), between=""))
    return finished


def run_here(
    stack: str, desired: OpenRepository, options: ApplyOptions, *, lines: bool = True, probe: bool = False
) -> StackRun:
    """Run `provision` for one stack in this process; `lines` tells of it on stderr, `probe` asks as readers."""
    with RunProgress(stack, lines=lines) as progress:
        report, checks = runs.provision(stack, desired, options, progress.told, probe=probe)
    return StackRun(report, checks)


def _queued(stack: str, url: str, timeout: float, desired: OpenRepository, *, deep: bool) -> StackRun:
    say(f"{stack}: submitted to {url}")
    report = runs.queue(stack, url, timeout, desired, deep=deep)
    say(f"{stack}: {url.rstrip('/')}/runs/{report.run_id}")
    return StackRun(report)


def print_finished(finished: Sequence[StackRun], *, waited: bool, every: bool) -> None:
    """Print what became of runs: outcomes, checks, and what waits; for the arguments see `apply`."""
    for one in finished:
        state = "succeeded" if one.report.success else "failed"
        # The outcomes of a queued run stay with the deployment.
        counted = f": {counts(one.report.rows)}" if one.report.rows else ""
        print_outcomes(f"{one.report.stack}: run {state}{counted}", one.report.rows, every=every)
        for row in one.waiting:
            title(f"{one.report.stack} waits for {row['name']}: {row['detail']} ({_WHO_GOES_ON[waited]})")
    checks = [check for one in finished for check in one.checks]
    print_checks(checks, every=every, left_out=any(one.report.left_out for one in finished))
    hint([row for one in finished for row in one.report.rows], checks, every=every)
