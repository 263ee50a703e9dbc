"""The one wait of the tests, for what happens in the background."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

SECONDS = 300
"""More than the busiest machine needs: what has not happened by then never will. No wait is a measurement."""

WAITER: Any = {"Delay": 0.05, "MaxAttempts": SECONDS * 20}
"""WaiterConfig of boto3's waiters; the stubs know whole seconds alone."""

_LONGEST_PAUSE_SECONDS = 0.5

T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str | Callable[[], object] = "it", *, seconds: float = SECONDS) -> T:
    """Look until there is something to see, and give that.

    Args:
        look: gives something true once it has happened.
        what: was waited for; something callable is asked only when the time is over, for example for a log.
        seconds: at most, where the work itself takes longer than `SECONDS`.

    Raises:
        AssertionError: it never happened.
    """
    deadline, pause = time.monotonic() + seconds, 0.02
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what() if callable(what) else what}"
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    return seen
