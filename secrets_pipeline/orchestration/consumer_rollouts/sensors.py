"""Define the sensor that follows what `consumer_refresh` started: it observes ended rollouts, and alerts of failed.

What is on its way stands in the asset's latest materialisation of each stack; the cursor says which of it was told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.provisioning.rollouts import of_materialization
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.round_robin import in_turn
from secrets_pipeline.orchestration.shared.run_requests import Job, run_request, with_stack_tags
from secrets_pipeline.orchestration.verification.jobs import VERIFY_JOB
from secrets_pipeline.reconcilers.consumer.interface import Progress
from secrets_pipeline.reconcilers.consumer.refresh import InFlight, rollout_now
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.stack import Stack

REFRESHED = "consumer_refresh"
CHECK = "consumers_started_after_rotation"
PATIENCE = timedelta(hours=1)
"""A rollout that takes longer is told as failed."""
_RECORDS_PER_TICK = 200
_INTERVAL = 30
_SECONDS = 30.0
"""From the start of a tick, which Dagster ends after 60 seconds."""


class _Told(NamedTuple):
    """What a tick says of the rollouts of one stack that have ended."""

    stack: str
    storage_id: int
    consumers: Sequence[str]
    events: Sequence[dg.AssetObservation]


@dataclass
class Cursor:
    """The cursor of the sensor: what earlier ticks came to.

    Attributes:
        after: the latest materialisation that was looked at.
        flying: stack → materialisation whose rollouts are followed.
        told: stack → names of those of its rollouts that have ended and were told.
    """

    after: int | None = None
    flying: dict[str, int] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Read the cursor of the last tick; an empty one for the first."""
        return cls(**json.loads(text)) if text else cls()

    def write(self) -> str:
        """Write the cursor as Dagster keeps it."""
        return json.dumps(vars(self), sort_keys=True)

    def note(self, stack: str, storage_id: int, *, flies: bool) -> None:
        """Put a materialisation in the place of the stack's earlier ones."""
        self.after = storage_id
        self.forget(stack)
        if flies:
            self.flying[stack] = storage_id

    def forget(self, stack: str) -> None:
        """Drop what is followed of a stack: nothing of it is on its way any more."""
        self.flying.pop(stack, None)
        self.told.pop(stack, None)


def consumer_rollout_sensor_for(names: Names, verify: Job) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        names: of the code location.
        verify: the job that evaluates checks.
    """

    @dg.sensor(
        name=names.of("consumer_rollout_sensor"),
        job=verify,
        minimum_interval_seconds=_INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Follows consumers that were started anew until their rollouts end, and alerts of those that fail.",
    )
    def consumer_rollout_sensor(
        context: dg.SensorEvaluationContext,
        secrets_pipeline_stacks: dg.ResourceParam[Stacks],
        secrets_pipeline_alerting: dg.ResourceParam[Alerting],
    ) -> dg.SensorResult:
        """Look for new rollouts, then at those on their way."""
        cursor, deadline = Cursor.read(context.cursor), time.monotonic() + _SECONDS
        asset = names.asset(REFRESHED)
        _look_for_new(context.instance, asset, cursor)
        told: list[_Told] = []
        # A stack that left the repository has lost its partition.
        for stack in cursor.flying.keys() - names.stacks(context.instance):
            cursor.forget(stack)
        for stack in in_turn(sorted(cursor.flying), int(time.time() // _INTERVAL)):
            if time.monotonic() > deadline:
                break
            try:
                told += _follow(context, asset, secrets_pipeline_stacks.stack(stack), cursor, secrets_pipeline_alerting)
            except SecretsPipelineError as error:
                # The next tick tries again; what the stack's materialisation says is not lost.
                context.log.warning("rollouts of stack %s cannot be followed: %s", stack, error.diagnostics())
        flying = f"on their way: {', '.join(sorted(cursor.flying))}" if cursor.flying else "no rollout is on its way"
        checks = [_check(names, one) for one in told]
        return dg.SensorResult(
            asset_events=[event for one in told for event in one.events],
            run_requests=with_stack_tags(secrets_pipeline_stacks.desired, checks) if checks else [],
            skip_reason=None if told else flying,
            cursor=cursor.write(),
        )

    return consumer_rollout_sensor


def _look_for_new(instance: dg.DagsterInstance, asset: dg.AssetKey, cursor: Cursor) -> None:
    wanted = dg.AssetRecordsFilter(asset_key=asset, after_storage_id=cursor.after)
    for record in instance.fetch_materializations(wanted, limit=_RECORDS_PER_TICK, ascending=True).records:
        event = record.asset_materialization
        if event is not None and event.partition is not None:
            cursor.note(event.partition, record.storage_id, flies=bool(of_materialization(event)))


def _follow(
    context: dg.SensorEvaluationContext, asset: dg.AssetKey, stack: Stack, cursor: Cursor, alerting: Alerting
) -> list[_Told]:
    name = stack.spec.stack
    storage_id, told = cursor.flying[name], cursor.told.get(name, [])
    flying = _rollouts(context.instance, asset, storage_id)
    ended = [
        finding for one in flying if one.name not in told for finding in [_ended(stack, one)] if finding is not None
    ]
    if not ended:
        return []
    for finding in ended:
        if finding.verdict is Verdict.WRONG:
            context.log.error("stack %s: %s: %s", name, finding.name, finding.detail)
            alerting.say(_alert(name, finding, alerting), context.instance, context.log)
    cursor.told[name] = [*told, *(finding.name for finding in ended)]
    if len(cursor.told[name]) >= len({one.name for one in flying}):
        cursor.forget(name)
    return [_Told(name, storage_id, [one.name for one in ended], list(_observed(asset, name, ended)))]


def _rollouts(instance: dg.DagsterInstance, asset: dg.AssetKey, storage_id: int) -> Sequence[InFlight]:
    wanted = dg.AssetRecordsFilter(asset_key=asset, storage_ids=[storage_id])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        if record.asset_materialization is not None:
            return of_materialization(record.asset_materialization)
    return []


def _ended(stack: Stack, one: InFlight) -> Finding | None:
    """What became of a rollout; None while it goes on."""
    found = rollout_now(stack, one)
    if found is None:
        return Finding(one.name, Verdict.RIGHT, "is gone")
    if found.progress is Progress.FAILED:
        return Finding(one.name, Verdict.WRONG, f"could not be started anew: {found.detail}")
    if found.progress is Progress.COMPLETED:
        return Finding(one.name, Verdict.RIGHT, found.detail or "completed")
    asked = one.rollout.asked_at
    if asked is not None and datetime.now(UTC) - asked > PATIENCE:
        return Finding(one.name, Verdict.WRONG, f"has been on its way since {asked:%Y-%m-%d %H:%M} UTC: {found.detail}")
    return None


def _observed(asset: dg.AssetKey, stack: str, ended: Sequence[Finding]) -> Iterator[dg.AssetObservation]:
    for finding in ended:
        state = Progress.FAILED if finding.verdict is Verdict.WRONG else Progress.COMPLETED
        yield dg.AssetObservation(
            asset_key=asset,
            partition=stack,
            description=f"{finding.name}: {state.value}",
            metadata={"consumer": finding.name, "rollout": state.value, "detail": finding.detail},
        )


def _check(names: Names, told: _Told) -> dg.RunRequest:
    """The asset's check, looked at again now that something changed.

    By a run: of an evaluation without one, Dagster's storage keeps one a partition, for ever.
    """
    key = f"rollouts:{told.storage_id}:{','.join(told.consumers)}"
    request = run_request(names.of(VERIFY_JOB), told.stack, key=key)
    return request.with_replaced_attrs(asset_check_keys=[dg.AssetCheckKey(names.asset(REFRESHED), CHECK)])


def _alert(stack: str, finding: Finding, alerting: Alerting) -> Alert:
    text = (
        f"{finding.name} of stack {stack} {finding.detail}\n\n"
        "What ran before goes on running with an older value of its secrets. Mend the cause, then apply the stack.\n\n"
        f"{alerting.link('/assets/consumer_refresh?view=checks')}"
    )
    return Alert(
        subject=f"{stack}: {finding.name} could not be started anew",
        text=text,
        stack=stack,
        cause="refresh-failed",
        about=finding.name,
    )
