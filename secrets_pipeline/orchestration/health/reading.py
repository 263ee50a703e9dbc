"""Read Dagster's storage: heartbeats, ticks, verifications, the queue. AWS and the repository are not asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeAlias

import dagster as dg
from cronsim import CronSim

from secrets_pipeline.orchestration.health.model import Daemon, Part, Reading, State, Verification, Waiting, Watcher
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.verification.jobs import VERIFY_JOB
from secrets_pipeline.orchestration.verification.schedules import VERIFICATION_SCHEDULE

_InstigatorState: TypeAlias = Any
"""Dagster exports no name for it."""
_PARTS = {"SENSOR": Part.SENSOR, "SCHEDULE": Part.SCHEDULE}
_BETWEEN_SENSORS = 30.0
"""Dagster's default, for a sensor whose state does not say how often it is evaluated."""
_TICKS, _RUNS = 4, 200
"""Read at once, ticks from the newest."""
_OVERLAP_SECONDS = 300.0
"""Runs are found by when they were updated, by the clocks of several hosts."""
_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


class DeploymentReader:
    """Reads one deployment, again and again: a verification that is known is not asked for twice.

    Args:
        names: of the code location.
        own: what belongs to it.
    """

    def __init__(self, names: Names, own: Own) -> None:
        self._names = names
        self._own = own
        self._verified: dict[str, float] = {}
        self._first_runs: dict[str, float] = {}
        self._looked_at: float | None = None

    def read(self, instance: dg.DagsterInstance, defined: Collection[str], *, since: float, now: float) -> Reading:
        """Read how the deployment is.

        Args:
            instance: whose storage.
            defined: names of the sensors and schedules of the code location; what the storage remembers of others,
                which a former version or other settings defined, is passed over. A sensor that the storage does not
                know never ticked.
            since: verifications before it are looked up one by one, in seconds since 1970.
            now: the moment.
        """
        return Reading(
            daemons=[
                Daemon(name, status.last_heartbeat.timestamp if status.last_heartbeat else None)
                for name, status in sorted(instance.get_daemon_statuses().items())
            ],
            watchers=sorted(self._watchers(instance, defined), key=lambda one: (one.part, one.name)),
            verifications=list(self._verifications(instance, since, now)),
            waiting=[*self._queued(instance), *self._starting(instance)],
        )

    def _watchers(self, instance: dg.DagsterInstance, defined: Collection[str]) -> Iterator[Watcher]:
        known = _watchers_of_one_place(instance, defined)
        yield from known
        # The age of verifications says whether this schedule works, or the one that a project has in its place.
        wanted = set(defined) - {self._names.of(VERIFICATION_SCHEDULE)}
        for name in wanted - {one.name for one in known}:
            yield Watcher(Part.SENSOR, name, _BETWEEN_SENSORS, None)

    def _verifications(self, instance: dg.DagsterInstance, since: float, now: float) -> Iterator[Verification]:
        stacks = self._names.stacks(instance)
        for gone in (self._verified.keys() | self._first_runs.keys()) - stacks:
            self._verified.pop(gone, None)
            self._first_runs.pop(gone, None)
        after = since if self._looked_at is None else self._looked_at - _OVERLAP_SECONDS
        self._note(self._verify_runs(instance, updated_after=datetime.fromtimestamp(after, UTC)))
        self._looked_at = now
        unknown = stacks - self._verified.keys() - self._first_runs.keys()
        for stack in sorted(unknown & _stacks_with_runs(instance)) if unknown else ():
            self._note(self._verify_runs(instance, tags={PARTITION_TAG: stack}))
            if stack not in self._verified:
                first = _first_run_at(instance, stack, now - since)
                self._first_runs.update({stack: first} if first is not None else {})
        for stack in sorted(stacks):
            yield Verification(stack, self._verified.get(stack), self._first_runs.get(stack))

    def _verify_runs(
        self,
        instance: dg.DagsterInstance,
        *,
        updated_after: datetime | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[str, float]]:
        succeeded = dg.RunsFilter(
            job_name=self._names.of(VERIFY_JOB),
            statuses=[dg.DagsterRunStatus.SUCCESS],
            updated_after=updated_after,
            tags=tags,
        )
        for record in instance.get_run_records(succeeded, limit=_RUNS if tags else None):
            # One of chosen checks says nothing of the others.
            if record.dagster_run.asset_check_selection is None:
                stack = record.dagster_run.tags.get(PARTITION_TAG, "")
                yield stack, record.end_time or record.update_timestamp.timestamp()

    def _note(self, verified: Iterator[tuple[str, float]]) -> None:
        for stack, at in verified:
            self._verified[stack] = max(at, self._verified.get(stack, at))

    def _queued(self, instance: dg.DagsterInstance) -> Iterator[Waiting]:
        """The one that waits longest; one of a backfill only if nothing is under way: those come last, and may wait."""
        queued = [dg.DagsterRunStatus.QUEUED]
        alone = next(self._ours(instance, dg.RunsFilter(statuses=queued, exclude_subruns=True)), None)
        if alone is None and not any(True for _ in self._ours(instance, dg.RunsFilter(statuses=_UNDER_WAY))):
            alone = next(self._ours(instance, dg.RunsFilter(statuses=queued)), None)
        if alone is not None:
            yield _waiting(alone, State.QUEUED, alone.create_timestamp)

    def _starting(self, instance: dg.DagsterInstance) -> Iterator[Waiting]:
        starting = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING])
        for record in sorted(self._ours(instance, starting), key=lambda one: one.update_timestamp)[:1]:
            yield _waiting(record, State.STARTING, record.update_timestamp)

    def _ours(self, instance: dg.DagsterInstance, wanted: dg.RunsFilter) -> Iterator[dg.RunRecord]:
        """From the first that was made; in pages, as those of others are among them."""
        records = instance.get_run_records(wanted, limit=_RUNS, ascending=True)
        while records:
            yield from (one for one in records if self._own.includes(one.dagster_run))
            last = records[-1].dagster_run.run_id
            records = instance.get_run_records(wanted, limit=_RUNS, ascending=True, cursor=last)


def _stacks_with_runs(instance: dg.DagsterInstance) -> set[str]:
    return {stack for _, stacks in instance.get_run_tags(tag_keys=[PARTITION_TAG]) for stack in stacks}


def _first_run_at(instance: dg.DagsterInstance, stack: str, pause: float) -> float | None:
    # A stack that was retired and comes back has older ones, before a long pause.
    begun: float | None = None
    for record in instance.get_run_records(dg.RunsFilter(tags={PARTITION_TAG: stack}), limit=_RUNS):
        at = record.create_timestamp.timestamp()
        if begun is not None and begun - at > pause:
            break
        begun = at
    return begun


def _waiting(record: dg.RunRecord, state: State, since: datetime) -> Waiting:
    run = record.dagster_run
    return Waiting(run.run_id, run.job_name, run.tags.get(PARTITION_TAG, ""), state, since.timestamp())


def _watchers_of_one_place(instance: dg.DagsterInstance, defined: Collection[str]) -> Sequence[Watcher]:
    places: dict[str, list[Watcher]] = defaultdict(list)
    # An ephemeral instance has none.
    for state in instance.all_instigator_state() if instance.schedule_storage else ():
        if state.instigator_name in defined and state.instigator_type.name in _PARTS:
            places[state.repository_selector_id].append(_watcher(instance, state))
    # Another code location may have a sensor of the same name, so the location with most of our names is ours. A
    # renamed location leaves states of all names behind: of two such, the one that ticked last is ours.
    return max(places.values(), key=lambda ours: (len(ours), max(one.ticked_at or 0.0 for one in ours)), default=[])


def _watcher(instance: dg.DagsterInstance, state: _InstigatorState) -> Watcher:
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=_TICKS)
    ended = next((tick for tick in ticks if tick.is_completed), None)
    began_at = max((tick.timestamp for tick in ticks), default=None)
    return Watcher(
        _PARTS[state.instigator_type.name],
        state.instigator_name,
        _interval(state),
        _switched_on_at(state) if began_at is None else began_at,
        is_failing=ended is not None and ended.is_failure,
        is_stopped=not state.is_running,
    )


def _interval(state: _InstigatorState) -> float:
    cron = getattr(state.instigator_data, "cron_schedule", None)
    if isinstance(cron, str):
        moments = CronSim(cron, datetime.now(UTC))
        return max((after - before).total_seconds() for before, after in pairwise(next(moments) for _ in range(4)))
    return float(getattr(state.instigator_data, "min_interval", None) or _BETWEEN_SENSORS)


def _switched_on_at(state: _InstigatorState) -> float | None:
    data = state.instigator_data
    found: float | None = getattr(data, "last_sensor_start_timestamp", None) or getattr(data, "start_timestamp", None)
    return found
