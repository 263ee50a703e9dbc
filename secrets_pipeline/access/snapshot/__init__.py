"""Snapshots: what an audit looks at, taken once, saved, and replayed offline."""

from secrets_pipeline.access.snapshot.collect import take_snapshot
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
from secrets_pipeline.access.snapshot.store import load, save

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
    "load",
    "save",
    "take_snapshot",
]
