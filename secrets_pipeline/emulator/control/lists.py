"""Let lists lag behind, as AWS's may by up to five minutes.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.control.delays import LIST
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

LISTS_PATH = "/_local/lists"
_FOREVER = "forever"


class ListLag:
    """How far lists lag behind; the server has one.

    Args:
        clock: seconds from any origin; the embedded AWS's own may be set back.
    """

    def __init__(self, clock: Callable[[], float] = CLOCK.now) -> None:
        self.clock = clock
        self._seconds: float | None = None
        self._since = 0.0

    def moment(self) -> float | None:
        """The moment that lists show, by the clock; None while they are up to date.

        They never show a moment before the lag began, as nothing was remembered until then.
        """
        if self._seconds is not None:
            return max(self._since, self.clock() - self._seconds)
        seconds = PACE.now.of(LIST, "")
        return max(PACE.since, self.clock() - seconds) if seconds else None

    @property
    def frozen(self) -> bool:
        """Whether lists show one moment until they are thawed."""
        return self._seconds == math.inf

    def get(self) -> dict[str, Any]:
        """The lag as JSON."""
        return {"seconds": _FOREVER if self.frozen else self._seconds}

    def put(self, document: dict[str, Any]) -> None:
        """Lag behind from now on.

        Raises:
            ValueError: not a number of seconds.
        """
        seconds = math.inf if document["seconds"] == _FOREVER else float(document["seconds"])
        if not seconds >= 0:
            raise ValueError(seconds)
        self._since, self._seconds = self.clock(), seconds

    def delete(self) -> None:
        """Be up to date again."""
        self._seconds = None


LAG = ListLag()
"""The lag of this process; moto makes its backends itself, nothing can be handed to them."""


def lag_lists(aws: LocalAws, seconds: float) -> None:
    """Let ListSecrets, and BatchGetSecretValue by filters, show the state of so many seconds ago.

    Old tags, labels and descriptions, new secrets missing, deleted ones still there. What is older than this call
    never comes back: for the first seconds, lists stand still.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", LISTS_PATH, {"seconds": seconds})


def freeze_lists(aws: LocalAws) -> None:
    """Let those lists show this moment until `thaw_lists`.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", LISTS_PATH, {"seconds": _FOREVER})


def thaw_lists(aws: LocalAws) -> None:
    """Let lists be up to date again.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "DELETE", LISTS_PATH)
