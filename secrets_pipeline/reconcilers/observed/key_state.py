"""Hold a KMS key as DescribeKey and GetKeyRotationStatus show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from secrets_pipeline.engine.reason import Because, Reason

ENABLED = "Enabled"


PENDING_DELETION = "PendingDeletion"


DISABLED = "Disabled"
UNKNOWN_STATE = "unknown"
"""State of a key that DescribeKey does not show us."""


NAME_ANOTHER = "Name an enabled symmetric encryption key of the secret's region."
_ENABLE = "Enable the key (`aws kms enable-key`), or move the secrets to another key while it is enabled."
_CANCEL = "Cancel its deletion and enable it (`aws kms cancel-key-deletion`, `aws kms enable-key`)."


@dataclass(frozen=True, slots=True)
class KeyState:
    """A KMS key as DescribeKey shows it.

    Attributes:
        state: `Enabled`, `Disabled`, `PendingDeletion` …
        spec: KeySpec, for example `SYMMETRIC_DEFAULT`.
        origin: where its material comes from; `AWS_KMS` means that nobody knows it.
        manager: `AWS` for the default keys of services, else `CUSTOMER`.
        created_at: None where DescribeKey does not show us the key.
    """

    key_id: str
    arn: str
    state: str
    description: str = ""
    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    origin: str = "AWS_KMS"
    manager: str = "CUSTOMER"
    created_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def problem(self) -> Reason | None:
        """Why no secret can be encrypted under it, as the rest of a sentence; None where it can, or nobody knows."""
        if self.state == PENDING_DELETION and self.deleted_at is not None:
            return Because(f"is PendingDeletion: it is deleted on {self.deleted_at:%Y-%m-%d}", _CANCEL)
        if self.state not in (ENABLED, UNKNOWN_STATE):
            return Because(
                f"is {self.state}", {DISABLED: _ENABLE, PENDING_DELETION: _CANCEL}.get(self.state, NAME_ANOTHER)
            )
        if (self.spec, self.usage) != ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"):
            wrong = f"is a {self.spec} key for {self.usage}, and secrets need a symmetric encryption key"
            return Because(wrong, NAME_ANOTHER)
        return None


def key_state(about: Mapping[str, Any]) -> KeyState:
    """Read KeyMetadata, from DescribeKey or CreateKey."""
    return KeyState(
        key_id=about["KeyId"],
        arn=about["Arn"],
        state=about.get("KeyState", ""),
        description=about.get("Description", ""),
        spec=about.get("KeySpec", ""),
        usage=about.get("KeyUsage", ""),
        origin=about.get("Origin", ""),
        manager=about.get("KeyManager", ""),
        created_at=about.get("CreationDate"),
        deleted_at=about.get("DeletionDate"),
    )


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """Rotation of a key's material; the period in days."""

    enabled: bool
    period_in_days: int | None
