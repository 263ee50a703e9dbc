"""Keep what the sensor of ended runs knows between two ticks: runs that it looked at, red checks, and outages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from secrets_pipeline.orchestration.alerts.verdicts import Red

OVERLAP_SECONDS = 300.0
"""Runs are found by when they were updated, by the clocks of several hosts and by transactions of several seconds: so
far back is looked again, at what was not seen."""
MOST_RUNS = 200
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The result of earlier ticks.

    Attributes:
        since: up to when runs were looked at, in seconds since 1970.
        seen: id of a run of the last minutes → when it was updated.
        red: stack → check → when it turned red, in seconds since 1970.
        left: ids of runs that are looked at again, as long as they exist.
        outages: accounts that cannot be asked, as `Outage.write` makes them.
        waiting: id of a run that could not ask AWS → when it is repeated, in seconds since 1970; None if that is when
            the account answers.
        said: key of an outage → when its alert was sent last, in seconds since 1970.
    """

    since: float
    seen: Mapping[str, float] = field(default_factory=dict)
    red: Red = field(default_factory=dict)
    left: Sequence[str] = ()
    outages: Sequence[Mapping[str, Any]] = field(default_factory=list)
    waiting: Mapping[str, float | None] = field(default_factory=dict)
    said: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None, now: float) -> Cursor:
        """Read the cursor of the last tick; the first one begins a few minutes back."""
        try:
            return cls(**json.loads(text or "{}"))
        except (ValueError, TypeError):
            return cls(now)

    def write(self) -> str:
        """Write the cursor as Dagster keeps it."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def after(self, looked_at: Sequence[dg.RunRecord], left: Sequence[str]) -> Cursor:
        """Return the cursor after a tick, with the runs of that tick.

        Args:
            looked_at: runs that were looked at.
            left: ids of those that have to be looked at again.
        """
        times = {record.dagster_run.run_id: record.update_timestamp.timestamp() for record in looked_at}
        # What was left may have been updated just now, and others that ended before may not have been reached.
        since = max((self.since, *(at for run_id, at in times.items() if run_id not in self.left)))
        seen = {run_id: at for run_id, at in {**self.seen, **times}.items() if at > since - 2 * OVERLAP_SECONDS}
        return replace(self, since=since, seen=seen, left=left)


def new_runs(instance: dg.DagsterInstance, cursor: Cursor) -> list[dg.RunRecord]:
    """Find runs that were left and those that ended since, the earliest first: one query, or two."""
    since = datetime.fromtimestamp(cursor.since - OVERLAP_SECONDS, UTC)
    ended = dg.RunsFilter(statuses=_ENDED, updated_after=since)
    found = instance.get_run_records(
        ended, limit=MOST_RUNS + len(cursor.seen), order_by="update_timestamp", ascending=True
    )
    again = instance.get_run_records(dg.RunsFilter(run_ids=list(cursor.left))) if cursor.left else []
    known = {*cursor.seen, *cursor.left}
    return [*again, *[record for record in found if record.dagster_run.run_id not in known][:MOST_RUNS]]
