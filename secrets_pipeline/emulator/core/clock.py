"""Keep the time of the embedded AWS, which tests can move."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch, as this AWS has them: real time, and how far it was moved."""

    def __init__(self) -> None:
        self._moved = 0.0

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() + self._moved

    @property
    def moment(self) -> datetime:
        """The same with time zone."""
        return datetime.fromtimestamp(self.now(), UTC)

    def move_to(self, epoch: float) -> None:
        """Let it be another time.

        Args:
            epoch: seconds.

        Raises:
            ValueError: no time that a date can have.
        """
        if not math.isfinite(epoch):
            raise ValueError(epoch)
        datetime.fromtimestamp(epoch, UTC)
        self._moved = epoch - time.time()

    def real(self) -> None:
        """Return to real time."""
        self._moved = 0.0


CLOCK = Clock()
"""This process's; moto makes its backends itself, nothing can be handed to them."""
