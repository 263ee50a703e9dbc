"""Judge SecretsManager.4: was the secret rotated lately?

A secret that was never rotated counts from its creation: it cannot have gone without a rotation for longer. Writing
another value by hand is no rotation: LastChangedDate, which also moves with a tag, does not count.

Source: https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-secret-periodic-rotation.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from secrets_pipeline.access.controls.dates import DAY, ago, days
from secrets_pipeline.access.controls.model import Control, Failed, Judgement, Passed, Severity, Unknown
from secrets_pipeline.access.snapshot.model import SecretSnapshot

CONTROL: Final = Control(
    id="SecretsManager.4",
    title="Secrets Manager secrets should be rotated within a specified number of days",
    severity=Severity.MEDIUM,
    config_rule="secretsmanager-secret-periodic-rotation",
)


def judge(secret: SecretSnapshot, most_days: int, *, now: datetime) -> Judgement:
    """Whether a secret was rotated lately.

    Args:
        secret: as ListSecrets tells of it.
        most_days: days without a rotation that it may have.
        now: with time zone.
    """
    rotated, created = secret.rotation.last_rotated_at, secret.created_at
    known = [moment for moment in (rotated, created) if moment is not None]
    if not known:
        return Unknown("neither when it was rotated nor when it was made is known")
    last = max(known)
    done = "it was rotated" if last == rotated else "it was never rotated, and made"
    if now - last > most_days * DAY:
        return Failed(f"{done} {ago(last, now)}, more than {days(most_days)} ago")
    return Passed(f"{done} {ago(last, now)}")
