"""Hold a secret as ListSecrets or DescribeSecret shows it, in our own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from secrets_pipeline.reconcilers.observed.tags import tag_map

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
PENDING = "AWSPENDING"


class Unread(Enum):
    """Marks what a bulk read does not show."""

    UNREAD = "not read"


UNREAD = Unread.UNREAD


DEFAULT_KEY_ALIAS = "alias/aws/secretsmanager"


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """A replica as its primary shows it.

    Attributes:
        kms_key_id: in the replica's region; None for `aws/secretsmanager`.
        status: `InSync`, `InProgress` or `Failed`.
        message: why it failed.
    """

    region: str
    kms_key_id: str | None
    status: str
    message: str = ""

    @property
    def in_sync(self) -> bool:
        """Whether it was made."""
        return self.status == "InSync"

    @property
    def failed(self) -> bool:
        """Whether it could not be made."""
        return self.status == "Failed"

    @property
    def in_progress(self) -> bool:
        """Whether it is being made."""
        return not self.in_sync and not self.failed


def replica_states(entries: Iterable[Mapping[str, Any]]) -> dict[str, ReplicaState]:
    """Read a ReplicationStatus; by region."""
    return {
        entry["Region"]: ReplicaState(
            region=entry["Region"],
            kms_key_id=_own_key(entry.get("KmsKeyId")),
            status=entry.get("Status") or "",
            message=entry.get("StatusMessage") or "",
        )
        for entry in entries
    }


@dataclass(frozen=True, slots=True)
class CrossAccountReplica:
    """A copy of a secret in another account, which Secrets Manager keeps up to date.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CrossAccountReplicaEntry.html

    Attributes:
        arn: of the copy.
        status: `InSync`, `Failed`, `InProgress`, `Pending`, or `Detached` if its account stopped the replication.
    """

    arn: str
    status: str


@dataclass(frozen=True, slots=True)
class SecretState:
    """One secret as ListSecrets or DescribeSecret shows it.

    Attributes:
        versions: version id → staging labels.
        external_rotation_role: ARN of the role by which Secrets Manager rotates a managed external secret.
        last_changed_at: when anything of it was last changed.
        next_rotation_at: when AWS means to have rotated it again at the latest; in the past, it did not succeed.
        primary_region: where the secret is written, if it is replicated; None if it is not.
        replicas: by region, UNREAD where only a list was looked at.
        cross_account_replicas: in other accounts; a list never shows any.
        policy: resource policy text, None where there is none, UNREAD where nobody looked.
        confirmed: whether DescribeSecret or our own write of this run showed it; a list may be five minutes old.
    """

    name: str
    arn: str
    description: str = ""
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    owning_service: str | None = None
    rotation_enabled: bool = False
    rotation_lambda_arn: str | None = None
    external_rotation_role: str | None = None
    rotation_rules: Mapping[str, Any] = field(default_factory=dict)
    last_rotated_at: datetime | None = None
    last_changed_at: datetime | None = None
    next_rotation_at: datetime | None = None
    primary_region: str | None = None
    replicas: Mapping[str, ReplicaState] | Unread = UNREAD
    cross_account_replicas: tuple[CrossAccountReplica, ...] = ()
    policy: str | Unread | None = UNREAD
    confirmed: bool = False

    def version(self, stage: str) -> str | None:
        """Id of the version that carries a staging label."""
        return next((version for version, stages in self.versions.items() if stage in stages), None)

    @property
    def current_version(self) -> str | None:
        """Id of the AWSCURRENT version; None for a secret without a value."""
        return self.version(CURRENT)

    @property
    def is_replica(self) -> bool:
        """Whether it is the copy of a secret of another region, in which alone it can be changed."""
        return self.primary_region is not None and f":{self.primary_region}:" not in self.arn

    @property
    def pending_version(self) -> str | None:
        """Id of the version that a rotation makes; AWSPENDING on the AWSCURRENT version means finished."""
        pending = self.version(PENDING)
        return None if pending == self.current_version else pending

    @property
    def rotation_in_progress(self) -> bool:
        """Whether a rotation has begun and not ended."""
        return self.pending_version is not None


def secret_state(entry: Mapping[str, Any], *, confirmed: bool = False) -> SecretState:
    """Read an entry of ListSecrets (`SecretVersionsToStages`) or an answer of DescribeSecret (`VersionIdsToStages`)."""
    stages = entry.get("SecretVersionsToStages") or entry.get("VersionIdsToStages") or {}
    return SecretState(
        name=entry["Name"],
        arn=entry["ARN"],
        description=entry.get("Description") or "",
        kms_key_id=_own_key(entry.get("KmsKeyId")),
        tags=tag_map(entry.get("Tags") or ()),
        versions={version: tuple(labels) for version, labels in stages.items()},
        created_at=entry.get("CreatedDate"),
        deleted_at=entry.get("DeletedDate"),
        owning_service=entry.get("OwningService"),
        rotation_enabled=bool(entry.get("RotationEnabled")),
        rotation_lambda_arn=entry.get("RotationLambdaARN"),
        external_rotation_role=entry.get("ExternalSecretRotationRoleArn"),
        rotation_rules=dict(entry.get("RotationRules") or {}),
        last_rotated_at=entry.get("LastRotatedDate"),
        last_changed_at=entry.get("LastChangedDate"),
        next_rotation_at=entry.get("NextRotationDate"),
        primary_region=entry.get("PrimaryRegion"),
        replicas=replica_states(entry.get("ReplicationStatus") or ()) if confirmed else UNREAD,
        cross_account_replicas=tuple(
            CrossAccountReplica(one["ReplicaSecretARN"], one.get("ReplicationStatus") or "")
            for one in entry.get("CrossAccountReplicas") or ()
        ),
        confirmed=confirmed,
    )


def _own_key(key: str | None) -> str | None:
    """A customer's key; None for `aws/secretsmanager`, however it is spelled."""
    return None if not key or key.endswith(DEFAULT_KEY_ALIAS) else key
