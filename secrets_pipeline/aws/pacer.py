"""Delay calls so that they stay under AWS's request rates, and almost nothing is throttled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from secrets_pipeline.aws.quotas import SECRETS_MANAGER, quota_of


class Pacer:
    """Spaces the calls of each quota evenly, a little slower than AWS allows: a bucket of one token.

    So no second holds more calls than the quota, whatever the number of threads. Retries count as calls.

    Args:
        clock: seconds from any origin, never going back.
        sleep: waits some seconds.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next: dict[tuple[str, str], float] = {}

    def wait(self, operation: str, service: str = SECRETS_MANAGER) -> float:
        """Sleep until one call may start.

        Args:
            operation: API operation.
            service: as botocore's events name it, for example `kms`.

        Returns:
            Seconds waited; 0 for an operation without a quota.
        """
        quota = quota_of(operation, service)
        if quota is None:
            return 0.0
        with self._lock:
            now = self._clock()
            turn = max(now, self._next.get((service, quota.name), now))
            self._next[service, quota.name] = turn + quota.spacing
        if turn > now:
            self._sleep(turn - now)
        return turn - now


_pacers: dict[tuple[str, str], Pacer] = {}
_pacers_lock = threading.Lock()


def pacer_for(account_id: str, region: str) -> Pacer:
    """Return the pacer that everything in this process shares for one account and region."""
    with _pacers_lock:
        return _pacers.setdefault((account_id, region), Pacer())
