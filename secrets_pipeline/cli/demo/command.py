"""`demo`: run the whole chain on an embedded AWS of its own, from YAML to ARNs, and leave nothing running."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.text import Text

from secrets_pipeline import emulator
from secrets_pipeline.aws.guards import READ_ONLY_VARIABLE
from secrets_pipeline.cli.apply.command import StackRun, run_all, run_here
from secrets_pipeline.cli.demo.access import read_answers
from secrets_pipeline.cli.demo.call_counts import call_counts
from secrets_pipeline.cli.demo.delivered import Delivered, delivered
from secrets_pipeline.cli.demo.rotation import rotate, rotation_lines
from secrets_pipeline.cli.demo.view import check_lines, delivered_lines, reading_lines, stack_line, stage_lines
from secrets_pipeline.cli.local.checkout import examples
from secrets_pipeline.cli.local.command import (
    HISTORY_FOLDER,
    HOME_VARIABLE,
    embedded_account,
    start_for,
    take_operator_settings,
)
from secrets_pipeline.cli.plan.planning import plan_all
from secrets_pipeline.cli.shared import runs
from secrets_pipeline.cli.shared.console import show, show_lines, title
from secrets_pipeline.cli.shared.failures import FAILED, Failures
from secrets_pipeline.cli.shared.interrupts import ended_by_signals
from secrets_pipeline.cli.shared.options import BasePath, ConfigFile, repository, use_settings
from secrets_pipeline.cli.shared.repository import read, usable
from secrets_pipeline.cli.shared.run_view import check_counts
from secrets_pipeline.cli.tree.command import hierarchy
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.operations.open_repository import MANIFESTS, OpenRepository
from secrets_pipeline.reconcilers.apply_options import ApplyOptions

EPILOG = "Exit codes: 0 everything was green, 1 something was not. No process is left, whatever happens."
_WIDTH = 140


def demo(base_path: BasePath = None, config: ConfigFile = None) -> None:
    """Show the whole chain on an embedded AWS: hierarchy, plan, apply, delivered ARNs, checks, an idle second apply.

    Uses the examples of the project unless --base-path names another repository. The history of runs is deleted with
    the embedded AWS, unless DAGSTER_HOME names a folder.
    """
    use_settings(config)
    root = repository(base_path or examples())
    failures, started = Failures(), time.monotonic()
    take_operator_settings(root)
    with embedded_account(read(root, origin=MANIFESTS)) as desired, _embedded_aws(desired) as aws:
        stacks = usable(desired, None, failures)
        green = _tell(aws, desired, stacks, failures)
    title(f"{'All green' if green and not failures.texts else 'Not green'} after {time.monotonic() - started:.0f} s.")
    _lines(["`make dev`, or `secrets-pipeline dev`, applies the same stacks and shows them in Dagster's UI."])
    if not green or failures.texts:
        raise typer.Exit(FAILED)


def _tell(aws: LocalAws, desired: OpenRepository, stacks: Sequence[str], failures: Failures) -> bool:
    """Go through the chain; whether every run and check was green, and the second apply idle."""
    show_lines(hierarchy(desired.specs[stack] for stack in stacks))
    plans = plan_all(desired.assemble(), stacks, failures)
    title("Plan: " + "; ".join(f"{plan.stack} {plan.counted}" for plan in plans))
    title("Apply")
    richest = _richest(desired, stacks)
    first = _apply(desired, stacks, failures, in_full=richest)
    title("Delivered, as AWS holds it now")
    assembly = desired.assemble()
    held: list[tuple[str, Delivered]] = []
    for stack in stacks:
        with failures.of(stack):
            held += [(stack, entry) for entry in delivered(assembly.stack(stack))]
    _lines(delivered_lines(held, richest))
    checks = [check for one in first for check in one.checks]
    title(check_counts(checks, left_out=any(one.report.left_out for one in first)))
    _lines(check_lines(checks))
    readers = read_answers(desired, stacks)
    title("Who can read, by the policies and by AWS itself")
    _lines(reading_lines(readers))
    emulator.reset_calls(aws)
    second = _apply(desired, stacks, failures, in_full=None)
    counted = call_counts(emulator.calls(aws))
    title(f"Second apply, counted at the server: {counted}")
    rotated = rotate(desired, stacks, aws)
    if rotated is not None:
        title("Rotate now; AWS's events reach the queue, and the sensor asks for the run that follows them")
        _lines(rotation_lines(rotated))
    green = all(one.green and all(check.passed for check in one.checks) for one in [*first, *second])
    return green and counted.idle and all(one.agrees for one in readers) and (rotated is None or rotated.green)


def _richest(desired: OpenRepository, stacks: Sequence[str]) -> str:
    """The stack that is told of in full: the one with the most secrets, databases, consumers and rotations."""

    def wealth(stack: str) -> int:
        spec = desired.specs[stack]
        rotating = [secret for secret in spec.secrets if secret.rotation]
        return sum(map(len, (spec.secrets, spec.databases, spec.consumers, spec.deliveries, rotating)))

    return max(stacks, key=wealth, default="")


def _apply(
    desired: OpenRepository, stacks: Sequence[str], failures: Failures, *, in_full: str | None
) -> list[StackRun]:
    """Apply stack by stack, and tell of one in full; of none at all, and without a probe, if that is None."""

    def run(stack: str) -> StackRun:
        one = run_here(stack, desired, ApplyOptions(), lines=False, probe=in_full is not None)
        if in_full is not None:
            _lines(stage_lines(one.report) if stack == in_full or not one.green else [stack_line(one.report)])
        return one

    return run_all(stacks, run, failures)


@contextmanager
def _embedded_aws(desired: OpenRepository) -> Iterator[LocalAws]:
    """An embedded AWS that every AWS client of this process talks to; it ends with the block, or with this process."""
    # The folder goes last: signals may come as long as it is there.
    with (
        ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="secrets-pipeline-", ignore_cleanup_errors=True) as folder,
    ):
        state_dir = Path(folder)
        for name in [*_foreign_settings(), READ_ONLY_VARIABLE]:
            os.environ.pop(name, None)
        # Whatever the user's files say of profiles and endpoints: nothing leaves the embedded AWS.
        os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
        try:
            aws = start_for(desired.specs, state_dir, die_with_parent=True)
            os.environ.update(aws.environment())
            if not os.environ.get(HOME_VARIABLE):
                os.environ[HOME_VARIABLE] = str(state_dir / HISTORY_FOLDER)
            runs.prepare_home(desired.specs)
            yield aws
        finally:
            emulator.stop(state_dir)


def _foreign_settings() -> list[str]:
    """AWS settings of the user's, which must not lead anywhere else."""
    return [name for name in os.environ if name.startswith("AWS_")]


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        shown = Text(line)
        shown.truncate(_WIDTH, overflow="ellipsis")
        show(shown)
