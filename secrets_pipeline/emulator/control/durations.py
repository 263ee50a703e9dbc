"""Set how long databases are `creating`, replicas `InProgress` and new principals unknown."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

DURATIONS_PATH = "/_local/durations"
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Durations:
    """What takes its time.

    Attributes:
        creating_seconds: RDS instances stay `creating` at least this long.
        replicating_seconds: replicas of secrets that are made now stay `InProgress` this long.
        principal_seconds: policies take roles and users that are at least this old; None for any, made or not.

    Raises:
        ValueError: a negative one.
    """

    creating_seconds: float = 0.0
    replicating_seconds: float = 0.0
    principal_seconds: float | None = None

    def __post_init__(self) -> None:
        if min(self.creating_seconds, self.replicating_seconds, self.principal_seconds or 0) < 0:
            raise ValueError(self)


class DurationControl:
    """The server's side.

    Attributes:
        now: those that count now.
    """

    def __init__(self) -> None:
        self.now = Durations()

    def get(self) -> dict[str, Any]:
        """The durations as JSON."""
        return asdict(self.now)

    def put(self, document: dict[str, Any]) -> None:
        """Replace them, also for what is under way."""
        self.now = Durations(**document)

    def delete(self) -> None:
        """Let nothing take its time."""
        self.put({})

    def wait_for_creation(self, begun: float) -> None:
        """Return when what is `creating` since then may be available, be it that the clock runs or that it is moved.

        Args:
            begun: by the clock of this AWS, in seconds since the epoch.
        """
        while CLOCK.now() < begun + self.now.creating_seconds:
            time.sleep(_LOOK_SECONDS)


DURATIONS = DurationControl()
"""Of this process."""


def set_durations(aws: LocalAws, durations: Durations) -> None:
    """Let things take their time until `reset_conditions`; replaces what was set before.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", DURATIONS_PATH, asdict(durations))
