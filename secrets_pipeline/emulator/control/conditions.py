"""Reset the embedded AWS: to one that behaves, or to one that holds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.emulator.control.control import CONDITIONS_PATH
from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws


def reset_conditions(aws: LocalAws) -> None:
    """End every lag, latency, quota, duration and fault, the disorder of events and the moved clock.

    What AWS holds and the counted calls stay.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "DELETE", CONDITIONS_PATH)


def empty(aws: LocalAws) -> None:
    """Delete everything that any account holds, and stop the PostgreSQL of each instance.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "POST", "/moto-api/reset")
