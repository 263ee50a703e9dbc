"""What a run meets beside AWS: databases and time. Tests and simulations put their own in its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pydantic import SecretStr

from secrets_pipeline.reconcilers.observed.login import Address, Login, log_in


def utc_now() -> datetime:
    """The date and time, in UTC."""
    return datetime.now(UTC)


class LogIn(Protocol):
    """Tries a login; `reconcilers.login.log_in` is the real one."""

    def __call__(self, address: Address, password: SecretStr, *, ca_file: str | None = None) -> Login:
        """Log in once and say what the database answered."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run meets beside AWS: databases and time.

    Attributes:
        log_in: tries a login.
        clock: seconds from any origin, never going back.
        sleep: waits some seconds.
        now: the date and time, with a time zone.
    """

    log_in: LogIn = log_in
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = utc_now
