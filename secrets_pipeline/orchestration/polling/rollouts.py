"""Follow what `consumer_refresh` started: observe rollouts that ended, and alert of those that failed.

What is on its way stands in the asset's latest materialisation of each stack; the cursor says which of it was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.pages.metadata import known_fields
from secrets_pipeline.orchestration.polling.tick import Found, Known, Part, Tick
from secrets_pipeline.orchestration.provisioning.rollouts import of_materialization
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.round_robin import in_turn
from secrets_pipeline.orchestration.shared.run_requests import run_request
from secrets_pipeline.reconcilers.consumer.interface import Progress
from secrets_pipeline.reconcilers.consumer.refresh import InFlight, rollout_now
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.stack import Stack

REFRESHED = "consumer_refresh"
CHECK = "consumers_started_after_rotation"
PATIENCE = timedelta(hours=1)
"""A rollout that takes longer is told as failed."""
_RECORDS_PER_TICK = 200


class _Told(NamedTuple):
    """What a tick says of the rollouts of one stack that have ended."""

    stack: str
    storage_id: int
    consumers: Sequence[str]
    events: Sequence[dg.AssetObservation]


@dataclass
class Cursor:
    """The result of earlier ticks.

    Attributes:
        after: the latest materialisation that was looked at.
        flying: stack → materialisation whose rollouts are followed.
        told: stack → names of those of its rollouts that have ended and were told.
    """

    after: int | None = None
    flying: dict[str, int] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, known: Known) -> Cursor:
        """Read what the last tick knew; an empty one for the first."""
        # A tick that breaks keeps what it knew: nothing of that is changed in place.
        return cls(**deepcopy(dict(known_fields(cls, known))))

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


def rollouts_part(names: Names, verify: str) -> Part:
    """Make the part of a tick that looks for new rollouts, then at those on their way.

    Args:
        names: of the code location.
        verify: name of the job that evaluates checks.
    """
    asset = names.asset(REFRESHED)

    def look(tick: Tick, known: Known) -> Found:
        cursor, instance = Cursor.read(known), tick.context.instance
        _look_for_new(instance, asset, cursor)
        told: list[_Told] = []
        # A stack that left the repository has lost its partition.
        for stack in cursor.flying.keys() - names.stacks(instance):
            cursor.forget(stack)
        assembly = tick.stacks.desired.assemble(tick.sessions)
        for stack in in_turn(sorted(cursor.flying), tick.number):
            if tick.is_late():
                break
            try:
                told += _follow(tick, asset, assembly.stack(stack), cursor)
            except SecretsPipelineError as error:
                # The next tick tries again; what the stack's materialisation says is not lost.
                tick.context.log.warning("rollouts of stack %s cannot be followed: %s", stack, error.diagnostics())
        flying = f"on their way: {', '.join(sorted(cursor.flying))}" if cursor.flying else "no rollout is on its way"
        requests = [_check(names, verify, one) for one in told]
        return Found(vars(cursor), flying, requests, [event for one in told for event in one.events])

    return look


def _look_for_new(instance: dg.DagsterInstance, asset: dg.AssetKey, cursor: Cursor) -> None:
    wanted = dg.AssetRecordsFilter(asset_key=asset, after_storage_id=cursor.after)
    for record in instance.fetch_materializations(wanted, limit=_RECORDS_PER_TICK, ascending=True).records:
        event = record.asset_materialization
        if event is not None and event.partition is not None:
            cursor.note(event.partition, record.storage_id, flies=bool(of_materialization(event)))


def _follow(tick: Tick, asset: dg.AssetKey, stack: Stack, cursor: Cursor) -> list[_Told]:
    context, alerting, name = tick.context, tick.alerting, stack.spec.stack
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
            link = alerting.link_to_check(dg.AssetCheckKey(asset, CHECK), name)
            alerting.say(_alert(name, finding, link), context.instance, context.log)
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


def _check(names: Names, verify: str, told: _Told) -> dg.RunRequest:
    """The asset's check, looked at again now that something changed.

    By a run: of an evaluation without one, Dagster's storage keeps one a partition, for ever.
    """
    key = f"rollouts:{told.storage_id}:{','.join(told.consumers)}"
    request = run_request(verify, told.stack, key=key)
    return request.with_replaced_attrs(asset_check_keys=[dg.AssetCheckKey(names.asset(REFRESHED), CHECK)])


def _alert(stack: str, finding: Finding, link: str) -> Alert:
    text = (
        f"{finding.name} of stack {stack} {finding.detail}\n\n"
        "What ran before goes on running with an older value of its secrets. Mend the cause, then apply the stack.\n\n"
        f"{link}"
    )
    return Alert(
        subject=f"{stack}: {finding.name} could not be started anew",
        text=text,
        stack=stack,
        cause="refresh-failed",
        about=finding.name,
    )
