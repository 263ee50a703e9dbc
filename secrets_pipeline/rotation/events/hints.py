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
    ACCESS = "access"
    """Somebody changed who may read: in IAM, by the organisation's policies, or by a share of RAM."""
    IRRELEVANT = "irrelevant"
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who called an API, as CloudTrail tells it: `userIdentity`, `sourceIPAddress`, `userAgent` and `eventTime`.

    Every text has passed a pattern: whoever calls chooses the name of his session and his user agent.

    Attributes:
        kind: `type` of the identity, for example `AssumedRole`; empty where CloudTrail does not say it.
        arn: of the user or session; empty for a service, and for somebody of another account.
        issuer: ARN of the role or user that issued a session's credentials; empty for none.
        otherwise: who it was where there is no ARN: the service, else the account.
        address: IP address, or name of the AWS service, that the call came from.
        agent: the beginning of the user agent.
        at: when, in UTC.
    """

    kind: str = ""
    arn: str = ""
    issuer: str = ""
    otherwise: str = ""
    address: str = ""
    agent: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        said = [f"by {self.arn or self.otherwise or self.kind or 'somebody'}"]
        said += [f"at {self.at:%Y-%m-%d %H:%M} UTC"] if self.at else []
        where = [f"from {self.address}"] if self.address else []
        return ", ".join([" ".join(said), *where, *([f"with {self.agent}"] if self.agent else [])])


@dataclass(frozen=True, slots=True)
class Hint:
    """One event.

    Attributes:
        event_id: EventBridge's id, which duplicates of an event share.
        account: 12 digits.
        region: where it happened.
        at: when, in UTC.
        source: the service, for example `aws.iam`.
        name: of the event, for example `RotationSucceeded` or `RDS-EVENT-0006`.
        secret: name or ARN of the secret that it names.
        version: id of the version that became current, where the event says it.
        resource: ARN or id of the KMS key, ARN of the database.
        alias: of the KMS key, `alias/…`, where the event names it: one that was deleted is the key's no longer.
        actor: who called the API; None for what nobody called for.
    """

    kind: HintKind
    event_id: str
    account: str
    region: str
    at: datetime
    source: str = ""
    name: str = ""
    secret: str | None = None
    version: str | None = None
    resource: str | None = None
    alias: str | None = None
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that is no event of AWS's.

    Attributes:
        reason: why, without a word of its body.
    """

    reason: str
