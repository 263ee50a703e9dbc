"""Let each call take time on its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

LATENCY_PATH = "/_local/latency"


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds added to each call, before anything is locked or done.

    Attributes:
        milliseconds: for every service that has no entry of its own.
        services: by service, as `CountedCall.service` names it.

    Raises:
        ValueError: a negative number.
    """

    milliseconds: float = 0.0
    services: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(one >= 0 for one in (self.milliseconds, *self.services.values())):
            raise ValueError(self)

    def of(self, service: str) -> float:
        """Seconds that a call of a service takes longer."""
        return self.services.get(service, self.milliseconds) / 1000


def set_latency(aws: LocalAws, latency: Latency) -> None:
    """Let each call take longer; replaces what was set before, `Latency()` ends it.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", LATENCY_PATH, asdict(latency))
