"""Steer the events of the embedded AWS: disorder, made-up events, and waiting until all of it is over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.core.activity import ACTIVITY
from secrets_pipeline.emulator.core.event_bus import BUS, Disorder, Event
from secrets_pipeline.emulator.handle.endpoint import ask
from secrets_pipeline.errors import LocalError

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

DISORDER_PATH = "/_local/events/disorder"
EMIT_PATH = "/_local/events"
SETTLE_PATH = "/_local/settle"
_HELD_SECONDS = 5.0


class DisorderControl:
    """The disorder of this server's events."""

    def get(self) -> dict[str, Any]:
        """As JSON."""
        return BUS.get()

    def put(self, document: dict[str, Any]) -> None:
        """Deliver that way."""
        BUS.put_disorder(Disorder(**document))

    def delete(self) -> None:
        """Deliver each event once and in order again."""
        BUS.delete()


class EmitControl:
    """Takes events as if AWS services had sent them."""

    def get(self) -> dict[str, Any]:
        """How many are on their way, together with everything else that goes on."""
        return {"under_way": ACTIVITY.count}

    def put(self, document: list[dict[str, Any]]) -> None:
        """Send a list of events."""
        BUS.put(*[Event.of(one) for one in document])

    def delete(self) -> None:
        """Do nothing: what is on its way arrives."""


class SettleControl:
    """Answers when nothing is under way, or after some seconds."""

    def get(self) -> dict[str, Any]:
        """Whether all is over."""
        return {"settled": ACTIVITY.wait(_HELD_SECONDS)}

    def delete(self) -> None:
        """Do nothing."""


def settle(aws: LocalAws, seconds: float = 300) -> None:
    """Wait until nothing is under way: rotations, tests of rotations, events to their targets.

    Args:
        aws: the embedded AWS.
        seconds: at most.

    Raises:
        LocalError: it goes on, or the embedded AWS does not answer.
    """
    deadline = time.monotonic() + seconds
    while not ask(aws, "GET", SETTLE_PATH)["settled"]:
        if time.monotonic() > deadline:
            raise LocalError(
                f"The embedded AWS is still at work after {seconds:g} s.", remedy=f"Read {aws.state_dir}/server.log."
            )


def emit(aws: LocalAws, *events: Mapping[str, Any]) -> None:
    """Send events as AWS services do, which PutEvents does not let a client do.

    Args:
        aws: the embedded AWS.
        events: documents as targets get them, with `account` and `region`; `id` and `time` may be left out.

    Raises:
        LocalError: one of them is no event, or the embedded AWS does not answer.
    """
    ask(aws, "PUT", EMIT_PATH, [dict(one) for one in events])


def disorder_events(
    aws: LocalAws,
    *,
    duplicates: float = 0.0,
    shuffled: bool = False,
    trail: bool = True,
    seed: int | None = None,
) -> None:
    """Let events come as EventBridge may deliver them, until `reset_conditions`.

    Args:
        aws: the embedded AWS.
        duplicates: probability that one comes twice.
        shuffled: whether they overtake each other.
        trail: False where no trail records management events: then nothing comes through CloudTrail.
        seed: makes it the same again.

    Raises:
        LocalError: the probability is none, or the embedded AWS does not answer.
    """
    ask(aws, "PUT", DISORDER_PATH, asdict(Disorder(duplicates, shuffled, trail, seed)))
