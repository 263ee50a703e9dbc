"""Hold what is known of the latest reads of secrets: who read which, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from secrets_pipeline.access.snapshot.model import SecretSnapshot

_ARN_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


@dataclass(frozen=True, slots=True)
class Read:
    """A GetSecretValue that succeeded.

    Attributes:
        at: when, with time zone.
        by: ARN of the principal, or what is known of it.
    """

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class LastReads:
    """The last read of each secret by anybody who was not excluded.

    Attributes:
        since: from when on every read is known.
        by_id: the last read by what the caller named: a name, an ARN, or an ARN without its last seven characters.
        limited: why `since` is later than what was asked for; empty if it is not.
    """

    since: datetime
    by_id: Mapping[str, Read] = field(default_factory=dict)
    limited: str = ""

    def of(self, secret: SecretSnapshot) -> Read | None:
        """The last read of a secret, None if none is known."""
        found = [read for one in secret_ids(secret) if (read := self.by_id.get(one))]
        return max(found, key=lambda read: read.at, default=None)


@dataclass(frozen=True, slots=True)
class UnreadReads:
    """Marks that reads could not be looked up.

    Attributes:
        reason: why.
    """

    reason: str


def secret_ids(secret: SecretSnapshot) -> tuple[str, ...]:
    """What a caller may name a secret by.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
    """
    return secret.arn, secret.name, _ARN_SUFFIX.sub("", secret.arn)
