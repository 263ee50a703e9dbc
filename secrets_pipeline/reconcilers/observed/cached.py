"""Values that are made at their first use, by one thread, and then kept."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Once(Generic[Value]):
    """A value that is made at its first use; who asks for it meanwhile waits."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._made: list[Value] = []

    def get(self, make: Callable[[], Value]) -> Value:
        """The value."""
        with self._lock:
            if not self._made:
                self._made.append(make())
            return self._made[0]
