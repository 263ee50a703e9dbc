"""Keep what the sensor of ended runs knows between two ticks: which runs it has looked at, and which checks are red."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

OVERLAP_SECONDS = 300.0
"""Runs are found by when they were updated, by the clocks of several hosts and by transactions of several seconds: so
far back is looked again, at what was not seen."""
MOST_RUNS = 200
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True, slots=True)
class Cursor:
    """What earlier ticks came to.

    Attributes:
        since: up to when runs were looked at, in seconds since 1970.
        seen: id of a run of the last minutes → when it was updated.
        red: stack → check → when it turned red, in seconds since 1970.
    """

    since: float
    seen: Mapping[str, float] = field(default_factory=dict)
    red: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None, now: float) -> Cursor:
        """Read the cursor of the last tick; the first one begins a few minutes back."""
        try:
            return cls(**json.loads(text or "{}"))
        except (ValueError, TypeError):
            return cls(now)

    def write(self) -> str:
        """Write the cursor as Dagster keeps it."""
        return json.dumps({"since": self.since, "seen": self.seen, "red": self.red}, separators=(",", ":"))

    def after(
        self,
        looked_at: Sequence[dg.RunRecord],
        red: Mapping[str, Mapping[str, float]],
        left: Sequence[dg.RunRecord] = (),
    ) -> Cursor:
        """Return the cursor after a tick.

        Args:
            looked_at: runs that are done with.
            red: what is red now.
            left: runs that have to be looked at again.
        """
        times = {record.dagster_run.run_id: record.update_timestamp.timestamp() for record in looked_at}
        since = max((self.since, *times.values()))
        since = max(self.since, min((since, *(record.update_timestamp.timestamp() for record in left))))
        seen = {**self.seen, **times}
        recent = {run_id: at for run_id, at in seen.items() if at > since - 2 * OVERLAP_SECONDS}
        return Cursor(since, recent, {stack: dict(checks) for stack, checks in red.items() if checks})


def new_runs(instance: dg.DagsterInstance, cursor: Cursor) -> list[dg.RunRecord]:
    """Find runs that ended and were not looked at yet, the earliest first: one query."""
    since = datetime.fromtimestamp(cursor.since - OVERLAP_SECONDS, UTC)
    ended = dg.RunsFilter(statuses=_ENDED, updated_after=since)
    found = instance.get_run_records(
        ended, limit=MOST_RUNS + len(cursor.seen), order_by="update_timestamp", ascending=True
    )
    return [record for record in found if record.dagster_run.run_id not in cursor.seen][:MOST_RUNS]
