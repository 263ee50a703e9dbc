"""Judge one secret by all of Security Hub's controls.

Whom they speak of: Security Hub has no exception for secrets that another service owns, so that these are judged like
any other. AWS does not say what becomes of a secret that is scheduled for deletion, nor of a replica; here the first is
gone as far as the controls go, and of the second, which its primary rotates, they judge use and tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from secrets_pipeline.access.controls import periodic_rotation, rotation_enabled, scheduled_rotation, tagged, unused
from secrets_pipeline.access.controls.dates import on
from secrets_pipeline.access.controls.model import Control, ControlResult, Judgement, NotApplicable, ParameterValue
from secrets_pipeline.access.controls.reads import LastReads, UnreadReads
from secrets_pipeline.access.snapshot.model import SecretSnapshot
from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.verification.control_model import ControlParameters

CONTROLS: Final = tuple(
    module.CONTROL for module in (rotation_enabled, scheduled_rotation, unused, periodic_rotation, tagged)
)
"""In the order of their ids."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Everything that a control may look at."""

    secret: SecretSnapshot
    parameters: ControlParameters
    now: datetime
    reads: LastReads | UnreadReads


_Asked = Mapping[str, ParameterValue]
_RULES: Final[Mapping[Control, Callable[[_Question], tuple[Judgement, _Asked]]]] = {
    rotation_enabled.CONTROL: lambda asked: (
        rotation_enabled.judge(asked.secret, asked.parameters.maximum_allowed_rotation_frequency),
        {"maximumAllowedRotationFrequency": asked.parameters.maximum_allowed_rotation_frequency},
    ),
    scheduled_rotation.CONTROL: lambda asked: (scheduled_rotation.judge(asked.secret, now=asked.now), {}),
    unused.CONTROL: lambda asked: (
        unused.judge(asked.secret, asked.parameters.unused_for_days, now=asked.now, reads=asked.reads),
        {"unusedForDays": asked.parameters.unused_for_days},
    ),
    periodic_rotation.CONTROL: lambda asked: (
        periodic_rotation.judge(asked.secret, asked.parameters.max_days_since_rotation, now=asked.now),
        {"maxDaysSinceRotation": asked.parameters.max_days_since_rotation},
    ),
    tagged.CONTROL: lambda asked: (
        tagged.judge(asked.secret, asked.parameters.required_tag_keys),
        {"requiredTagKeys": asked.parameters.required_tag_keys or None},
    ),
}
_OF_ROTATION: Final = (rotation_enabled.CONTROL, scheduled_rotation.CONTROL, periodic_rotation.CONTROL)


def judge(
    secret: SecretSnapshot,
    parameters: ControlParameters,
    *,
    now: datetime,
    reads: LastReads | UnreadReads = unused.NOT_ASKED,
) -> tuple[ControlResult, ...]:
    """What each control says of a secret, in the order of `CONTROLS`; a disabled one is not applicable.

    Args:
        secret: as a snapshot has it.
        parameters: of the component that declares it.
        now: with time zone: when the snapshot was taken.
        reads: of others than the pipeline, see `access.usage.last_reads`; needed where `needs_reads` says so.
    """
    results = []
    for control, rule in _RULES.items():
        judgement, asked = rule(_Question(secret, parameters, now, reads))
        judgement = _exempt(control, secret, parameters) or judgement
        results.append(ControlResult(control, secret.arn, secret.name, judgement, asked))
    return tuple(results)


def needs_reads(secret: SecretSnapshot, parameters: ControlParameters, *, now: datetime) -> bool:
    """Whether SecretsManager.3 cannot be judged without CloudTrail.

    Args:
        secret: as a snapshot has it.
        parameters: of the component that declares it.
        now: with time zone: when the snapshot was taken.
    """
    if _exempt(unused.CONTROL, secret, parameters):
        return False
    return unused.needs_reads(secret, parameters.unused_for_days, now=now)


def _exempt(control: Control, secret: SecretSnapshot, parameters: ControlParameters) -> NotApplicable | None:
    """Why a control has nothing to say of a secret, None if it has."""
    if control.id in parameters.disabled_controls:
        return NotApplicable("disabled by settings.secrets_pipeline.security_hub.disabled_controls")
    if secret.deleted_at is not None:
        return NotApplicable(f"scheduled for deletion on {on(secret.deleted_at)}")
    if control in _OF_ROTATION and _is_replica(secret):
        return NotApplicable(f"a replica is rotated with its primary in {secret.primary_region}")
    return None


def _is_replica(secret: SecretSnapshot) -> bool:
    """A primary that has replicas names its own region."""
    return secret.primary_region is not None and secret.primary_region != Arn.parse(secret.arn).region
