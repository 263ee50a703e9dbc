"""Judge the deployment once a minute in the tick of a sensor; while all is well, say so in the log and outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.aws.alerts.heartbeat import Heartbeat
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.health.judgement import judge, stopping_heartbeat
from secrets_pipeline.orchestration.health.model import HealthBounds, State
from secrets_pipeline.orchestration.health.reading import DeploymentReader
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.own import Own

WELL: Final = "secrets-pipeline is well"
"""Begins a line of the code server's log, one a minute: an alarm of `deploy/aws/ecs.yaml` counts them."""
_BETWEEN_SECONDS = 60.0
_AGAIN_SECONDS: Final = 86_400.0
"""After which a stack that is still late is alerted again."""
_NAMED = 3
_HOUR = 3_600


class Log(Protocol):
    """The log of a sensor's tick."""

    def info(self, msg: object, /, *args: object) -> object:
        """Write a line."""
        ...

    def warning(self, msg: object, /, *args: object) -> object:
        """Write a line that somebody should read."""
        ...


class Pulse:
    """Judges a deployment from inside, and reports that all is well: a missing report is the alarm.

    It alerts of stacks that are verified too late, as one that has errors in its YAML gets no run that could fail.

    Args:
        names: of the code location.
        own: what belongs to it.
        defined: names of its sensors and schedules.
        clock: seconds since 1970.
    """

    def __init__(
        self, names: Names, own: Own, defined: Callable[[], Collection[str]], clock: Callable[[], float] = time.time
    ) -> None:
        self._reader = DeploymentReader(names, own)
        self._heartbeat = Heartbeat()
        self._defined = defined
        self._clock = clock
        self._judged_at = 0.0
        self._late: dict[str, float] = {}

    def beat(self, instance: dg.DagsterInstance, alerting: Alerting, log: Log) -> None:
        """Judge, log the result, alert of stacks, and call the heartbeat, at most once a minute.

        Args:
            instance: whose storage.
            alerting: knows how old a verification may be, and where the heartbeat goes.
            log: of the tick.
        """
        now = self._clock()
        if now - self._judged_at < _BETWEEN_SECONDS:
            return
        self._judged_at = now
        bounds = HealthBounds(alerting.settings.verified_within_hours)
        since = now - bounds.verified_within_hours * _HOUR
        try:
            reading = self._reader.read(instance, self._defined(), since=since, now=now)
        except Exception as error:  # noqa: BLE001 - an instance that does not answer this is no reason to send no alert
            log.warning("whether all is well cannot be known: %s", type(error).__name__)
            return
        if reading.is_empty:
            return
        findings = judge(reading, bounds, now)
        self._say_late([one.name for one in findings if one.state is State.OVERDUE], alerting, instance, log)
        if wrong := stopping_heartbeat(findings):
            first = ", ".join(f"{one.part} {one.name} is {one.state}" for one in wrong[:_NAMED])
            log.warning("not well, %d of %d: %s. See `secrets-pipeline health`.", len(wrong), len(findings), first)
            return
        log.info("%s: %d parts looked at", WELL, len(findings))
        if (refusal := alerting.beat(self._heartbeat)) is not None:
            log.warning("the heartbeat was not taken: %s", refusal.diagnostics())

    def _say_late(self, stacks: Sequence[str], alerting: Alerting, instance: dg.DagsterInstance, log: Log) -> None:
        """Alert if a stack is late that was not a day ago; with others, as a schedule that stands still delays all."""
        now, hours = self._clock(), alerting.settings.verified_within_hours
        self._late = {stack: self._late[stack] for stack in stacks if now - self._late.get(stack, 0.0) < _AGAIN_SECONDS}
        if set(stacks) - self._late.keys() and alerting.say(_not_verified(stacks, hours), instance, log) is not None:
            self._late = dict.fromkeys(stacks, now)


def _not_verified(stacks: Sequence[str], hours: int) -> Alert:
    more = f" and {len(stacks) - _NAMED} more" if len(stacks) > _NAMED else ""
    return Alert(
        subject=f"stacks were not verified for {hours} hours: {', '.join(stacks[:_NAMED])}{more}",
        text="Their green checks say how it was then. `secrets-pipeline health` lists each such stack, and "
        "`secrets-pipeline list stacks --all` those that have errors and cannot be verified before these are mended.",
        stack="",
        cause="not-verified",
        about="",
    )
