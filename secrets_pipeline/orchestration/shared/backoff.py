"""Say how often, and after how long, something is tried again before a human has to."""

from collections.abc import Sequence

BACKOFF_SECONDS = (60, 600, 3_600, 21_600)
"""Pauses before the second, third, fourth and fifth try."""


def attempt_at(age: float, pauses: Sequence[float] = BACKOFF_SECONDS) -> int:
    """Return the try that is due, by the seconds since the first: 1, 2 …, at most one more than there are pauses."""
    return 1 + sum(age >= sum(pauses[: number + 1]) for number in range(len(pauses)))
