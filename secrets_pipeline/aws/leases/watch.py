"""Judge that a lease has expired: its record stayed the same for as long as it lasts, by the clock of whoever looks.

No date is compared with another machine's: neither hosts nor the machines of S3 promise equal clocks. AWS's
lock client for DynamoDB judges leases this way:
https://aws.amazon.com/blogs/database/building-distributed-locks-with-the-dynamodb-lock-client/
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from secrets_pipeline.aws.leases.record import Seen

Clock: TypeAlias = Callable[[], float]


def elapsed() -> float:
    """Tell seconds from any origin, which pass while the machine is suspended, too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Watch:
    """Remembers since when each record is as it is; everybody in a process may share one.

    Args:
        clock: seconds from any origin, never going back.
    """

    def __init__(self, clock: Clock = elapsed) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._since: dict[str, tuple[str, float]] = {}

    def stood_still(self, address: str, seen: Seen, asked: float) -> float:
        """Tell for how many seconds a record has been the same; 0 if it was never seen as it is.

        Args:
            address: of the lease.
            seen: what the store answered just now.
            asked: when it was asked.
        """
        with self._lock:
            version, since = self._since.get(address, ("", 0.0))
            if version != seen.version:
                self._since[address] = (seen.version, self.clock())
                return 0.0
            return asked - since


WATCH = Watch()
"""Of this process: a sensor looks every few seconds, and a run that begins goes on with what was seen."""
