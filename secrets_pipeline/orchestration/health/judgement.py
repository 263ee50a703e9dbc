"""Judge the state of a deployment by bounds; pure, used by the command `health` and by the heartbeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secrets_pipeline.orchestration.health.model import (
    Daemon,
    Finding,
    HealthBounds,
    Part,
    Reading,
    State,
    Verification,
    Waiting,
    Watcher,
)

_MINUTE, _HOUR = 60.0, 3_600.0
_INTERVALS = 3
"""So many intervals a sensor or schedule may miss: one tick takes its time, and the daemon has others to evaluate."""
_EVALUATES = {Part.SENSOR: "SENSOR", Part.SCHEDULE: "SCHEDULER"}
"""Which daemon evaluates them, as Dagster calls it."""

_NO_MORE = "The daemon runs, so look whether it reaches the code server: Deployment in the UI, and both logs."
_NEVER = (
    "It never ticked: look whether the code location defines it (`include` of the component, and the same settings as "
    "here), and whether it is loaded (Deployment in the UI)."
)
_NOBODY = Finding(
    Part.SENSOR,
    "(none)",
    State.SILENT,
    None,
    "Nothing of this code location ever ticked: is it loaded, and is SECRETS_PIPELINE_NAME its name?",
    "no-tick-since",
)
"""Where the daemon runs, and no sensor or schedule ever ticked: nobody watches, or others are looked at."""


def judge(reading: Reading, bounds: HealthBounds, now: float) -> tuple[Finding, ...]:
    """Judge every part: daemons first, as the others depend on them.

    Args:
        reading: the state of the deployment.
        bounds: from when on something is not well.
        now: the moment, in seconds since 1970.
    """
    daemons = [_of_daemon(one, bounds, now) for one in reading.daemons]
    silent = {one.name for one in daemons if not one.is_well}
    watchers = [_of_watcher(one, bounds, now, silent) for one in reading.watchers]
    is_known = any(one.ticked_at is not None or one.is_stopped for one in reading.watchers)
    stacks = [_of_stack(one, bounds, now) for one in reading.verifications]
    return (*daemons, *(watchers if is_known else [_NOBODY]), *stacks, *_of_queue(reading.waiting, bounds, now))


def stopping_heartbeat(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings for which nobody may be told that all is well.

    A stack that is verified too late has an alert. It stops the heartbeat only if more stacks are late than in time:
    then nothing verifies them.
    """
    stacks = [one for one in findings if one.part is Part.STACK]
    late = sum(one.state is State.OVERDUE for one in stacks)
    in_time = sum(one.is_well and one.since is not None for one in stacks)
    return [one for one in findings if not one.is_well and (one.state is not State.OVERDUE or late > in_time)]


def _of_daemon(daemon: Daemon, bounds: HealthBounds, now: float) -> Finding:
    if daemon.heard_at is not None and now - daemon.heard_at <= bounds.silent_within_minutes * _MINUTE:
        return Finding(Part.DAEMON, daemon.name, State.WELL, daemon.heard_at)
    remedy = "Start dagster-daemon, or look at its log for why it does not go on."
    return Finding(Part.DAEMON, daemon.name, State.SILENT, daemon.heard_at, remedy, "daemon-not-running")


def _of_watcher(watcher: Watcher, bounds: HealthBounds, now: float, silent: set[str]) -> Finding:
    patience = max(_INTERVALS * watcher.interval, bounds.silent_within_minutes * _MINUTE)
    if watcher.is_stopped:
        remedy = f"Somebody stopped it: switch it on in the UI, under Automation, {watcher.name}."
        return Finding(watcher.part, watcher.name, State.STOPPED, watcher.ticked_at, remedy, "no-tick-since")
    if watcher.ticked_at is None or now - watcher.ticked_at > patience:
        if _EVALUATES[watcher.part] in silent:
            remedy = f"The daemon {_EVALUATES[watcher.part]} is silent: begin there."
            return Finding(watcher.part, watcher.name, State.SILENT, watcher.ticked_at, remedy, "daemon-not-running")
        remedy = _NEVER if watcher.ticked_at is None else _NO_MORE
        return Finding(watcher.part, watcher.name, State.SILENT, watcher.ticked_at, remedy, "no-tick-since")
    if watcher.is_failing:
        remedy = f"Read the error of its last tick in the UI, under Automation, {watcher.name}."
        return Finding(watcher.part, watcher.name, State.FAILING, watcher.ticked_at, remedy, "tick-failed")
    return Finding(watcher.part, watcher.name, State.WELL, watcher.ticked_at)


def _of_stack(verification: Verification, bounds: HealthBounds, now: float) -> Finding:
    stack, since = verification.stack, verification.ended_at
    counted_from = verification.first_run_at if since is None else since
    # A stack without any run was never applied: there is nothing to verify yet.
    if counted_from is None or now - counted_from <= bounds.verified_within_hours * _HOUR:
        return Finding(Part.STACK, stack, State.WELL, since)
    remedy = f"Look at the last run of `verify` of {stack} in the UI, and at verification_schedule; launch `verify`."
    return Finding(Part.STACK, stack, State.OVERDUE, since, remedy, "verification-too-old")


def _of_queue(waiting: Sequence[Waiting], bounds: HealthBounds, now: float) -> Iterator[Finding]:
    remedies = {
        State.QUEUED: "Look in the UI, under Runs, Queued, what it waits for: a run of its stack, a limit, the daemon.",
        State.STARTING: "Its process, task or pod does not come up: look at the run's events, and its launcher.",
    }
    for one in waiting:
        name = " ".join(filter(None, (one.job, one.stack, one.run_id[:8])))
        if now - one.since <= bounds.queued_within_minutes * _MINUTE:
            yield Finding(Part.RUN, name, State.WELL, one.since)
        else:
            yield Finding(Part.RUN, name, one.state, one.since, remedies[one.state], "queue-stuck")
