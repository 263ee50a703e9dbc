"""Schedule the next rotation of a secret, and the end of one that is scheduled for deletion.

A rotation happens when its window opens. One that failed is tried again while a window is open.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.scheduler import SCHEDULER
from secrets_pipeline.emulator.services.secretsmanager import schedule

if TYPE_CHECKING:
    from secrets_pipeline.emulator.services.secretsmanager.model import EmulatedSecret

# AWS says "multiple times".
_ATTEMPTS = 4

Happens = Callable[["EmulatedSecret"], None]
"""What happens to a secret when its time has come."""


def plan(secret: EmulatedSecret, since: float, happens: Happens) -> None:
    """Plan the rotation that follows another one; the account's lock is held.

    Args:
        secret: whose rotation is on.
        since: epoch seconds of the last one, or of the beginning of it all.
        happens: the rotation.
    """
    rotation = secret.rotation
    if rotation is None:
        return
    window = schedule.next_window(rotation.rules, since)
    if window is not None and window.closes <= CLOCK.now():
        window = schedule.open_window(rotation.rules, CLOCK.now())
    rotation.window = window
    _at(secret, None if window is None else window.opens, happens)


def plan_again(secret: EmulatedSecret, happens: Happens) -> None:
    """Plan the next attempt of a rotation that failed; NextRotationDate stays, and may lie in the past.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
    """
    rotation = secret.rotation
    if rotation is None or not rotation.enabled or rotation.window is None:
        return
    now, window = CLOCK.now(), rotation.window
    current = window if now < window.closes else schedule.open_window(rotation.rules, now)
    if current is None or current.opens > now:
        _at(secret, None if current is None else current.opens, happens)
        return
    following = now + (current.closes - current.opens) / _ATTEMPTS
    if following >= current.closes:
        later = schedule.open_window(rotation.rules, current.closes)
        _at(secret, None if later is None else later.opens, happens)
        return
    _at(secret, following, happens)


def resume(secret: EmulatedSecret, happens: Happens) -> None:
    """Plan what is planned already, after the scheduler has forgotten it."""
    if secret.rotation is not None:
        _at(secret, secret.rotation.due, happens)


def _at(secret: EmulatedSecret, due: float | None, happens: Happens) -> None:
    rotation = secret.rotation
    if rotation is None:
        return
    rotation.due = due
    if due is not None:
        SCHEDULER.at(due, lambda: happens(secret) if secret.rotation is rotation and rotation.due == due else None)


def plan_deletion(secret: EmulatedSecret, happens: Happens) -> None:
    """Plan the end of a secret that is scheduled for deletion."""
    date = secret.deleted
    if date is not None:
        SCHEDULER.at(date, lambda: happens(secret) if secret.deleted == date else None)
