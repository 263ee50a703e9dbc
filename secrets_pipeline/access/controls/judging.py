"""Judge one secret by all of Security Hub's controls.

Whom they speak of: Security Hub has no exception for secrets that another service owns, so that these are judged like
any other. AWS does not say what becomes of a secret that is scheduled for deletion, nor of a replica; here the first is
gone as far as the controls go, and of the second, which its primary rotates, they judge use and tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from secrets_pipeline.access.controls.dates import on
from secrets_pipeline.access.controls.model import (
    Control,
    ControlResult,
    Judgement,
    NotApplicable,
    ParameterValue,
    Question,
)
from secrets_pipeline.access.controls.reads import LastReads, UnreadReads
from secrets_pipeline.access.controls.rotation import (
    ENABLED,
    PERIODIC,
    SUCCESSFUL,
    is_enabled,
    is_periodic,
    is_successful,
)
from secrets_pipeline.access.controls.tagged import TAGGED, is_tagged
from secrets_pipeline.access.controls.unused import UNUSED, is_used, told_by_dates
from secrets_pipeline.access.snapshot.model import SecretSnapshot
from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.verification.controls import AWS_NAMES
from secrets_pipeline.desired.verification.model import ControlParameters

_RULES: Final[Mapping[Control, Callable[[Question], Judgement]]] = {
    ENABLED: is_enabled,
    SUCCESSFUL: is_successful,
    UNUSED: is_used,
    PERIODIC: is_periodic,
    TAGGED: is_tagged,
}
CONTROLS: Final = tuple(_RULES)
"""In the order of their ids."""
_NOT_ASKED: Final = UnreadReads("CloudTrail was not asked")


def judge(
    secret: SecretSnapshot,
    parameters: ControlParameters,
    *,
    now: datetime,
    reads: LastReads | UnreadReads = _NOT_ASKED,
) -> tuple[ControlResult, ...]:
    """What each control says of a secret, in the order of `CONTROLS`; a disabled one is not applicable.

    Args:
        secret: as a snapshot has it.
        parameters: of the component that declares it.
        now: with time zone: when the snapshot was taken.
        reads: of others than the pipeline, see `access.usage.last_reads`; needed where `needs_reads` says so.
    """
    asked = Question(secret, parameters, now, reads)
    return tuple(
        ControlResult(
            control,
            secret.arn,
            secret.name,
            _exempt(control, secret, parameters) or rule(asked),
            _asked_with(control, parameters),
        )
        for control, rule in _RULES.items()
    )


def needs_reads(secret: SecretSnapshot, parameters: ControlParameters, *, now: datetime) -> bool:
    """Whether SecretsManager.3 cannot be judged without CloudTrail.

    Args:
        secret: as a snapshot has it.
        parameters: of the component that declares it.
        now: with time zone: when the snapshot was taken.
    """
    exempt = _exempt(UNUSED, secret, parameters)
    return exempt is None and told_by_dates(Question(secret, parameters, now, _NOT_ASKED)) is None


def _asked_with(control: Control, parameters: ControlParameters) -> Mapping[str, ParameterValue]:
    """The parameter of a control, under AWS's name; None where it has no value."""
    name = control.parameter
    return {} if name is None else {name: getattr(parameters, AWS_NAMES[name]) or None}


def _exempt(control: Control, secret: SecretSnapshot, parameters: ControlParameters) -> NotApplicable | None:
    """Why a control has nothing to say of a secret, None if it has."""
    if control.id in parameters.disabled_controls:
        return NotApplicable("disabled by the disabled_controls of its component")
    if secret.deleted_at is not None:
        return NotApplicable(f"scheduled for deletion on {on(secret.deleted_at)}")
    if control in (ENABLED, SUCCESSFUL, PERIODIC) and _is_replica(secret):
        return NotApplicable(f"a replica is rotated with its primary in {secret.primary_region}")
    return None


def _is_replica(secret: SecretSnapshot) -> bool:
    """A primary that has replicas names its own region."""
    return secret.primary_region is not None and secret.primary_region != Arn.parse(secret.arn).region
