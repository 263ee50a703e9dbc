"""Time of the embedded AWS that passes by sleeping: a run that waits ten minutes takes the time of its calls."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from threading import Lock

from secrets_pipeline import emulator


class MovedTime:
    """The clock of an embedded AWS, which whoever sleeps moves on; two who sleep at once sleep side by side.

    A thread that works while others sleep sees time jump, as one does whose machine was suspended.

    Args:
        aws: whose clock.

    Attributes:
        slept: seconds that passed by sleeping.
    """

    def __init__(self, aws: emulator.LocalAws) -> None:
        self._aws = aws
        self._lock = Lock()
        self.slept = 0.0

    def clock(self) -> float:
        """Seconds since the epoch, as the embedded AWS has them."""
        return time.time() + self.slept

    def now(self) -> datetime:
        """The same as date and time, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def sleep(self, seconds: float) -> None:
        """Let it be so many seconds later, unless others have slept as long meanwhile."""
        until = self.clock() + seconds
        with self._lock:
            if until > self.clock():
                emulator.set_clock(self._aws, datetime.fromtimestamp(until, UTC))
                self.slept = until - time.time()
