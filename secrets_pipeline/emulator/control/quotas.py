"""Limit request rates per account and region, and answer ThrottlingException above them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.control.calls import CountedCall
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

QUOTAS_PATH = "/_local/quotas"


@dataclass(frozen=True, slots=True)
class RateQuota:
    """Operations of one service that share one rate in each account and region.

    Attributes:
        service: as `CountedCall.service` names it.
        name: what the group is called.
        per_second: requests that are allowed.
        operations: API operations.

    Raises:
        ValueError: no request at all.
    """

    service: str
    name: str
    per_second: float
    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.per_second <= 0:
            raise ValueError(self)

    @property
    def capacity(self) -> float:
        """Requests that a full bucket holds."""
        return max(1.0, self.per_second)


_SERVICE = "secretsmanager"

SECRETS_MANAGER_QUOTAS = (
    RateQuota(
        _SERVICE,
        "resource policy",
        50,
        ("GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy", "ValidateResourcePolicy"),
    ),
    RateQuota(
        _SERVICE,
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
    RateQuota(_SERVICE, "rotate", 50, ("RotateSecret", "CancelRotateSecret")),
    RateQuota(_SERVICE, "tag", 50, ("TagResource", "UntagResource")),
    RateQuota(_SERVICE, "restore", 50, ("RestoreSecret",)),
    RateQuota(_SERVICE, "create", 50, ("CreateSecret",)),
    RateQuota(_SERVICE, "delete", 50, ("DeleteSecret",)),
    RateQuota(_SERVICE, "random password", 50, ("GetRandomPassword",)),
    RateQuota(_SERVICE, "versions", 50, ("ListSecretVersionIds",)),
    RateQuota(_SERVICE, "read", 10_000, ("DescribeSecret", "GetSecretValue")),
    RateQuota(_SERVICE, "list", 100, ("ListSecrets",)),
    RateQuota(_SERVICE, "batch read", 100, ("BatchGetSecretValue",)),
)
"""Secrets Manager's rates. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html"""

API_GATEWAY_QUOTAS = (
    RateQuota("apigateway", "calls", 10, ("GetRestApis", "GetStage", "UpdateStage")),
    RateQuota("apigateway", "deployments", 0.2, ("CreateDeployment",)),
)
"""API Gateway's, of what is called here. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""


class Buckets:
    """One token bucket per quota, account and region: it holds one second's requests, or one, and refills evenly.

    AWS documents token buckets for its APIs, not their size for Secrets Manager; refused requests take no token.
    https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html

    Args:
        clock: seconds from any origin, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._quotas: dict[tuple[str, str], RateQuota] = {}
        self._left: dict[tuple[RateQuota, str, str], tuple[float, float]] = {}

    def admits(self, call: CountedCall) -> bool:
        """Whether a call is within its rate; it counts if it is."""
        quota = self._quotas.get((call.service, call.operation))
        if quota is None:
            return True
        key = (quota, call.account_id, call.region)
        with self._lock:
            now = self._clock()
            left, then = self._left.get(key, (quota.capacity, now))
            left = min(quota.capacity, left + (now - then) * quota.per_second)
            admitted = left >= 1
            self._left[key] = (left - 1 if admitted else left, now)
            return admitted

    def get(self) -> list[dict[str, Any]]:
        """The enforced quotas as JSON."""
        return [asdict(quota) for quota in dict.fromkeys(self._quotas.values())]

    def put(self, document: list[dict[str, Any]]) -> None:
        """Enforce these quotas instead, with full buckets."""
        quotas = [RateQuota(**{**one, "operations": tuple(one["operations"])}) for one in document]
        with self._lock:
            self._left = {}
            self._quotas = {(quota.service, operation): quota for quota in quotas for operation in quota.operations}

    def delete(self) -> None:
        """Enforce none."""
        self.put([])


def enforce_quotas(aws: LocalAws, quotas: Sequence[RateQuota] = (*SECRETS_MANAGER_QUOTAS, *API_GATEWAY_QUOTAS)) -> None:
    """Answer ThrottlingException above these rates; replaces what was enforced before.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", QUOTAS_PATH, [asdict(quota) for quota in quotas])
