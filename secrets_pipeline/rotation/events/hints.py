"""Define what an event means to us: a hint; whoever acts on it looks at AWS first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HintKind(StrEnum):
    """What an event is about."""

    ROTATED = "rotated"
    """A secret has another current version."""
    FAILED = "failed"
    """A rotation failed, was abandoned, or its test failed."""
    TAMPERED = "tampered"
    """Somebody changed a secret's policy, settings or existence."""
    KEY_CHANGED = "key changed"
    """Somebody changed a KMS key: its state, policy, aliases or grants."""
    DATABASE = "database"
    """A database became available, was restored, changed or failed over."""
    IRRELEVANT = "irrelevant"
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One event.

    Attributes:
        event_id: EventBridge's id, which duplicates of an event share.
        account: 12 digits.
        region: where it happened.
        at: when, with a time zone.
        name: of the event, for example `RotationSucceeded` or `RDS-EVENT-0006`.
        secret: name or ARN of the secret that it names.
        version: id of the version that became current, where the event says it.
        resource: ARN or id of the KMS key, ARN of the database.
        actor_arn: who called the API; a session's ARN for an assumed role.
    """

    kind: HintKind
    event_id: str
    account: str
    region: str
    at: datetime
    name: str = ""
    secret: str | None = None
    version: str | None = None
    resource: str | None = None
    actor_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that is no event of AWS's.

    Attributes:
        reason: why, without a word of its body.
    """

    reason: str
