"""Define the sensor that ends runs whose process is gone, so that they do not block the queue of their stack.

A run of a host that died stays STARTED, and a queued run of its stack would never come so far as to take its lease.
"""

import threading
from collections.abc import Callable, Iterable

import dagster as dg

from secrets_pipeline.aws.leases.model import Gone, Leases
from secrets_pipeline.aws.leases.watch import elapsed
from secrets_pipeline.errors import AwsError, GuardError
from secrets_pipeline.orchestration.applying.run_lease import MAY_HOLD, fail_abandoned, leases_of, patience_of
from secrets_pipeline.orchestration.shared.home import storage_errors
from secrets_pipeline.orchestration.shared.lease_mark import Mark
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.priorities import BACKFILL_TAG
from secrets_pipeline.orchestration.shared.resources import Stacks

NAME = "abandoned_run_sensor"
_INTERVAL = 15
_ENDING_SECONDS = 60.0
_READING_SECONDS = 300.0
"""So long a run may read the repository, before it waits for its lease."""
_SUBMITTING_SECONDS = 300.0
"""So long a run of a backfill may not be submitted: a daemon that died in between counts it as submitted ever after.

Source: `_get_partitions_chunk` of dagster._core.execution.job_backfill, which skips partitions that have a run.
"""


class Standing:
    """Remembers since when each run says the same of its lease, or nothing.

    Args:
        clock: seconds from any origin, never going back.
    """

    def __init__(self, clock: Callable[[], float] = elapsed) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: dict[tuple[str, Mark | None], float] = {}

    def keep(self, runs: Iterable[dg.DagsterRun]) -> None:
        """Forget all but these, as they are."""
        states = {(run.run_id, Mark.of(run)) for run in runs}
        with self._lock:
            self._since = {state: since for state, since in self._since.items() if state in states}

    def lasts(self, run: dg.DagsterRun, seconds: float) -> bool:
        """Tell whether a run has been as it is for so long."""
        with self._lock:
            return self._clock() - self._since.setdefault((run.run_id, Mark.of(run)), self._clock()) >= seconds


_STANDING = Standing()


def abandoned_run_sensor_for(names: Names, leased: Own) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        names: of the code location.
        leased: the jobs and assets whose runs hold the lease of their stack.
    """

    @dg.sensor(
        name=names.of(NAME),
        minimum_interval_seconds=_INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Fails runs whose process is gone, on whatever host it was: their lease of the stack expired, "
        "another run has it, or they did not come to it for a quarter of an hour; or the daemon that made them for a "
        "backfill died before it submitted them. A run that lives or waits stays.",
    )
    def abandoned_run_sensor(
        context: dg.SensorEvaluationContext, secrets_pipeline_stacks: dg.ResourceParam[Stacks]
    ) -> dg.SkipReason:
        leases = leases_of(context.instance, secrets_pipeline_stacks)
        return dg.SkipReason(end_abandoned(context.instance, leases, leased, _STANDING))

    return abandoned_run_sensor


def end_abandoned(instance: dg.DagsterInstance, leases: Leases, leased: Own, standing: Standing) -> str:
    """Fail the runs whose process is gone.

    Args:
        instance: whose runs are looked at.
        leases: theirs; a run that names leases of another place is left alone.
        leased: the jobs and assets whose runs hold the lease of their stack.
        standing: what earlier looks saw.

    Returns:
        What was looked at, as a sentence.
    """
    runs = instance.get_runs(dg.RunsFilter(statuses=list(MAY_HOLD)))
    standing.keep(runs)
    said = []
    for run in runs:
        if _is_judged(run, leases, leased):
            try:
                said.append(f"{run.job_name} {run.run_id}: {_judged(instance, run, leases, standing)}")
            except GuardError as error:
                said.append(error.diagnostics())
            except AwsError as error:
                said.append(error.diagnostics())
                break  # the others would wait as long for the same answer
    return f"{len(runs)} unfinished runs, {len(said)} looked at. {'. '.join(said)}".strip()


def _is_judged(run: dg.DagsterRun, leases: Leases, leased: Own) -> bool:
    mark = Mark.of(run)
    if mark is not None:
        return mark.address.startswith(leases.root)
    if run.status is dg.DagsterRunStatus.NOT_STARTED:
        return BACKFILL_TAG in run.tags and leased.includes(run)
    # Before it has started, Dagster's run monitoring gives it time.
    return run.status is dg.DagsterRunStatus.STARTED and PARTITION_TAG in run.tags and leased.includes(run)


def _judged(instance: dg.DagsterInstance, run: dg.DagsterRun, leases: Leases, standing: Standing) -> str:
    mark = Mark.of(run)
    if run.status is dg.DagsterRunStatus.NOT_STARTED and mark is None:
        if not standing.lasts(run, _SUBMITTING_SECONDS):
            return "is about to be submitted"
        why = f"it was made and not submitted for {_SUBMITTING_SECONDS:.0f} s"
    elif mark is None:
        beginning = patience_of(leases) + _READING_SECONDS
        if not standing.lasts(run, beginning):
            return "has not taken its lease yet"
        why = f"it has not come to take the lease of its stack for {beginning:.0f} s"
    elif not mark.holds:
        if not standing.lasts(run, _ENDING_SECONDS):
            return "gave its lease back, and is about to end"
        why = f"its lease {mark.address} was given back {_ENDING_SECONDS:.0f} s ago, and nobody ended the run since"
    else:
        with storage_errors():
            look = leases.look(mark.address.removeprefix(leases.root), run.run_id)
        if not isinstance(look, Gone):
            return f"has its lease: {look.how}"
        why = f"its lease {mark.address} {look.why}"
    # It may have taken its lease, given it back, or ended, while it was looked at.
    now = instance.get_run_by_id(run.run_id)
    if now is None or now.is_finished or (now.status, Mark.of(now)) != (run.status, mark):
        return "has just ended, or gone on"
    fail_abandoned(instance, now, why)
    return f"failed, {why}"
