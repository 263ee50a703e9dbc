"""Run the Dagster jobs. Importing Dagster takes 1.6 s, so it happens in here, when a command needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from secrets_pipeline.operations.open_repository import OpenRepository
    from secrets_pipeline.orchestration.in_process.rotation_runs import EventRuns
    from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport
    from secrets_pipeline.orchestration.shared.resources import StageProgress
    from secrets_pipeline.reconcilers.apply_options import ApplyOptions
    from secrets_pipeline.rotation.steps import Watch

_INTERRUPTED = "DagsterExecutionInterruptedError"


def prepare_home(stacks: Iterable[str]) -> None:
    """Make DAGSTER_HOME, name it in the environment, and add the partitions of stacks."""
    from secrets_pipeline.orchestration.in_process.instance import open_instance  # noqa: PLC0415 - see the module's docstring
    from secrets_pipeline.orchestration.in_process.running import called  # noqa: PLC0415 - see the module's docstring
    from secrets_pipeline.orchestration.shared.partitions import add_missing  # noqa: PLC0415 - see the module's docstring

    with open_instance() as instance:
        add_missing(instance, stacks, called())


def provision(
    stack: str,
    desired: OpenRepository,
    options: ApplyOptions,
    progress: StageProgress,
    *,
    probe: bool = False,
) -> tuple[RunReport, tuple[CheckRow, ...]]:
    """Run the `provision` job of a stack in this process; see `in_process.running`.

    Raises:
        KeyboardInterrupt: if SIGINT or SIGTERM ended the run.
    """
    from secrets_pipeline.orchestration.in_process import running  # noqa: PLC0415 - see the module's docstring

    report, checks = running.provision(
        stack, base_path=desired.base_path, options=options, desired=desired, progress=progress, probe=probe
    )
    _interrupt_if_so(report.error)
    return report, checks


def verify(
    stack: str, desired: OpenRepository, progress: StageProgress, *, probe: bool = False
) -> tuple[CheckRow, ...]:
    """Run every check of a stack in this process; see `in_process.running`.

    Raises:
        KeyboardInterrupt: if SIGINT or SIGTERM ended the run.
    """
    from secrets_pipeline.orchestration.in_process import running  # noqa: PLC0415 - see the module's docstring

    checks = running.verify(stack, base_path=desired.base_path, desired=desired, progress=progress, probe=probe)
    for check in checks:
        _interrupt_if_so(None if check.passed else check.detail)
    return checks


def rotate(stack: str, names: Sequence[str], desired: OpenRepository, watch: Watch, seconds: float) -> RunReport:
    """Rotate secrets of a stack in this process; see `in_process.rotation_runs`.

    Raises:
        KeyboardInterrupt: if SIGINT or SIGTERM ended the run.
    """
    from secrets_pipeline.orchestration.in_process import rotation_runs  # noqa: PLC0415 - see the module's docstring

    report = rotation_runs.rotate(stack, names, desired=desired, watch=watch, seconds=seconds)
    _interrupt_if_so(report.error)
    return report


def follow(stack: str, desired: OpenRepository, progress: StageProgress) -> tuple[RunReport, tuple[CheckRow, ...]]:
    """Render again and refresh what a rotation changed, and check it; see `in_process.rotation_runs`.

    Raises:
        KeyboardInterrupt: if SIGINT or SIGTERM ended the run.
    """
    from secrets_pipeline.orchestration.in_process import rotation_runs  # noqa: PLC0415 - see the module's docstring

    report, checks = rotation_runs.follow(stack, desired=desired, progress=progress)
    _interrupt_if_so(report.error)
    return report, checks


def follow_events(desired: OpenRepository, stack: str) -> EventRuns:
    """Receive once from the queue of events (SQS), and run what the sensor asks for; see `in_process.rotation_runs`."""
    from secrets_pipeline.orchestration.in_process import rotation_runs  # noqa: PLC0415 - see the module's docstring

    return rotation_runs.follow_events(desired, stack)


def queue(stack: str, url: str, timeout: float, desired: OpenRepository, *, deep: bool) -> RunReport:
    """Submit the `provision` job of a stack to a running deployment; see `in_process.running`."""
    from secrets_pipeline.orchestration.in_process import running  # noqa: PLC0415 - see the module's docstring

    return running.queue(stack, url=url, revision=desired.revision, deep=deep, timeout=timeout)


def _interrupt_if_so(error: str | None) -> None:
    # Dagster takes the signal, ends the run and returns as from any failed one: the next stack would follow.
    if error is not None and _INTERRUPTED in error:
        raise KeyboardInterrupt
