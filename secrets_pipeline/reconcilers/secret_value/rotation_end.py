"""Wait a little for a rotation that has just begun, by DescribeSecret and ListSecretVersionIds: most take seconds.

A rotation that is only being tested looks the same: RotateSecret with RotateImmediately false makes an AWSPENDING
version and removes it again.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html (RotateImmediately)
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import NotYetError

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

_SECONDS, _PAUSE = 60.0, 2.0
_JUST = timedelta(minutes=5)


def after_rotation(stack: Stack, state: SecretState, remedy: str = "Run again when it has finished.") -> SecretState:
    """Return the secret as it is when no rotation is in progress; one that began long ago is not waited for.

    Args:
        stack: the stack.
        state: the secret as known.
        remedy: what to do where the rotation goes on.

    Raises:
        NotYetError: if it goes on.
        AwsError: if Secrets Manager refuses ListSecretVersionIds, which says when it began.
    """
    run, found = stack.run, state
    until = run.clock() + _SECONDS
    # Not by LastChangedDate, which our own tags move.
    made = stack.observed.secrets.version_dates_now(state) if state.rotation_in_progress else {}
    while (pending := found.pending_version) is not None:
        if run.clock() >= until or (pending in made and run.now() - made[pending] > _JUST):
            raise NotYetError(f"a rotation of {found.name} is in progress, or is being tested", remedy=remedy)
        run.sleep(_PAUSE)
        found = stack.observed.secrets.refresh(found.name) or found
    return found
