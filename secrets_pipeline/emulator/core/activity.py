"""Count what is still under way in the embedded AWS after calls were answered."""

from __future__ import annotations

from threading import Condition


class Activity:
    """Counts what is under way: events on their way, rotations, tests of rotations."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._count = 0

    def begin(self, count: int = 1) -> None:
        """Note that something began."""
        with self._changed:
            self._count += count

    def end(self, count: int = 1) -> None:
        """Note that it ended."""
        with self._changed:
            self._count -= count
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way.

        Args:
            seconds: at most.

        Returns:
            Whether nothing is.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._count, seconds)

    @property
    def count(self) -> int:
        """How much is under way."""
        return self._count


ACTIVITY = Activity()
"""This process's."""
