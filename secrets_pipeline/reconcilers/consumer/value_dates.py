"""Find since when a secret has its current value, by ListSecretVersionIds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers.observed.secret_state import PREVIOUS, SecretState

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class CurrentValue:
    """The AWSCURRENT version of a secret.

    Attributes:
        name: of the secret.
        version: its id.
        since: when it became AWSCURRENT, as far as AWS says; None if it does not.
        latest: when it became AWSCURRENT at the latest: a version that waited under another label may have been made
            long before. Every later change of the secret moves this date, too.
    """

    name: str
    version: str
    since: datetime | None
    latest: datetime | None

    @property
    def short(self) -> str:
        """The version's id, as people compare it."""
        return f"{self.version[:8]}…"


def current_value(stack: Stack, state: SecretState) -> CurrentValue | None:
    """Find the current version of a secret with its date; one ListSecretVersionIds a run and secret.

    A rotation makes the version before it becomes current: its end is what counts. A label that was moved back to an
    older version by hand has no date of its own, so the secret's last change stands for it.
    """
    version = state.current_version
    if version is None or state.deleted_at is not None:
        return None
    created = stack.observed.secrets.version_dates(state)
    made, before = created.get(version), created.get(state.version(PREVIOUS) or "")
    changed, rotated = state.last_changed_at or made, state.last_rotated_at
    if made is not None and before is not None and before > made:
        return CurrentValue(state.name, version, changed, changed)
    if made and rotated and rotated > made:
        return CurrentValue(state.name, version, rotated, rotated)
    waited = len(state.versions[version]) > 1
    return CurrentValue(state.name, version, made, changed if waited else made)
