"""What was called, counted at the server: the evidence for "zero writes, zero GetSecretValue".

Neither parameters nor values are recorded.
"""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from secrets_pipeline.errors import LocalError

if TYPE_CHECKING:
    from secrets_pipeline.local.lifecycle import LocalAws

CALLS_PATH = "/_local/calls"
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Call:
    """Calls that are alike since the last reset.

    Attributes:
        service: moto's name of the service, for example `secretsmanager`, `kms`, `awslambda`.
        operation: API operation, for example `GetSecretValue`; S3's is the HTTP method.
        account_id: account that the call acted in.
        region: region that it was signed for.
        principal: ARN of the assumed role, else the access key id.
        status: HTTP status of the answer.
        count: how many.
    """

    service: str
    operation: str
    account_id: str
    region: str
    principal: str
    status: int
    count: int = 1


class CallLog:
    """Counts calls exactly, whatever the number of threads."""

    def __init__(self) -> None:
        self._counts: Counter[Call] = Counter()
        self._lock = Lock()

    def record(self, call: Call) -> None:
        """Count one call."""
        with self._lock:
            self._counts[call] += 1

    def snapshot(self) -> tuple[Call, ...]:
        """Every kind of call so far, in the order of first appearance."""
        with self._lock:
            return tuple(replace(call, count=count) for call, count in self._counts.items())

    def reset(self) -> None:
        """Start counting again."""
        with self._lock:
            self._counts.clear()

    def to_json(self) -> str:
        """The snapshot as JSON."""
        return json.dumps([asdict(call) for call in self.snapshot()])


def calls(aws: LocalAws) -> tuple[Call, ...]:
    """What was called since the last reset.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    return tuple(Call(**one) for one in json.loads(_request(aws, "GET")))


def reset_calls(aws: LocalAws) -> None:
    """Start counting again.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    _request(aws, "DELETE")


def _request(aws: LocalAws, method: str) -> bytes:
    request = urllib.request.Request(aws.endpoint_url + CALLS_PATH, method=method)  # noqa: S310 - our own endpoint
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - our own endpoint
            return bytes(answer.read())
    except OSError as error:
        raise LocalError(
            f"The embedded AWS at {aws.endpoint_url} does not answer.", remedy="secrets-pipeline local start"
        ) from error
