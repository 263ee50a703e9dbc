"""Kill the process of a Lambda function before or after its handler did its work.

A handler that was killed after its work has done it all and never said so, as when Lambda's host is lost.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

MISHAPS_PATH = "/_local/mishaps"


class Moment(StrEnum):
    """When the process is killed."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Mishap:
    """Invocations that are killed.

    Attributes:
        step: only those of this rotation step; empty for any invocation.
        moment: before or after the handler's work.
        times: how many invocations.

    Raises:
        ValueError: fewer than one.
    """

    step: str = ""
    moment: Moment = Moment.BEFORE
    times: int = 1

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(self)

    def strikes(self, event: str) -> bool:
        """Whether an invocation with this event, as JSON, is one of these."""
        if not self.step:
            return True
        found = json.loads(event or "{}")
        return isinstance(found, dict) and found.get("Step") == self.step


class MishapControl:
    """What is to happen to invocations on this server."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mishap: Mishap | None = None
        self._left = 0

    def take(self, event: str) -> Moment | None:
        """What happens to one invocation; counted."""
        with self._lock:
            if self._mishap is None or not self._left or not self._mishap.strikes(event):
                return None
            self._left -= 1
            return self._mishap.moment

    def get(self) -> dict[str, Any]:
        """The mishap as JSON, with how many invocations it still waits for; empty for none."""
        return {**asdict(self._mishap), "left": self._left} if self._mishap else {}

    def put(self, document: dict[str, Any]) -> None:
        """Replace it."""
        mishap = Mishap(str(document["step"]), Moment(document["moment"]), int(document["times"]))
        with self._lock:
            self._mishap, self._left = mishap, mishap.times

    def delete(self) -> None:
        """Let every invocation live."""
        with self._lock:
            self._mishap, self._left = None, 0


MISHAPS = MishapControl()
"""Of this process."""


def kill_invocations(aws: LocalAws, mishap: Mishap) -> None:
    """Have invocations of any function killed; replaces what was set before.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", MISHAPS_PATH, asdict(mishap))
