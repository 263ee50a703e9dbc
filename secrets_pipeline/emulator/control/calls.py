"""What was called, counted at the server: the evidence for "zero writes, zero GetSecretValue".

Neither parameters nor values are recorded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.control.events import settle
from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

CALLS_PATH = "/_local/calls"


@dataclass(frozen=True, slots=True)
class CountedCall:
    """Calls that are alike since the last reset.

    Attributes:
        service: moto's name of the service, for example `secretsmanager`, `kms`, `awslambda`.
        operation: API operation, for example `GetSecretValue`; S3's is the HTTP method.
        account_id: account that the call acted in.
        region: region that it was signed for.
        principal: ARN of the assumed role, else the access key id.
        status: HTTP status of the answer, also of one that a fault kept from the client; 0 for a call that a fault
            kept from being performed without an answer.
        error: AWS's error code, for example `ThrottlingException`; empty without an error.
        count: how many.
    """

    service: str
    operation: str
    account_id: str
    region: str
    principal: str
    status: int
    error: str = ""
    count: int = 1


class CallLog:
    """Counts calls exactly, whatever the number of threads."""

    def __init__(self) -> None:
        self._counts: Counter[CountedCall] = Counter()
        self._lock = Lock()

    def record(self, call: CountedCall) -> None:
        """Count one call."""
        with self._lock:
            self._counts[call] += 1

    def snapshot(self) -> tuple[CountedCall, ...]:
        """Every kind of call so far, in the order of first appearance."""
        with self._lock:
            return tuple(replace(call, count=count) for call, count in self._counts.items())

    def get(self) -> list[dict[str, Any]]:
        """The snapshot as JSON."""
        return [asdict(call) for call in self.snapshot()]

    def delete(self) -> None:
        """Start counting again."""
        with self._lock:
            self._counts.clear()


def calls(aws: LocalAws) -> tuple[CountedCall, ...]:
    """What was called since the last reset.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    return tuple(CountedCall(**one) for one in ask(aws, "GET", CALLS_PATH))


def reset_calls(aws: LocalAws) -> None:
    """Start counting again, once nothing is under way any more: functions that are being tested call AWS too.

    Raises:
        LocalError: it goes on and on, or the embedded AWS does not answer.
    """
    settle(aws)
    ask(aws, "DELETE", CALLS_PATH)
