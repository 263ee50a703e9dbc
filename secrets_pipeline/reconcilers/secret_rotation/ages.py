"""Say how old the value of each rotating secret is, and how old it may become, from what ListSecrets shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from secrets_pipeline.reconcilers.secret_rotation.reconciler import describe_rotation
from secrets_pipeline.rotation.schedule import RotationRules, next_due

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

ALLOWANCE: Final = timedelta(hours=1)
"""A rotation that begins at the end of its window takes its time, and Secrets Manager tries again what failed."""


@dataclass(frozen=True, slots=True)
class RotationAge:
    """A secret that rotates.

    Attributes:
        name: of the secret.
        rules: when it rotates, for a human.
        last: when its value was rotated last, or else made; None where AWS does not say.
        due: by when it is rotated at the latest, without the allowance; None where no date can be told.
        now: when that was looked at.
    """

    name: str
    rules: str
    last: datetime | None
    due: datetime | None
    now: datetime

    @property
    def share(self) -> float:
        """Return how much of its time has passed, 1 at the limit; 0 where nobody can tell."""
        if self.last is None or self.due is None or self.due <= self.last:
            return 0.0
        return (self.now - self.last) / (self.due - self.last)

    @property
    def days(self) -> str:
        """Write its age and the limit, for example `18 of 30 days`."""
        if self.last is None or self.due is None:
            return "not known"
        age, limit = ((moment - self.last) / timedelta(days=1) for moment in (self.now, self.due))
        return f"{age:.0f} of {limit:.0f} days" if limit >= _WHOLE_DAYS else f"{age:.1f} of {limit:.1f} days"


_WHOLE_DAYS = 3


def rotation_ages(stack: Stack) -> list[RotationAge]:
    """Return the secrets of a stack whose rotation is switched on, the one nearest to its limit first.

    Raises:
        AwsError: if AWS does not answer.
    """
    found = (stack.observed.secrets.get(secret.name) for secret in stack.spec.secrets)
    rotating = [state for state in found if state and state.rotation_enabled and state.deleted_at is None]
    now = stack.run.now()
    return sorted((_age(state, now) for state in rotating), key=lambda one: -one.share)


def _age(state: SecretState, now: datetime) -> RotationAge:
    due = due_by(state)
    return RotationAge(
        name=state.name,
        rules=describe_rotation(state.rotation_rules),
        last=state.last_rotated_at or state.created_at,
        due=due - ALLOWANCE if due else None,
        now=now,
    )


def due_by(state: SecretState) -> datetime | None:
    """Return by when a secret has to be rotated: the earlier of what its rules and what AWS say, with the allowance."""
    before = state.last_rotated_at or state.created_at
    known = [moment for moment in (before, state.last_changed_at) if moment is not None]
    window = next_due(RotationRules.of(state.rotation_rules), max(known)) if known else None
    dates = [date for date in (window.closes if window else None, state.next_rotation_at) if date is not None]
    return min(dates) + ALLOWANCE if dates else None


def on_day(moment: datetime | None) -> str:
    """Write a moment in UTC, for a human; `never` for none."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "never"
