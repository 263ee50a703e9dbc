"""What can go wrong at a call of an apply, drawn by the seed."""

from __future__ import annotations

import random
from enum import StrEnum

from secrets_pipeline.aws.once import OPERATIONS


class FaultKind(StrEnum):
    """What happens to one call, after botocore's own retries."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    ERROR = "500, not performed"
    THROTTLED = "throttled, not performed"
    TIME_OUT = "time-out after success"
    TWICE = "performed twice"
    STALE_LIST = "stale list"


_KINDS = tuple(kind for kind in FaultKind if kind is not FaultKind.STALE_LIST)
MOST_LAG = 12


class Faults:
    """Faults of one seed.

    Args:
        rng: of the seed.
        rate: how likely a call has a fault.
        stale: how likely a list is old.
    """

    def __init__(self, rng: random.Random, rate: float, stale: float) -> None:
        self._rng = rng
        self._rate = rate
        self._stale = stale
        self.counts: dict[FaultKind, int] = dict.fromkeys(FaultKind, 0)

    def draw(self, call: str) -> FaultKind | None:
        """What happens to a call, `service.Operation`."""
        if self._rng.random() >= self._rate:
            return None
        kind = self._rng.choice(_KINDS)
        if kind is FaultKind.TWICE and call in OPERATIONS:
            # botocore does not try these again where the answer was lost.
            kind = FaultKind.TIME_OUT
        self.counts[kind] += 1
        return kind

    def draw_kill(self) -> bool:
        """Whether a run is killed where it calls nobody."""
        struck = self._rng.random() < self._rate
        self.counts[FaultKind.KILLED_BEFORE] += struck
        return struck

    def lag(self, operation: str) -> int:
        """How many changes the answer of a list is behind."""
        if operation != "ListSecrets" or self._rng.random() >= self._stale:
            return 0
        self.counts[FaultKind.STALE_LIST] += 1
        return self._rng.randrange(1, MOST_LAG)
