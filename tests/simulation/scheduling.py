"""One seed, one schedule: actors are threads that hand over a baton, so that only one of them ever runs.

The baton changes hands where an actor is about to call AWS, or sleeps. Time is virtual: it passes with every turn, and
jumps when everybody sleeps.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Lock, Thread

TURN_SECONDS = 0.05
MOST_TURNS = 20_000


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


class Endless(BaseException):
    """The schedule does not come to an end."""


class Actor:
    """Somebody who acts on AWS.

    Attributes:
        name: for the trace.
        wakes: virtual second before which it does nothing.
        killed: whether it died; a dead one that still calls is stopped again.
    """

    def __init__(self, name: str, act: Callable[[Actor], None], wakes: float = 0.0) -> None:
        self.name = name
        self.wakes = wakes
        self.killed = False
        self.error: BaseException | None = None
        self._act = act
        self._gate = Lock()
        self._gate.acquire()
        self._started = False

    def resume(self, scheduler: Scheduler) -> None:
        """Let it run; the caller must wait at its own gate at once."""
        if self._started:
            self._gate.release()
            return
        self._started = True
        Thread(target=self._run, args=(scheduler,), name=self.name, daemon=True).start()

    def wait(self) -> None:
        """Until it is resumed."""
        self._gate.acquire()

    def _run(self, scheduler: Scheduler) -> None:
        try:
            self._act(self)
        except Killed:
            self.killed = True
        except BaseException as error:  # noqa: BLE001 - told to whoever runs the schedule
            self.error = error
        scheduler.leave(self)


class Scheduler:
    """Chooses who acts next.

    Args:
        rng: of the seed; nothing else decides.
        restlessness: how likely the baton changes hands at a turn; small values give long stretches of one actor.
    """

    def __init__(self, rng: random.Random, restlessness: float = 1.0) -> None:
        self._rng = rng
        self._restlessness = restlessness
        self._actors: list[Actor] = []
        self._done = Lock()
        self._done.acquire()
        self.clock = 0.0
        self.turns = 0
        self.endless = False

    def add(self, actor: Actor) -> None:
        """Let somebody take part."""
        self._actors.append(actor)

    def run(self) -> None:
        """Until every actor has left.

        Raises:
            BaseException: what an actor did not catch.
        """
        taking_part = list(self._actors)
        if not self._actors:
            return
        self._choose().resume(self)
        self._done.acquire()
        if self.endless:
            raise Endless(f"still not finished after {self.turns} turns")
        for actor in taking_part:
            if actor.error is not None:
                raise actor.error

    def turn(self, actor: Actor) -> None:
        """Called by an actor, from whatever thread of its own, where others may come first.

        Raises:
            Killed: if it was killed, or nothing comes to an end.
        """
        self.turns += 1
        self.clock += TURN_SECONDS
        if self.turns > MOST_TURNS:
            self.endless = True
        if self.endless or actor.killed:
            raise Killed
        if actor.wakes <= self.clock and self._rng.random() >= self._restlessness:
            return
        chosen = self._choose()
        if chosen is not actor:
            chosen.resume(self)
            actor.wait()
        if self.endless:
            raise Killed

    def sleep(self, actor: Actor, seconds: float) -> None:
        """Do nothing for some virtual seconds."""
        actor.wakes = self.clock + seconds
        self.turn(actor)

    def leave(self, actor: Actor) -> None:
        """The actor has finished or died."""
        self._actors.remove(actor)
        if self._actors:
            self._choose().resume(self)
        else:
            self._done.release()

    def _choose(self) -> Actor:
        awake = [actor for actor in self._actors if actor.wakes <= self.clock]
        if not awake:
            self.clock = min(actor.wakes for actor in self._actors)
            awake = [actor for actor in self._actors if actor.wakes <= self.clock]
        return awake[0] if len(awake) == 1 else self._rng.choice(awake)
