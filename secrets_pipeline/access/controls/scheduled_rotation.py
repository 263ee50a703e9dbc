"""Judge SecretsManager.2: does rotation happen when it should?

AWS Config reads `RotationOccurringAsScheduled`, which only it has; here the same is told from the dates that
ListSecrets gives, and from a version that has been AWSPENDING for too long.

Sources: https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-scheduled-rotation-success-check.html,
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from secrets_pipeline.access.controls.dates import DAY, ago, on
from secrets_pipeline.access.controls.model import (
    Control,
    Failed,
    Judgement,
    NotApplicable,
    Passed,
    Severity,
    Unknown,
)
from secrets_pipeline.access.controls.schedule import longest_interval
from secrets_pipeline.access.snapshot.model import SecretSnapshot

CONTROL: Final = Control(
    id="SecretsManager.2",
    title="Secrets Manager secrets configured with automatic rotation should rotate successfully",
    severity=Severity.MEDIUM,
    config_rule="secretsmanager-scheduled-rotation-success-check",
)
GRACE: Final = timedelta(hours=1)
"""NextRotationDate is the end of the window; a rotation that begins then takes its time, and ListSecrets lags."""
STUCK_AFTER: Final = DAY
"""Secrets Manager has tried again several times by then."""


def judge(secret: SecretSnapshot, *, now: datetime) -> Judgement:
    """Whether a secret's rotation keeps to its schedule.

    Args:
        secret: as ListSecrets tells of it.
        now: with time zone.
    """
    if not secret.rotation.enabled:
        return NotApplicable("rotation is not switched on")
    if secret.pending_since is not None and now - secret.pending_since > STUCK_AFTER:
        return Failed(
            f"the rotation begun {ago(secret.pending_since, now)} never finished: its version is still pending"
        )
    due = _due(secret)
    if due is None:
        return Unknown("rotation is switched on, but neither a next date nor a schedule can be told")
    if now > due + GRACE:
        last = secret.rotation.last_rotated_at
        done = f"the last one was {ago(last, now)}" if last else "there has been none so far"
        return Failed(f"a rotation was due by {on(due)}; {done}")
    # Keys are told by versions: with none, it is the versions that could not be read.
    if secret.unread and not secret.keys:
        return Unknown(f"whether a rotation is stuck is not known: {secret.unread}")
    return Passed(f"the next rotation is due by {on(due)}")


def _due(secret: SecretSnapshot) -> datetime | None:
    """By when the next rotation has to begin."""
    rotation = secret.rotation
    if rotation.next_rotation_at is not None:
        return rotation.next_rotation_at
    before, interval = rotation.last_rotated_at or secret.created_at, longest_interval(rotation)
    # A window is open until the end of its day, unless something else is asked for.
    return before + interval + DAY if before is not None and interval is not None else None
