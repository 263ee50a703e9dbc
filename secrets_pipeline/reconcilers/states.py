"""What was observed in AWS, in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, TypedDict

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
PENDING = "AWSPENDING"


class Unread(Enum):
    """Marks what a bulk read does not show."""

    UNREAD = "not read"


UNREAD = Unread.UNREAD


@dataclass(frozen=True, slots=True)
class SecretState:
    """One secret as ListSecrets or DescribeSecret shows it.

    Attributes:
        versions: version id → staging labels.
        policy: resource policy text, None where there is none, UNREAD where nobody looked.
        confirmed: whether DescribeSecret or our own write of this run showed it; a list may be five minutes old.
    """

    name: str
    arn: str
    description: str = ""
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deleted_at: datetime | None = None
    owning_service: str | None = None
    rotation_enabled: bool = False
    rotation_lambda_arn: str | None = None
    rotation_rules: Mapping[str, Any] = field(default_factory=dict)
    last_rotated_at: datetime | None = None
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
    def rotation_in_progress(self) -> bool:
        """AWSPENDING on another version than AWSCURRENT; on the same one it means finished."""
        pending = self.version(PENDING)
        return pending is not None and pending != self.current_version


def secret_state(entry: Mapping[str, Any], *, confirmed: bool = False) -> SecretState:
    """Read an entry of ListSecrets (`SecretVersionsToStages`) or an answer of DescribeSecret (`VersionIdsToStages`)."""
    stages = entry.get("SecretVersionsToStages") or entry.get("VersionIdsToStages") or {}
    return SecretState(
        name=entry["Name"],
        arn=entry["ARN"],
        description=entry.get("Description") or "",
        kms_key_id=entry.get("KmsKeyId"),
        tags=tag_map(entry.get("Tags") or ()),
        versions={version: tuple(labels) for version, labels in stages.items()},
        deleted_at=entry.get("DeletedDate"),
        owning_service=entry.get("OwningService"),
        rotation_enabled=bool(entry.get("RotationEnabled")),
        rotation_lambda_arn=entry.get("RotationLambdaARN"),
        rotation_rules=dict(entry.get("RotationRules") or {}),
        last_rotated_at=entry.get("LastRotatedDate"),
        confirmed=confirmed,
    )


@dataclass(frozen=True, slots=True)
class KeyState:
    """A KMS key behind an alias.

    Attributes:
        state: `Enabled`, `Disabled`, `PendingDeletion` …
    """

    alias: str
    key_id: str
    arn: str
    state: str
    description: str
    manager: str
    tags: Mapping[str, str]
    rotation_enabled: bool
    rotation_period_in_days: int | None
    policy: str


def tag_map(tags: Any) -> dict[str, str]:  # noqa: ANN401 - boto3 has a tag type for each service
    """`[{"Key": k, "Value": v}]` (or KMS's `TagKey`) as a dict."""
    return {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue", "")) for tag in tags}


class Tag(TypedDict, total=False):
    """A tag as Secrets Manager and RDS take it."""

    Key: str
    Value: str


def tag_list(tags: Mapping[str, str]) -> list[Tag]:
    """A dict as `[{"Key": k, "Value": v}]`, sorted."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
