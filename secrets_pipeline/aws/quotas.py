"""List AWS's published request rates, per account and region, and the operations that each counts.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html,
https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SECRETS_MANAGER = "secrets-manager"
KMS = "kms"
API_GATEWAY = "api-gateway"
IAM = "iam"
"""Services, as botocore's events name them."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Operations that share one rate.

    Attributes:
        name: for messages and measurements, unique in its service.
        per_second: requests that AWS allows, per account and region.
        operations: API operations.
        service: as botocore's events name it.
    """

    name: str
    per_second: float
    operations: tuple[str, ...]
    service: str = SECRETS_MANAGER

    @property
    def spacing(self) -> float:
        """Seconds between two calls: at one a second less than AWS allows, where that leaves any."""
        return 1 / (self.per_second - 1 if self.per_second > 1 else self.per_second)


def _alone(per_second: int, *operations: str) -> tuple[Quota, ...]:
    """Operations of KMS that each have a rate of their own."""
    return tuple(Quota(operation, per_second, (operation,), KMS) for operation in operations)


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
    # The lowest of all regions; what Secrets Manager asks of KMS for us counts as well, and is not seen here.
    Quota(
        "cryptographic",
        10_000,
        (
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateMac",
            "GenerateRandom",
            "ReEncrypt",
            "VerifyMac",
        ),
        KMS,
    ),
    *_alone(5, "CreateKey", "CreateAlias", "UpdateAlias", "UpdateKeyDescription", "UntagResource", "ReplicateKey"),
    *_alone(5, "EnableKey", "DisableKey", "DisableKeyRotation", "CancelKeyDeletion"),
    *_alone(10, "TagResource"),
    *_alone(15, "PutKeyPolicy", "EnableKeyRotation", "DeleteAlias", "ScheduleKeyDeletion"),
    *_alone(50, "CreateGrant", "RetireGrant", "RevokeGrant"),
    *_alone(100, "ListGrants", "ListKeyPolicies", "ListKeyRotations", "ListRetirableGrants"),
    *_alone(500, "ListAliases", "ListKeys"),
    *_alone(1000, "GetKeyPolicy", "GetKeyRotationStatus"),
    *_alone(2000, "DescribeKey", "GetPublicKey", "ListResourceTags"),
    # Deployments count as calls too, and are so few that all together stay below that rate.
    Quota("calls", 10, ("GetRestApis", "GetStage", "UpdateStage"), API_GATEWAY),
    Quota("deployments", 0.2, ("CreateDeployment",), API_GATEWAY),
    # AWS publishes no rate for it.
    Quota("simulations", 11, ("SimulatePrincipalPolicy",), IAM),
)

_BY_OPERATION: Mapping[tuple[str, str], Quota] = {
    (quota.service, operation): quota for quota in QUOTAS for operation in quota.operations
}

PACED_SERVICES = tuple(dict.fromkeys(quota.service for quota in QUOTAS))


def quota_of(operation: str, service: str = SECRETS_MANAGER) -> Quota | None:
    """Return the quota that an operation counts against, if it has one."""
    return _BY_OPERATION.get((service, operation))
