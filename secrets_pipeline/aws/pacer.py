"""Keep under Secrets Manager's fixed request rates, so that almost nothing is throttled.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """Operations that share one rate.

    Attributes:
        name: for messages and measurements.
        per_second: requests that AWS allows, per account and region.
        operations: API operations of Secrets Manager.
    """

    name: str
    per_second: int
    operations: tuple[str, ...]


QUOTAS = (
    Quota(
        "resource policy",
        50,
        ("GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy", "ValidateResourcePolicy"),
    ),
    Quota(
        "write",
        50,
        (
            "PutSecretValue",
            "UpdateSecret",
            "UpdateSecretVersionStage",
            "ReplicateSecretToRegions",
            "RemoveRegionsFromReplication",
            "StopReplicationToReplica",
        ),
    ),
    Quota("rotate", 50, ("RotateSecret", "CancelRotateSecret")),
    Quota("tag", 50, ("TagResource", "UntagResource")),
    Quota("restore", 50, ("RestoreSecret",)),
    Quota("create", 50, ("CreateSecret",)),
    Quota("delete", 50, ("DeleteSecret",)),
    Quota("random password", 50, ("GetRandomPassword",)),
    Quota("versions", 50, ("ListSecretVersionIds",)),
    Quota("read", 10_000, ("DescribeSecret", "GetSecretValue")),
    Quota("list", 100, ("ListSecrets",)),
    Quota("batch read", 100, ("BatchGetSecretValue",)),
)

_BY_OPERATION: Mapping[str, Quota] = {operation: quota for quota in QUOTAS for operation in quota.operations}


def quota_of(operation: str) -> Quota | None:
    """The quota that an operation of Secrets Manager counts against, if it has one."""
    return _BY_OPERATION.get(operation)


class Pacer:
    """One bucket of one token per quota: calls of a quota start evenly, at one a second less than AWS allows.

    So no second holds more calls than the quota, whatever the number of threads. Retries count as calls.

    Args:
        clock: seconds from any origin, never going back.
        sleep: waits some seconds.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def wait(self, operation: str) -> float:
        """Wait for the turn of one call.

        Returns:
            Seconds waited; 0 for an operation without a quota.
        """
        quota = quota_of(operation)
        if quota is None:
            return 0.0
        with self._lock:
            now = self._clock()
            turn = max(now, self._next.get(quota.name, now))
            self._next[quota.name] = turn + 1 / (quota.per_second - 1)
        if turn > now:
            self._sleep(turn - now)
        return turn - now


_pacers: dict[tuple[str, str], Pacer] = {}
_pacers_lock = threading.Lock()


def pacer_for(account_id: str, region: str) -> Pacer:
    """The pacer that everything in this process shares for one account and region."""
    with _pacers_lock:
        return _pacers.setdefault((account_id, region), Pacer())
