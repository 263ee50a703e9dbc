"""Keep values that are made at their first use, by one thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import RLock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Once(Generic[Value]):
    """A value that is made at its first use; who asks for it meanwhile waits."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._made: list[Value] = []

    def get(self, make: Callable[[], Value]) -> Value:
        """Make the value, or return the one that was made."""
        with self._lock:
            if not self._made:
                self._made.append(make())
            return self._made[0]


class Cached(Generic[Key, Value]):
    """Values by key, each read at its first use and kept until it is forgotten.

    Threads that ask for the same key wait for one read; others go on. What is forgotten while it is being read is read
    again by whoever asks next.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._kept: dict[Key, Once[Value]] = {}

    def get(self, key: Key, read: Callable[[], Value]) -> Value:
        """Read the value of a key, or return the one that was read; what `read` raises is not kept."""
        with self._lock:
            once = self._kept.setdefault(key, Once())
        return once.get(read)

    def refresh(self, key: Key, read: Callable[[], Value]) -> Value:
        """Read the value of a key now."""
        self.forget(key)
        return self.get(key, read)

    def learn(self, key: Key, value: Value) -> None:
        """Keep a value that this run wrote."""
        once: Once[Value] = Once()
        once.get(lambda: value)
        with self._lock:
            self._kept[key] = once

    def forget(self, key: Key) -> None:
        """Read a key again next time."""
        with self._lock:
            self._kept.pop(key, None)
