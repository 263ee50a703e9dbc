"""Define the job that explains and repeats a failed rotation, and say when its next try is due.

What a run knows of each rotation (which try, and when the next one is due) is in its observation, so that it survives
daemons.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.operations.repair_rotation import NothingToRepair, UnfinishedRotation, repair_rotations
from secrets_pipeline.orchestration.alerts.alerting import ALERTED_TAG, Alerting
from secrets_pipeline.orchestration.applying.stage_runner import Applying
from secrets_pipeline.orchestration.pages.lines import lines_of
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of, program_data
from secrets_pipeline.orchestration.shared.backoff import BACKOFF_SECONDS
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partition_tags import PartitionTags
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, stack_of
from secrets_pipeline.orchestration.shared.priorities import REPAIR, priority
from secrets_pipeline.orchestration.shared.run_requests import run_request, secrets_of

TRIES = "tries"
"""In the data of the observation: secret name → its pending version, tries so far, and when the next one is due."""
OBSERVED: Final = "secret_rotation"
ON_ROTATION_FAILURE: Final = "on_rotation_failure"
_PATIENCE_TRIES = 2
"""What may pass by itself is alerted when the second try, after eleven minutes, has not ended it."""
_MOST_CRASHES = 3
_LOOK_BACK = timedelta(seconds=2 * sum(BACKOFF_SECONDS))
_MOST_RUNS = 1_000
_MOST_OBSERVATIONS = 100
_ENDED = frozenset({dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED})


@dataclass(frozen=True, slots=True)
class Try:
    """The tries of a failed rotation so far.

    Attributes:
        version: the pending version.
        tries: how often it was, or could have been, started again.
        due: when to look again, in seconds since 1970; None when that is given up.
    """

    version: str
    tries: int
    due: float | None

    def is_due(self, now: float) -> bool:
        """Tell whether it is time to try again."""
        return self.due is not None and now >= self.due

    def following(self, now: float) -> "Try":
        """Return the tries after one more."""
        return Try(self.version, self.tries + 1, _due(self.tries + 1, now))


def _due(tries: int, now: float) -> float | None:
    return now + BACKOFF_SECONDS[tries] if tries < len(BACKOFF_SECONDS) else None


def _repair_and_alert(
    context: dg.OpExecutionContext, applying: Applying, alerting: Alerting, names: Names
) -> Iterator[dg.AssetObservation | dg.Output[None]]:
    """Log one observation; alert what a human has to mend, and fail then."""
    stack, now = stack_of(context), time.time()
    before = next((told for _, told in _told(context.instance, names, stack)), {})

    def may_retry(name: str, version: str) -> bool:
        known = before.get(name)
        return known is not None and known.version == version and known.is_due(now)

    # Nothing is made here, so the context is that of a run that reads.
    looked = repair_rotations(applying.stack(stack, writing=False), secrets_of(context.run), may_retry)
    unfinished = [one for one in looked if isinstance(one, UnfinishedRotation)]
    looked_at = {one.name for one in looked}
    after = {name: known for name, known in before.items() if name not in looked_at}
    after |= {one.name: _next(before.get(one.name), one, now) for one in unfinished}
    lines = [_line(one, after) for one in looked]
    # Yielded, as what is logged is lost with a failure.
    yield dg.AssetObservation(
        asset_key=names.asset(OBSERVED),
        partition=stack,
        metadata={
            "mending": lines_of("secrets", lines),
            DATA: program_data({TRIES: {name: asdict(known) for name, known in after.items()}}),
        },
    )
    applying.confirm()
    stuck = [one for one in unfinished if _is_for_humans(one, after[one.name])]
    for one in stuck:
        link = alerting.link(f"/runs/{context.run_id}")
        alerting.say(_alert(stack, one, after[one.name], link), context.instance, context.log)
    if stuck:
        context.instance.add_run_tags(context.run_id, {ALERTED_TAG: context.run_id})
        raise dg.Failure("\n".join(f"{one.name}: {one.cause}" for one in stuck), allow_retries=False)
    yield dg.Output(None)


def mend_job(names: Names, config: PartitionTags) -> dg.JobDefinition:
    """Define the job."""

    @dg.op(description="Look at rotations reported as failed, name the cause, and retry if it may pass by itself.")
    def mend_rotations(
        context: dg.OpExecutionContext,
        secrets_pipeline_applying: dg.ResourceParam[Applying],
        secrets_pipeline_alerting: dg.ResourceParam[Alerting],
    ) -> Iterator[dg.AssetObservation | dg.Output[None]]:
        yield from _repair_and_alert(context, secrets_pipeline_applying, secrets_pipeline_alerting, names)

    @dg.job(
        name=names.of(ON_ROTATION_FAILURE),
        partitions_def=names.partitions,
        config=config,
        executor_def=dg.in_process_executor,
        tags=dict(priority(REPAIR)),
        description="After a rotation failed or was abandoned: verify, say why, and try again after growing pauses.",
    )
    def on_rotation_failure() -> None:
        mend_rotations()

    return on_rotation_failure


def due_retries(instance: dg.DagsterInstance, names: Names, now: float) -> Iterator[dg.RunRequest]:
    """Request a run for each stack with a rotation whose next try is due.

    Args:
        instance: whose runs say so.
        names: of the code location.
        now: seconds since 1970.
    """
    job = names.of(ON_ROTATION_FAILURE)
    by_stack: dict[str, list[dg.DagsterRun]] = {}
    since = datetime.fromtimestamp(now, UTC) - _LOOK_BACK
    for run in instance.get_runs(dg.RunsFilter(job_name=job, updated_after=since), limit=_MOST_RUNS):
        by_stack.setdefault(run.tags.get(PARTITION_TAG, ""), []).append(run)
    for stack, runs in by_stack.items():
        if not stack or any(run.status not in _ENDED for run in runs):
            continue
        run_id, told = next(_told(instance, names, stack), ("", {}))
        crashed = next((number for number, run in enumerate(runs) if run.run_id == run_id), _MOST_CRASHES)
        due = {name: known for name, known in told.items() if known.is_due(now)}
        if due and crashed < _MOST_CRASHES:
            # A run that crashed before it said anything is asked for again, under another key.
            tries = max(known.tries for known in due.values()) + 1
            yield run_request(job, stack, key=f"retry:{run_id}:{crashed}", secrets=due, attempt=1 + tries)


def _told(instance: dg.DagsterInstance, names: Names, stack: str) -> Iterator[tuple[str, dict[str, Try]]]:
    """What runs of the job said of a stack, the latest first: run id, and the tries of each secret."""
    wanted = dg.AssetRecordsFilter(asset_key=names.asset(OBSERVED), asset_partitions=[stack])
    for record in instance.fetch_observations(wanted, limit=_MOST_OBSERVATIONS).records:
        said = data_of(record.asset_observation.metadata if record.asset_observation else None).get(TRIES)
        if isinstance(said, dict):
            yield record.run_id, {str(name): Try(**known) for name, known in said.items()}


def _next(known: Try | None, one: UnfinishedRotation, now: float) -> Try:
    if known is None or known.version != one.version:
        return Try(one.version, 0, _due(0, now))
    return known.following(now) if known.is_due(now) else known


def _is_for_humans(one: UnfinishedRotation, known: Try) -> bool:
    return not one.cause.passes or known.due is None or known.tries >= _PATIENCE_TRIES


def _line(one: NothingToRepair | UnfinishedRotation, after: Mapping[str, Try]) -> str:
    if isinstance(one, NothingToRepair):
        return f"{one.name}: nothing to do, {one.reason}"
    due = after[one.name].due
    following = f"next try {datetime.fromtimestamp(due, UTC):%Y-%m-%d %H:%M:%S} UTC" if due else "given up"
    outcome = "started again" if one.retried else "waits" if one.cause.passes else "not tried again"
    return f"{one.name}: {outcome} ({one.cause}), {following}"


def _alert(stack: str, one: UnfinishedRotation, known: Try, link: str) -> Alert:
    given_up = "" if known.due is not None else f" It was looked at {known.tries} times, and is given up now."
    command = f"Then `secrets-pipeline rotate {one.name}` goes on with version {one.version}."
    return Alert(
        subject=f"{stack}: the rotation of {one.name} failed: {one.cause.kind.value}",
        text=f"{one.cause}.{given_up}\n\n{one.cause.remedy} {command}\n{link}",
        stack=stack,
        cause="rotation-failed",
        about=f"{one.name}: {one.cause.kind.value}{': given up' if given_up else ''}",
    )
