"""What sessions of roles asked for, as policies see it: the evidence that a policy is enough, and none of it spare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

RIGHTS_PATH = "/_local/rights"
_TIMES = frozenset({"aws:currenttime", "aws:epochtime"})
"""Keys of a request that are others each time, and that nothing depends on here."""


@dataclass(frozen=True, slots=True)
class AskedRight:
    """Something that sessions of a role asked for.

    Attributes:
        role: its ARN.
        action: for example `kms:Decrypt`.
        resource: ARN of what it was asked of; `*` where the service knows none.
        allowed: the answer.
        context: condition keys of request and resource, in lower case, with their values.
    """

    role: str
    action: str
    resource: str
    allowed: bool
    context: tuple[tuple[str, tuple[str, ...]], ...]


class RightsLog:
    """Keeps each thing that was asked for once."""

    def __init__(self) -> None:
        self._asked: dict[AskedRight, None] = {}
        self._lock = Lock()

    def note(
        self, role: str, action: str, resource: str, context: Mapping[str, tuple[str, ...]], *, allowed: bool
    ) -> None:
        """Note one request."""
        kept = tuple(sorted((key, values) for key, values in context.items() if key not in _TIMES))
        with self._lock:
            self._asked[AskedRight(role, action, resource, allowed, kept)] = None

    def get(self) -> list[list[Any]]:
        """All of it as JSON, in the order of first appearance."""
        with self._lock:
            return [[one.role, one.action, one.resource, one.allowed, one.context] for one in self._asked]

    def delete(self) -> None:
        """Begin again."""
        with self._lock:
            self._asked.clear()


RIGHTS = RightsLog()


def asked_rights(aws: LocalAws) -> tuple[AskedRight, ...]:
    """What sessions of roles asked for since the last reset.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    return tuple(
        AskedRight(role, action, resource, allowed, tuple((key, tuple(values)) for key, values in context))
        for role, action, resource, allowed, context in ask(aws, "GET", RIGHTS_PATH)
    )


def reset_rights(aws: LocalAws) -> None:
    """Forget what was asked for.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "DELETE", RIGHTS_PATH)
