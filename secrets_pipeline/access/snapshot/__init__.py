"""Snapshots: what an audit looks at, taken once, saved, and replayed offline."""

from secrets_pipeline.access.snapshot.model import (
    AccountSnapshot,
    GrantSnapshot,
    GroupSnapshot,
    KeySnapshot,
    NamedPolicy,
    OrganizationSnapshot,
    PolicyDocument,
    PrincipalSnapshot,
    RotationSnapshot,
    SecretSnapshot,
    Snapshot,
)

__all__ = [
    "AccountSnapshot",
    "GrantSnapshot",
    "GroupSnapshot",
    "KeySnapshot",
    "NamedPolicy",
    "OrganizationSnapshot",
    "PolicyDocument",
    "PrincipalSnapshot",
    "RotationSnapshot",
    "SecretSnapshot",
    "Snapshot",
]
