"""Define the schedule that requests `verify` of each stack when its settings, or the operator's, say."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from cronsim import CronSim

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.verification.model import VerificationSpec
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, STACKS
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_commit import at_commit
from secrets_pipeline.orchestration.shared.run_requests import run_request
from secrets_pipeline.orchestration.verification.jobs import verify

DUE_TAG = "secrets-pipeline/verification-due"
"""When the verification was due that a run is, ISO 8601 in UTC."""
TICK = timedelta(minutes=15)
_BEGINNING, _FORMAT = "2000-01-01", "%Y-%m-%d"
_NAME = "rotation_verification_schedule"
_SCHEDULE_TAG = "dagster/schedule_name"


@dg.schedule(
    name=_NAME,
    job=verify,
    cron_schedule=f"*/{TICK // timedelta(minutes=1)} * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Looks every quarter of an hour whose verification is due (by default at 06:00 UTC each day) and runs "
    "`verify` for those stacks: rotation on time, not stuck, its function; logins, values, and who can read.",
)
def rotation_verification_schedule(
    context: dg.ScheduleEvaluationContext, stacks: dg.ResourceParam[Stacks]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for each stack whose due time has come since the last one; a stack with errors is said."""
    now = context.scheduled_execution_time.astimezone(UTC)
    try:
        desired = stacks.read()
    except SecretsPipelineError as error:
        yield dg.SkipReason(f"The stacks cannot be read: {error.diagnostics()}")
        return
    known = set(context.instance.get_dynamic_partitions(str(STACKS.name)))
    for stack, errors in sorted(desired.errors.items()):
        problems = "; ".join(error.diagnostics() for error in errors)
        context.log.warning("%s is not verified, it has errors: %s", stack or "The repository", problems)
    asked = 0
    for stack, spec in sorted(desired.specs.items()):
        due = _due(context, spec, now) if stack in known else None
        if due is not None:
            asked += 1
            moment = due.isoformat(timespec="minutes")
            asked_for = run_request(verify.name, stack, key=f"verification:{moment}", tags={DUE_TAG: moment})
            yield from at_commit(desired, [asked_for])
    if not asked:
        yield dg.SkipReason("No stack is due.")


def _due(context: dg.ScheduleEvaluationContext, spec: StackSpec, now: datetime) -> datetime | None:
    """The latest moment at which a stack was due, unless a run answered it already.

    A stack that was never verified by this schedule is due from its next moment on; one that was, also for what was
    missed while nobody ran the schedule, once.
    """
    due = latest(spec.verification, now)
    since = _answered(context.instance, spec.stack) or now - TICK
    return due if due > since else None


def latest(verification: VerificationSpec, now: datetime) -> datetime:
    """Return the last moment up to now that the settings name."""
    # The moments that CronSim goes back through lie before the one it is given.
    behind = now.replace(microsecond=0) + timedelta(seconds=1)
    local = behind.astimezone(ZoneInfo(verification.timezone))
    return next(CronSim(verification.cron, local, reverse=True)).astimezone(UTC)


def _answered(instance: dg.DagsterInstance, stack: str) -> datetime | None:
    """When the verification was due that this schedule asked for last."""
    tags = {PARTITION_TAG: stack, _SCHEDULE_TAG: _NAME}
    for run in instance.get_runs(dg.RunsFilter(job_name=verify.name, tags=tags), limit=1):
        if DUE_TAG in run.tags:
            return datetime.fromisoformat(run.tags[DUE_TAG])
    return None


SCHEDULES = (rotation_verification_schedule,)
