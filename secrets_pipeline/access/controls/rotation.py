"""Judge the controls of rotation: is it switched on, does it happen when it should, and did it happen lately?

Of SecretsManager.2 AWS Config reads `RotationOccurringAsScheduled`, which only it has; here the same is told from the
dates that ListSecrets gives, and from a version that has been AWSPENDING for too long. For SecretsManager.4 a secret
that was never rotated counts from its creation: it cannot have gone without a rotation for longer. Writing another
value by hand is no rotation: LastChangedDate, which also moves with a tag, does not count.

Sources: https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-rotation-enabled-check.html,
https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-scheduled-rotation-success-check.html,
https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-secret-periodic-rotation.html,
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from secrets_pipeline.access.controls.dates import DAY, ago, days, on
from secrets_pipeline.access.controls.model import (
    Control,
    Failed,
    Judgement,
    NotApplicable,
    Passed,
    Question,
    Severity,
    Unknown,
)
from secrets_pipeline.access.controls.schedule import longest_interval
from secrets_pipeline.access.snapshot.model import SecretSnapshot

ENABLED: Final = Control(
    id="SecretsManager.1",
    title="Secrets Manager secrets should have automatic rotation enabled",
    severity=Severity.MEDIUM,
    config_rule="secretsmanager-rotation-enabled-check",
    parameter="maximumAllowedRotationFrequency",
)
SUCCESSFUL: Final = Control(
    id="SecretsManager.2",
    title="Secrets Manager secrets configured with automatic rotation should rotate successfully",
    severity=Severity.MEDIUM,
    config_rule="secretsmanager-scheduled-rotation-success-check",
)
PERIODIC: Final = Control(
    id="SecretsManager.4",
    title="Secrets Manager secrets should be rotated within a specified number of days",
    severity=Severity.MEDIUM,
    config_rule="secretsmanager-secret-periodic-rotation",
    parameter="maxDaysSinceRotation",
)
_GRACE: Final = timedelta(hours=1)
"""NextRotationDate is the end of the window; a rotation that begins then takes its time, and ListSecrets lags."""
_STUCK_AFTER: Final = DAY
"""Secrets Manager has tried again several times by then."""


def is_enabled(asked: Question) -> Judgement:
    """Whether a secret rotates by itself, and as often as asked for: a monthly schedule counts as 31 days."""
    rotation, most_days = asked.secret.rotation, asked.parameters.maximum_allowed_rotation_frequency
    if not rotation.enabled:
        owner = f" by {service}, which owns the secret" if (service := asked.secret.owning_service) else ""
        return Failed(f"rotation is not switched on{owner}")
    if most_days is None:
        return Passed("rotation is switched on")
    interval = longest_interval(rotation)
    if interval is None:
        said = (
            f"the schedule {rotation.schedule_expression!r}" if rotation.schedule_expression else "no schedule at all"
        )
        return Unknown(f"rotation is switched on, with {said}, from which no interval can be told")
    spoken = days(interval // DAY) if interval >= DAY else f"{interval.total_seconds() / 3600:g} hours"
    if interval > most_days * DAY:
        return Failed(f"up to {spoken} pass between two rotations, more than {days(most_days)}")
    return Passed(f"at most {spoken} pass between two rotations")


def is_successful(asked: Question) -> Judgement:
    """Whether a secret's rotation keeps to its schedule."""
    secret, now = asked.secret, asked.now
    if not secret.rotation.enabled:
        return NotApplicable("rotation is not switched on")
    if secret.pending_since is not None and now - secret.pending_since > _STUCK_AFTER:
        return Failed(
            f"the rotation begun {ago(secret.pending_since, now)} never finished: its version is still pending"
        )
    due = _due(secret)
    if due is None:
        return Unknown("rotation is switched on, but neither a next date nor a schedule can be told")
    if now > due + _GRACE:
        last = secret.rotation.last_rotated_at
        done = f"the last one was {ago(last, now)}" if last else "there has been none so far"
        return Failed(f"a rotation was due by {on(due)}; {done}")
    # Keys are told by versions: with none, it is the versions that could not be read.
    if secret.unread and not secret.keys:
        return Unknown(f"whether a rotation is stuck is not known: {secret.unread}")
    return Passed(f"the next rotation is due by {on(due)}")


def is_periodic(asked: Question) -> Judgement:
    """Whether a secret was rotated lately."""
    most_days, now = asked.parameters.max_days_since_rotation, asked.now
    rotated, created = asked.secret.rotation.last_rotated_at, asked.secret.created_at
    known = [moment for moment in (rotated, created) if moment is not None]
    if not known:
        return Unknown("neither when it was rotated nor when it was made is known")
    last = max(known)
    done = "it was rotated" if last == rotated else "it was never rotated, and made"
    if now - last > most_days * DAY:
        return Failed(f"{done} {ago(last, now)}, more than {days(most_days)} ago")
    return Passed(f"{done} {ago(last, now)}")


def _due(secret: SecretSnapshot) -> datetime | None:
    """By when the next rotation has to begin."""
    rotation = secret.rotation
    if rotation.next_rotation_at is not None:
        return rotation.next_rotation_at
    before, interval = rotation.last_rotated_at or secret.created_at, longest_interval(rotation)
    # A window is open until the end of its day, unless something else is asked for.
    return before + interval + DAY if before is not None and interval is not None else None
