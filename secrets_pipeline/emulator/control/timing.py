"""Move the clock of the embedded AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.scheduler import SCHEDULER
from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

CLOCK_PATH = "/_local/clock"
_SECONDS = 900.0


class ClockControl:
    """The clock of this server."""

    def get(self) -> dict[str, Any]:
        """What time it is."""
        return {"now": CLOCK.now()}

    def put(self, document: dict[str, Any]) -> None:
        """Let it be another time.

        Raises:
            KeyError, ValueError: neither a time nor a number of seconds.
        """
        seconds = document.get("seconds")
        SCHEDULER.move_to(float(document["now"]) if seconds is None else CLOCK.now() + float(seconds))

    def delete(self) -> None:
        """Return to real time."""
        CLOCK.real()


def clock(aws: LocalAws) -> datetime:
    """What time it is in the embedded AWS, in UTC.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    return datetime.fromtimestamp(ask(aws, "GET", CLOCK_PATH)["now"], UTC)


def set_clock(aws: LocalAws, moment: datetime) -> None:
    """Let it be another time until `reset_conditions`; see `advance`.

    Going back undoes nothing.

    Args:
        aws: the embedded AWS.
        moment: with time zone.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", CLOCK_PATH, {"now": moment.timestamp()}, seconds=_SECONDS)


def advance(aws: LocalAws, by: timedelta) -> datetime:
    """Let time pass, until `reset_conditions`: rotations happen in their windows, scheduled deletions on their day.

    Each happens at its own time and is over before time goes on. Dates of Secrets Manager and CloudTrail follow, and
    what moto dates; processes of Lambda functions and clients have the real time.

    Args:
        aws: the embedded AWS.
        by: how long.

    Returns:
        What time it is then.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    return datetime.fromtimestamp(
        ask(aws, "PUT", CLOCK_PATH, {"seconds": by.total_seconds()}, seconds=_SECONDS)["now"], UTC
    )
