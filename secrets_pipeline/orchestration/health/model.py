"""Define the state of a deployment, and the findings about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """A part of the deployment that a finding is about."""

    DAEMON = "daemon"
    SENSOR = "sensor"
    SCHEDULE = "schedule"
    STACK = "stack"
    RUN = "run"


class State(StrEnum):
    """How a part is."""

    WELL = "well"
    SILENT = "silent"
    FAILING = "failing"
    STOPPED = "stopped"
    OVERDUE = "overdue"
    QUEUED = "queued"
    STARTING = "starting"


@dataclass(frozen=True, slots=True)
class HealthBounds:
    """The ages from which on a part is not well.

    Attributes:
        verified_within_hours: age of a stack's last complete verification.
        queued_within_minutes: how long a run may wait in the queue, or for its process; backfills may wait longer.
        silent_within_minutes: how long a daemon or sensor may be silent; at least three intervals of a sensor.
    """

    verified_within_hours: int
    queued_within_minutes: int = 15
    silent_within_minutes: int = 5


@dataclass(frozen=True, slots=True)
class Daemon:
    """One of the daemons that the instance needs.

    Attributes:
        name: as Dagster calls it, for example `SENSOR`.
        heard_at: its last heartbeat, in seconds since 1970; None if there was none.
    """

    name: str
    heard_at: float | None


@dataclass(frozen=True, slots=True)
class Watcher:
    """A sensor or schedule.

    Attributes:
        part: which of the two.
        name: of its definition.
        interval: seconds between two ticks.
        ticked_at: begin of its last tick, or when it was switched on, in seconds since 1970; None if neither is known.
        is_failing: whether the last tick that ended has failed.
        is_stopped: whether somebody stopped it, as the UI lets them.
    """

    part: Part
    name: str
    interval: float
    ticked_at: float | None
    is_failing: bool = False
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """When a stack was verified last.

    Attributes:
        stack: its name.
        ended_at: end of its last complete verification that succeeded, in seconds since 1970; None if there was none.
        first_run_at: begin of its first run since it was there without a pause; None if that is not known, or if it has
            none.
    """

    stack: str
    ended_at: float | None
    first_run_at: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that has not begun.

    Attributes:
        run_id: its id.
        job: of which.
        stack: its partition; empty if it has none.
        state: QUEUED, or STARTING.
        since: in seconds since 1970.
    """

    run_id: str
    job: str
    stack: str
    state: State
    since: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of the deployment at one moment, read from Dagster's storage.

    Attributes:
        daemons: those that the instance needs.
        watchers: sensors and schedules of the code location.
        verifications: one a stack.
        waiting: the run that waits longest in the queue, and the one that waits longest for its process.
    """

    daemons: Sequence[Daemon]
    watchers: Sequence[Watcher]
    verifications: Sequence[Verification]
    waiting: Sequence[Waiting]

    @property
    def is_empty(self) -> bool:
        """Tell whether no daemon was ever heard and nothing ever ticked."""
        ticked = any(one.ticked_at is not None for one in self.watchers)
        return not ticked and all(one.heard_at is None for one in self.daemons)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part of the deployment is.

    Attributes:
        part: what it is about.
        name: of the daemon, sensor, schedule or stack, or of the run's job and stack.
        state: how it is.
        since: when it was heard, ticked, verified, or began to wait, in seconds since 1970; None if that never was.
        remedy: what to do; empty if it is well.
        entry: of the runbook; empty if it is well.
    """

    part: Part
    name: str
    state: State
    since: float | None
    remedy: str = ""
    entry: str = ""

    @property
    def is_well(self) -> bool:
        """Tell whether nothing is to be done."""
        return self.state is State.WELL
