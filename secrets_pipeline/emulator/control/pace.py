"""Let the embedded AWS take its time: at once, as AWS usually does, or drawn from a seed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.control.control import Setting
from secrets_pipeline.emulator.control.delays import DELAYS, Delay
from secrets_pipeline.emulator.core.activity import ACTIVITY
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.scheduler import SCHEDULER
from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

PACE_PATH = "/_local/pace"
_LOOK_SECONDS = 0.01


class Profile(StrEnum):
    """How long things take that are not set by hand."""

    INSTANT = "instant"
    AWS = "aws"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long everything takes.

    Attributes:
        profile: `aws` takes as long as the table of `delays` says is usual, `drawn` up to its most.
        seed: of the draws; each thing has its own, whatever the order of calls.
        seconds: by name in the table; set by hand.

    Raises:
        ValueError: a negative number, or a name that is not in the table.
    """

    profile: Profile = Profile.INSTANT
    seed: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(name in DELAYS and seconds >= 0 for name, seconds in self.seconds.items()):
            raise ValueError(self)

    @property
    def takes_time(self) -> bool:
        """Whether anything does."""
        return self.profile is not Profile.INSTANT or any(self.seconds.values())

    def knows(self, delay: Delay) -> bool:
        """Whether anything was said about it, be it that it takes no time."""
        return self.profile is not Profile.INSTANT or delay.name in self.seconds

    def of(self, delay: Delay, subject: str) -> float:
        """Seconds that something takes.

        Args:
            delay: row of the table.
            subject: whom it is about, for example an ARN.
        """
        if delay.name in self.seconds:
            return self.seconds[delay.name]
        if self.profile is Profile.AWS:
            return delay.usual
        if self.profile is Profile.DRAWN:
            chance = random.Random(f"{self.seed} {delay.name} {subject}")  # noqa: S311 - no secret is made of it
            return chance.uniform(0, delay.most)
        return 0.0


class PaceControl(Setting[Pace]):
    """The pace of this server.

    Attributes:
        since: since when, in epoch seconds of this AWS.
    """

    def __init__(self) -> None:
        super().__init__(Pace)
        self.since = CLOCK.now()

    def put(self, document: dict[str, Any]) -> None:
        """Replace it, also for what is under way."""
        super().put({**document, "profile": Profile(document.get("profile", Profile.INSTANT))})
        self.since = CLOCK.now()

    def is_over(self, delay: Delay, subject: str, begun: float) -> bool:
        """Whether something that began then, in epoch seconds of this AWS, is over.

        So is what began later than now: the clock was ahead and was set back.
        """
        return not begun <= CLOCK.now() < begun + self.now.of(delay, subject)

    def wait(self, delay: Delay, subject: str, begun: float) -> None:
        """Let a job that is under way take its time, and return when that is over.

        Meanwhile the job does not count as under way, so anybody may move the clock. A move past the end lets the job
        go on, and waits for what it does next.
        """
        if self.is_over(delay, subject, begun):
            return
        resumed = Lock()

        def resume() -> None:
            if resumed.acquire(blocking=False):
                ACTIVITY.begin()

        def resume_if_over() -> None:
            if self.is_over(delay, subject, begun):
                resume()

        SCHEDULER.at(begun + self.now.of(delay, subject), resume_if_over)
        ACTIVITY.end()
        while not (resumed.locked() or self.is_over(delay, subject, begun)):
            time.sleep(_LOOK_SECONDS)
        resume()


PACE = PaceControl()
"""Of this process; moto makes its backends itself, nothing can be handed to them."""


def set_pace(aws: LocalAws, pace: Pace) -> None:
    """Let things take their time until `reset_conditions`; replaces what was set before.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", PACE_PATH, asdict(pace))
