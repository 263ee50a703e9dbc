"""Check that consumers run with current secrets: when each was started, against the dates of what it reads."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.consumer.refresh_model import RefreshSpec
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.consumer.interface import Progress, Rollout
from secrets_pipeline.reconcilers.consumer.refresh import refreshers
from secrets_pipeline.reconcilers.consumer.value_dates import CurrentValue, current_value
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict, of_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from secrets_pipeline.reconcilers.stack import Stack

_UNKNOWN = "since when it runs is not known"


def consumers_started_after_rotation(stack: Stack) -> list[Finding]:
    """Compare the start of each consumer with each secret that it reads; one never started anew from here is right."""
    found = [
        finding for spec in stack.spec.refreshes for finding in _judged(spec.name, partial(_findings, stack, spec))
    ]
    declared = [one for one in stack.spec.consumers if one.refresh is None and one.secrets]
    started = {spec.component for spec in stack.spec.refreshes}
    return [*found, *(_unknown(one) for one in declared if one.component not in started or one.name != one.component)]


def _judged(name: str, judge: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return judge()
    except SecretsPipelineError as error:
        return [of_error(name, error)]


def _unknown(consumer: ConsumerSpec) -> Finding:
    return Finding(
        f"{consumer.type} {consumer.name}",
        Verdict.RIGHT,
        f"{_UNKNOWN}: it reads its secrets by itself, or somebody else starts it anew",
    )


def _findings(stack: Stack, spec: RefreshSpec) -> list[Finding]:
    refresher = refreshers(stack)[spec.means.kind]
    rollout = refresher.look(spec.means)
    if rollout is None:
        return [Finding(spec.name, Verdict.WAITING, str(refresher.missing(spec.means)), reason_type=Cause.MISSING)]
    if rollout.asked_at is None:
        return [Finding(spec.name, Verdict.RIGHT, f"{_UNKNOWN}: it was never started anew from here")]
    since = refresher.running_since(spec.means)
    states = [stack.observed.secrets.get(stack.spec.secret(ref).name) for ref in spec.secrets]
    values = [value for state in states if state is not None and (value := current_value(stack, state)) is not None]
    if since is None:
        return [Finding(spec.name, Verdict.RIGHT, "nothing of it runs")]
    waits = Finding(spec.name, Verdict.WAITING, "none of its secrets has a value", reason_type=Cause.NO_VALUE)
    return [_compared(spec, rollout, since, value) for value in values] or [waits]


def _compared(spec: RefreshSpec, rollout: Rollout, since: datetime, value: CurrentValue) -> Finding:
    changed = value.since
    columns = {
        "consumer": spec.name,
        "secret": value.name,
        "running since": _shown(since),
        "value since": _shown(changed) if changed else "",
    }
    if changed is None or since >= changed:
        return Finding(spec.name, Verdict.RIGHT, f"started after {value.name} got version {value.short}", columns)
    old = f"runs since {_shown(since)}, and {value.name} has version {value.short} since {_shown(changed)}"
    if rollout.asked_at is not None and rollout.asked_at >= changed:
        if rollout.progress is Progress.IN_PROGRESS:
            waits = f"{old}: it is being started anew"
            return Finding(spec.name, Verdict.WAITING, waits, columns, reason_type=Cause.WAITS)
        if rollout.progress is Progress.FAILED:
            failed = f"{old}: it could not be started anew: {rollout.detail}"
            return Finding(spec.name, Verdict.WRONG, failed, columns, reason_type=Cause.ROLLOUT_FAILED)
    if rollout.failed_try:
        failed = f"{old}: it was to be started anew, but {rollout.failed_try}"
        return Finding(spec.name, Verdict.WRONG, failed, columns, reason_type=Cause.ROLLOUT_FAILED)
    step = f"{old}: `secrets-pipeline apply --deep` starts it anew"
    return Finding(spec.name, Verdict.WRONG, step, columns, reason_type=Cause.NOT_STARTED_ANEW)


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
