"""Run jobs of the embedded AWS when their time on its clock has come."""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable
from threading import Condition, RLock, Thread

from secrets_pipeline.emulator.core.activity import ACTIVITY, Activity
from secrets_pipeline.emulator.core.clock import CLOCK, Clock

logger = logging.getLogger(__name__)

Job = Callable[[], object]
_LONGEST_WAIT = 60.0
_SETTLING_SECONDS = 120.0


class Scheduler:
    """Jobs in the order of their time; nothing of it outlives the process.

    Args:
        clock: says what time it is.
        activity: what jobs set in motion.
    """

    def __init__(self, clock: Clock = CLOCK, activity: Activity = ACTIVITY) -> None:
        self._clock = clock
        self._activity = activity
        self._changed = Condition()
        self._turn = RLock()
        self._jobs: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._started = False

    def start(self) -> None:
        """Perform jobs from now on, as time goes by."""
        self._started = True
        Thread(target=self._run, name="scheduler", daemon=True).start()

    def at(self, due: float, job: Job) -> None:
        """Perform a job when its time has come; nothing in a process where no scheduler runs.

        Args:
            due: epoch seconds.
            job: looks itself whether it is still wanted.
        """
        if self._started:
            with self._changed:
                heapq.heappush(self._jobs, (due, next(self._order), job))
                self._changed.notify_all()

    def clear(self) -> None:
        """Forget every job."""
        with self._changed:
            self._jobs.clear()

    def move_to(self, epoch: float) -> None:
        """Let it be another time; what is due until then happens at its own time, one after another.

        Args:
            epoch: seconds.

        Raises:
            ValueError: no time that a date can have.
        """
        with self._turn:
            self._activity.wait(_SETTLING_SECONDS)
            while (due := self._next()) is not None and due <= epoch:
                self._clock.move_to(max(due, self._clock.now()))
                self._perform_due()
                self._activity.wait(_SETTLING_SECONDS)
            # Going back, and the time that all of this took, do not count.
            self._clock.move_to(epoch)
        with self._changed:
            self._changed.notify_all()

    def _next(self) -> float | None:
        with self._changed:
            return self._jobs[0][0] if self._jobs else None

    def _perform_due(self) -> None:
        now = self._clock.now()
        while (due := self._next()) is not None and due <= now:
            with self._changed:
                _, _, job = heapq.heappop(self._jobs)
            try:
                job()
            except Exception:
                logger.exception("a job of %s failed", due)

    def _run(self) -> None:
        while True:
            with self._turn:
                self._perform_due()
            with self._changed:
                due = self._jobs[0][0] if self._jobs else None
                left = _LONGEST_WAIT if due is None else min(max(due - self._clock.now(), 0.0), _LONGEST_WAIT)
                if left:
                    self._changed.wait(left)


SCHEDULER = Scheduler()
"""This process's."""
