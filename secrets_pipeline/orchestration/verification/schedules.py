"""Define the schedule that requests `verify` of each stack when its settings, or the operator's, say."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg
from cronsim import CronSim

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import Job, run_request, stack_tags
from secrets_pipeline.orchestration.verification.jobs import VERIFY_JOB
from secrets_pipeline.orchestration.verification.retention import purge_verifications

VERIFICATION_SCHEDULE: Final = "verification_schedule"
DUE_TAG = "secrets-pipeline/verification-due"
"""When the verification was due that a run is, ISO 8601 in UTC."""
TICK = timedelta(minutes=15)
_SPREAD = timedelta(hours=2)
"""Each stack begins at its own share of this time, so that a thousand stacks do not begin at once."""
_KEPT = timedelta(days=30)
"""How long verifications are kept; the last one of each stack stays."""
_BEGINNING, _FORMAT = "2000-01-01", "%Y-%m-%d"
_SCHEDULE_TAG = "dagster/schedule_name"


def verification_schedule_for(names: Names, verify: Job) -> dg.ScheduleDefinition:
    """Make the schedule.

    Args:
        names: of the code location.
        verify: the job that evaluates checks.
    """

    @dg.schedule(
        name=names.of(VERIFICATION_SCHEDULE),
        job=verify,
        cron_schedule=f"*/{TICK // timedelta(minutes=1)} * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Looks every quarter of an hour whose verification is due (by default between 06:00 and 08:00 UTC "
        "each day) and runs `verify` for those stacks: rotation on time, not stuck, its function; logins, values, and "
        "who can read.",
    )
    def verification_schedule(
        context: dg.ScheduleEvaluationContext, secrets_pipeline_stacks: dg.ResourceParam[Stacks]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        """One run for each stack whose due time has come since the last one; a stack with errors is said."""
        now = context.scheduled_execution_time.astimezone(UTC)
        try:
            desired = secrets_pipeline_stacks.read()
        except SecretsPipelineError as error:
            yield dg.SkipReason(f"The stacks cannot be read: {error.diagnostics()}")
            return
        for stack, errors in sorted(desired.errors.items()):
            problems = "; ".join(error.diagnostics() for error in errors)
            context.log.warning("%s is not verified, it has errors: %s", stack or "The repository", problems)
        known = names.stacks(context.instance)
        due = {stack: latest(spec, now) for stack, spec in desired.specs.items() if stack in known}
        asked = _open(context.instance, names, due, now)
        for stack in asked:
            moment = _text(due[stack])
            tags = {**stack_tags(desired, stack), DUE_TAG: moment}
            yield run_request(names.of(VERIFY_JOB), stack, key=f"verification:{moment}", tags=tags)
        purged = purge_verifications(context.instance, names.of(VERIFY_JOB), now, _KEPT)
        if not asked:
            gone = f" {purged} verifications of more than {_KEPT.days} days ago were deleted." if purged else ""
            yield dg.SkipReason(f"{len(due)} stacks, none of them due.{gone}")

    return verification_schedule


def latest(spec: StackSpec, now: datetime) -> datetime:
    """Return the last moment up to now at which a stack was due: by its cron, and its own share of two hours."""
    verification = spec.verification
    share = int(hashlib.sha256(spec.stack.encode()).hexdigest(), 16) % (_SPREAD // TICK) * TICK
    # The moments that CronSim goes back through lie before the one it is given.
    behind = (now - share).replace(microsecond=0) + timedelta(seconds=1)
    local = behind.astimezone(ZoneInfo(verification.timezone))
    return next(CronSim(verification.cron, local, reverse=True)).astimezone(UTC) + share


def _open(instance: dg.DagsterInstance, names: Names, due: Mapping[str, datetime], now: datetime) -> list[str]:
    """The stacks whose latest moment nobody has verified; two queries, however many they are.

    A stack that was never verified by this schedule is due from its next moment on; one that was, also for what was
    missed while nobody ran the schedule, once.
    """
    schedule = {_SCHEDULE_TAG: names.of(VERIFICATION_SCHEDULE)}
    moments = sorted({_text(moment) for moment in due.values()})
    answered = _verified(instance, {**schedule, DUE_TAG: moments}) if moments else {}
    left = sorted(stack for stack, moment in due.items() if _text(moment) not in answered.get(stack, ()))
    missed = [stack for stack in left if due[stack] <= now - TICK]
    before = _verified(instance, {**schedule, PARTITION_TAG: missed}) if missed else {}
    return [stack for stack in left if due[stack] > now - TICK or stack in before]


def _verified(instance: dg.DagsterInstance, tags: Mapping[str, str | list[str]]) -> Mapping[str, set[str]]:
    """Stack → moments for which a run was asked for."""
    found: dict[str, set[str]] = {}
    for run in instance.get_runs(dg.RunsFilter(tags=tags)):
        found.setdefault(run.tags.get(PARTITION_TAG, ""), set()).add(run.tags.get(DUE_TAG, ""))
    return found


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
