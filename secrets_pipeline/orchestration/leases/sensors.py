"""Define the sensor that ends runs whose lease is gone, so that they do not block the queue of their stack for ever.

A run of a host that died stays STARTED, and a queued run of its stack would never come so far as to take its lease.
"""

import threading
from collections.abc import Callable, Collection

import dagster as dg

from secrets_pipeline.aws.leases.model import Gone, Leases
from secrets_pipeline.aws.leases.watch import elapsed
from secrets_pipeline.errors import AwsError, GuardError
from secrets_pipeline.orchestration.shared.home import storage_errors
from secrets_pipeline.orchestration.shared.lease_mark import Mark
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_lease import MAY_HOLD, fail_abandoned, leases_of

NAME = "abandoned_run_sensor"
_INTERVAL = 15
_ENDING_SECONDS = 60.0


class Ending:
    """Remembers since when runs that gave their lease back have not ended.

    Args:
        clock: seconds from any origin, never going back.
    """

    def __init__(self, clock: Callable[[], float] = elapsed) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: dict[str, float] = {}

    def keep(self, run_ids: Collection[str]) -> None:
        """Forget all but these."""
        with self._lock:
            self._since = {run_id: since for run_id, since in self._since.items() if run_id in run_ids}

    def is_overdue(self, run_id: str) -> bool:
        """Tell whether a run has been about to end for so long that nobody is left to end it."""
        with self._lock:
            return self._clock() - self._since.setdefault(run_id, self._clock()) >= _ENDING_SECONDS


_ENDING = Ending()


def abandoned_run_sensor_for(names: Names) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        names: of the code location.
    """

    @dg.sensor(
        name=names.of(NAME),
        minimum_interval_seconds=_INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Fails runs whose process is gone, on whatever host it was: their lease of the stack expired, or "
        "another run has it. A run that is alive, waits, or never took a lease is left alone.",
    )
    def abandoned_run_sensor(context: dg.SensorEvaluationContext, stacks: dg.ResourceParam[Stacks]) -> dg.SkipReason:
        return dg.SkipReason(end_abandoned(context.instance, leases_of(context.instance, stacks), _ENDING))

    return abandoned_run_sensor


def end_abandoned(instance: dg.DagsterInstance, leases: Leases, ending: Ending) -> str:
    """Fail the runs whose lease is gone.

    Args:
        instance: whose runs are looked at.
        leases: theirs; a run that names leases of another place is left alone.
        ending: what earlier looks saw.

    Returns:
        What was looked at, as a sentence.
    """
    runs = instance.get_runs(dg.RunsFilter(statuses=list(MAY_HOLD)))
    ending.keep({run.run_id for run in runs})
    said = []
    for run in runs:
        mark = Mark.of(run)
        if mark is not None and mark.address.startswith(leases.root):
            try:
                said.append(f"{run.job_name} {run.run_id}: {_judged(instance, run, mark, leases, ending)}")
            except GuardError as error:
                said.append(error.diagnostics())
            except AwsError as error:
                said.append(error.diagnostics())
                break  # the others would wait as long for the same answer
    return f"{len(runs)} unfinished runs, {len(said)} with a lease. {'. '.join(said)}".strip()


def _judged(instance: dg.DagsterInstance, run: dg.DagsterRun, mark: Mark, leases: Leases, ending: Ending) -> str:
    if not mark.holds:
        if not ending.is_overdue(run.run_id):
            return "gave its lease back, and is about to end"
        why = f"was given back {_ENDING_SECONDS:.0f} s ago, and nobody ended the run since"
    else:
        with storage_errors():
            look = leases.look(mark.address.removeprefix(leases.root), run.run_id)
        if not isinstance(look, Gone):
            return f"has its lease: {look.how}"
        why = look.why
    # It may have given its lease back, or ended, while it was looked at.
    now = instance.get_run_by_id(run.run_id)
    if now is None or now.is_finished or Mark.of(now) != mark:
        return "has just ended"
    fail_abandoned(instance, now, mark.address, why)
    return f"failed, its lease {mark.address} {why}"
