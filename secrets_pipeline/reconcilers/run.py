"""Hold what one run may do, and what it meets beside AWS: databases and time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Protocol

from pydantic import SecretStr

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.observed.login import Address, Login, log_in


def utc_now() -> datetime:
    """Read the date and time, in UTC."""
    return datetime.now(UTC)


class LogIn(Protocol):
    """Tries a login; `observed.login.log_in` is the real one."""

    def __call__(self, address: Address, password: SecretStr, *, ca_file: str | None = None) -> Login:
        """Log in once and say what the database answered."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Tests and simulations put databases and a time of their own into it.

    Attributes:
        settings: the operator's.
        options: what the operator asked this run for.
        writes: whether it changes anything in AWS; a plan and a verification do not.
        id: names the run in the marks that it writes.
        log_in: tries a login.
        clock: seconds from any origin, never going back.
        sleep: waits some seconds.
        now: the date and time, with a time zone.
    """

    settings: OperatorSettings
    options: ApplyOptions = field(default_factory=ApplyOptions)
    writes: bool = False
    id: str = field(default_factory=lambda: token_hex(4))
    log_in: LogIn = log_in
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = utc_now
