"""Define the evaluator's words: layers, kinds of principals, condition keys that are known, and votes.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Values: TypeAlias = tuple[str, ...]
"""The values of one condition key; most have one."""


class Layer(StrEnum):
    """Where a policy is attached, or what else has a say."""

    SCP = "service control policy"
    RCP = "resource control policy"
    SECRET_POLICY = "secret policy"  # noqa: S105 - a layer's name
    KEY_POLICY = "key policy"
    TRUST_POLICY = "trust policy"
    FUNCTION_POLICY = "function policy"
    GRANT = "KMS grant"
    KEY = "KMS key"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    IDENTITY = "identity policy"


class PrincipalKind(StrEnum):
    """Who calls."""

    ROLE = "AssumedRole"
    USER = "User"
    ROOT = "Account"
    FEDERATED_USER = "FederatedUser"
    SERVICE = "Service"
    IDENTITY_PROVIDER = "Federated"


class LayerOutcome(StrEnum):
    """What one layer says."""

    ALLOWS = "allows"
    DENIES = "denies"
    """Explicitly."""
    SILENT = "does not allow"
    """No statement of it applies: an implicit deny where the layer is needed."""
    ABSENT = "does not apply"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UnreadPolicies:
    """Stands for policies that nobody could read; the layer's vote is unknown.

    Attributes:
        reason: why, for example `account 444455556666 was not read`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Context:
    """Condition keys that are known, and those that nobody can know from outside the request.

    Attributes:
        values: key in lower case → its values; a key that is in none of the three is absent from the request.
        unknown: keys in lower case that only the network or the session knows.
        unknown_prefixes: the same for whole families, for example `aws:principaltag/`.
    """

    values: Mapping[str, Values] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    unknown_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vote:
    """What one layer says to one request.

    Attributes:
        layer: which.
        outcome: what it says.
        policy: the policy that says so, by name or ARN; empty where none does.
        statement: its Sid, or `#1` for the first statement.
        detail: for `UNKNOWN`, what would have to be known.
    """

    layer: Layer
    outcome: LayerOutcome
    policy: str = ""
    statement: str = ""
    detail: str = ""
