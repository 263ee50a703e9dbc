"""Rotate from the command line, and follow what AWS says of rotations, in this process; see `in_process.running`."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.in_process.running import CheckRow, RunReport, called, checks_of, execute, report_of
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.rotation.event_sensor import rotation_event_sensor_for
from secrets_pipeline.orchestration.sensors import event_jobs
from secrets_pipeline.orchestration.shared.home import prepare_home
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Asked, Stacks, StageProgress, quiet
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG, SECRETS_TAG, commit_tags, events_of, fitting
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.rotate_now.reconciler import DEFAULT_SECONDS
from secrets_pipeline.rotation.steps import Watch, unwatched


@dataclass(frozen=True)
class EventRun:
    """A run that the sensor of events asked for.

    Attributes:
        job: its name.
        events: how many events it answers.
    """

    job: str
    events: int
    report: RunReport
    checks: tuple[CheckRow, ...]


@dataclass(frozen=True)
class EventRuns:
    """What came of one tick of the sensor of events: why there is nothing to run, or the runs."""

    skipped: str
    runs: tuple[EventRun, ...] = ()


def rotate(
    stack: str,
    names: Sequence[str],
    *,
    desired: OpenRepository,
    watch: Watch = unwatched,
    seconds: float = DEFAULT_SECONDS,
) -> RunReport:
    """Run the `rotate_secrets` job for some secrets of one stack; see `in_process.running.provision`.

    Args:
        stack: its name.
        names: of the secrets, whole.
        desired: what has been read of the repository.
        watch: told of each step as it is done.
        seconds: how long to follow a rotation function.
    """
    built = build_definitions(asked=Asked(desired=desired), watch=watch, names=called())
    ops = {"rotate": {"config": {"secrets": list(names), "seconds": seconds}}}
    result = execute(
        "rotate_secrets", stack, built, {**commit_tags(desired), SECRETS_TAG: fitting(sorted(names))}, ops=ops
    )
    return report_of(stack, result)


def follow(
    stack: str, *, desired: OpenRepository, progress: StageProgress = quiet
) -> tuple[RunReport, tuple[CheckRow, ...]]:
    """Run the `on_rotation` job of one stack: render secrets again, restart consumers, run the checks.

    Args:
        stack: its name.
        desired: what has been read of the repository.
        progress: see `StageProgress`.
    """
    built = build_definitions(progress, Asked(desired=desired), names=called())
    names = [secret.name for secret in desired.specs[stack].secrets] if stack in desired.specs else []
    result = execute("on_rotation", stack, built, {**commit_tags(desired), SECRETS_TAG: fitting(names)})
    return report_of(stack, result), checks_of(stack, result)


def follow_events(desired: OpenRepository, stack: str) -> EventRuns:
    """Evaluate the sensor of events once, and run what it asks for in this process, as the daemon does elsewhere.

    Args:
        desired: what has been read of the repository.
        stack: what is followed where the operator's settings name no queue.
    """
    if desired.settings.events is None:
        return EventRuns("", (EventRun("on_rotation", 0, *follow(stack, desired=desired)),))
    home = prepare_home()
    names = called()
    built = build_definitions(asked=Asked(desired=desired), names=names)
    sensor = rotation_event_sensor_for(names, event_jobs(names, jobs(names)))
    stacks = Stacks(desired.base_path, Sessions(), ApplyOptions(), home / "seals", desired=desired)
    with open_instance() as instance:
        answer = sensor(dg.build_sensor_context(instance=instance, resources={"secrets_pipeline_stacks": stacks}))
    if not isinstance(answer, dg.SensorResult):
        return EventRuns(answer.skip_message or "" if isinstance(answer, dg.SkipReason) else "")
    runs = []
    for request in answer.run_requests or ():
        job, partition = names.without(request.job_name or ""), request.tags.get(PARTITION_TAG)
        about = partition or request.tags[ACCOUNT_TAG]
        known_by = {"dagster/run_key": request.run_key or "", "dagster/sensor_name": sensor.name}
        result = execute(job, partition, built, {**request.tags, **known_by})
        runs.append(EventRun(job, len(events_of(request.tags)), report_of(about, result), checks_of(about, result)))
    return EventRuns("", tuple(runs))
