"""Judge SecretsManager.1: is rotation switched on, and often enough?

Source: https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-rotation-enabled-check.html
"""

from __future__ import annotations

from typing import Final

from secrets_pipeline.access.controls.dates import DAY, days
from secrets_pipeline.access.controls.model import Control, Failed, Judgement, Passed, Severity, Unknown
from secrets_pipeline.access.controls.schedule import longest_interval
from secrets_pipeline.access.snapshot.model import SecretSnapshot

CONTROL: Final = Control(
    id="SecretsManager.1",
    title="Secrets Manager secrets should have automatic rotation enabled",
    severity=Severity.MEDIUM,
    config_rule="secretsmanager-rotation-enabled-check",
)


def judge(secret: SecretSnapshot, most_days: int | None) -> Judgement:
    """Whether a secret rotates by itself.

    Args:
        secret: as ListSecrets tells of it.
        most_days: longest time between two rotations, in days: the longest that its schedule ever lets pass, so that
            a monthly schedule counts as 31 days; None for no limit.
    """
    rotation = secret.rotation
    if not rotation.enabled:
        owner = f" by {secret.owning_service}, which owns the secret" if secret.owning_service else ""
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
