"""Keep the role sessions that STS issued on the embedded AWS, and tell who everybody else is."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.sts.models import AssumedRole

OPERATOR = "local-operator"


@dataclass(frozen=True, slots=True)
class RoleSession:
    """A session of a role, as it was issued.

    Attributes:
        assumed: its credentials.
        policies: session policies, by name and text; empty for none.
        tags: session tags.
        transitive: keys of those that sessions assumed from this one inherit.
        source_identity: empty for none.
        provider: ARN of the identity provider whose token was exchanged; empty for none.
    """

    assumed: AssumedRole
    policies: tuple[tuple[str, str], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: frozenset[str] = frozenset()
    source_identity: str = ""
    provider: str = ""
    issued: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def account_id(self) -> str:
        """Account of the role."""
        return str(self.assumed.account_id)

    @property
    def role_arn(self) -> str:
        """The role."""
        return str(self.assumed.role_arn)

    @property
    def arn(self) -> str:
        """Of the session."""
        return str(self.assumed.arn)

    @property
    def name(self) -> str:
        """RoleSessionName."""
        return str(self.assumed.session_name)


def claims(token: str) -> Mapping[str, Any] | None:
    """What a JSON Web Token says, without looking at its signature; None for anything else."""
    try:
        _, body, _ = token.split(".")
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, binascii.Error):
        return None
    return said if isinstance(said, dict) else None
