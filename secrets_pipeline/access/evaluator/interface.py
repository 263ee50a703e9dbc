"""What the evaluator takes and answers: callers, targets, requests, votes, decisions. Plain data, no AWS.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from secrets_pipeline.access.evaluator.principals import Names

if TYPE_CHECKING:
    from secrets_pipeline.access.evaluator.document import Policy

Values: TypeAlias = tuple[str, ...]
"""The values of one condition key; most have one."""


_SERVICE_LINKED = ":role/aws-service-role/"


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


class Outcome(StrEnum):
    """What one layer says."""

    ALLOWS = "allows"
    DENIES = "denies"
    """Explicitly."""
    SILENT = "does not allow"
    """No statement of it applies: an implicit deny where the layer is needed."""
    ABSENT = "does not apply"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands for policies that nobody could read; the layer's vote is unknown.

    Attributes:
        reason: why, for example `account 444455556666 was not read`.
    """

    reason: str


Levels: TypeAlias = "tuple[tuple[Policy, ...], ...]"
"""Policies of an organisation from its root down to the account, a tuple for each level; each level must allow."""


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
class Caller:
    """A principal with everything that limits it.

    Attributes:
        arn: what `aws:PrincipalArn` says: a role's ARN for its sessions, a user's, an account root's, a service's
            name (`lambda.amazonaws.com`), an identity provider's ARN or name.
        account_id: 12 digits; empty for services.
        session: session name of an assumed role; None stands for any session of it.
        identity: policies attached to it (and to its groups).
        boundary: its permissions boundary, None for none.
        session_policies: those passed when the session was asked for; None for none.
        scps: of its account's organisation; empty for none, or where they do not apply.
        context: keys about the principal: `aws:principalorgid`, `aws:principaltag/team` …
    """

    arn: str
    account_id: str
    kind: PrincipalKind
    session: str | None = None
    identity: tuple[Policy, ...] | Unread = ()
    boundary: Policy | Unread | None = None
    session_policies: tuple[Policy, ...] | Unread | None = None
    scps: Levels | Unread = ()
    context: Context = Context()
    service_linked: bool = field(init=False, compare=False, repr=False)
    names: Names = field(init=False, compare=False, repr=False)
    facts: Context = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        service = self.kind is PrincipalKind.SERVICE
        own: dict[str, Values] = {
            "aws:principaltype": (self.kind.value,),
            "aws:principalisawsservice": (str(service).lower(),),
        }
        if service:
            own["aws:principalservicename"] = (self.arn,)
        elif self.kind is not PrincipalKind.IDENTITY_PROVIDER:
            own |= {"aws:principalarn": (self.arn,), "aws:principalaccount": (self.account_id,)}
        bounded = None if isinstance(self.boundary, Unread) else self.boundary is not None
        object.__setattr__(self, "service_linked", _SERVICE_LINKED in self.arn)
        object.__setattr__(self, "names", Names.of(self, bounded=bounded))
        object.__setattr__(self, "facts", replace(self.context, values={**own, **self.context.values}))


@dataclass(frozen=True, slots=True)
class Target:
    """A resource with its own policy.

    Attributes:
        arn: of the secret, key or role.
        account_id: its owner.
        layer: what its policy is called.
        policy: None for none.
        rcps: of its account's organisation; empty for none.
        grants: of a KMS key, each as the policy that `grants.grant_policy` makes of it.
        context: keys about the resource: `aws:resourcetag/team`, `secretsmanager:resourcetag/team` …
    """

    arn: str
    account_id: str
    layer: Layer
    policy: Policy | Unread | None = None
    rcps: Levels | Unread = ()
    grants: tuple[Policy, ...] | Unread = ()
    context: Context = Context()
    facts: Context = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        own = {"aws:resourceaccount": (self.account_id,)}
        object.__setattr__(self, "facts", replace(self.context, values={**own, **self.context.values}))


@dataclass(frozen=True, slots=True)
class Request:
    """One action with what the request itself says.

    Attributes:
        action: for example `secretsmanager:GetSecretValue`.
        context: keys about the request: `secretsmanager:versionstage`, `kms:viaservice` …
    """

    action: str
    context: Context = Context()


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
    outcome: Outcome
    policy: str = ""
    statement: str = ""
    detail: str = ""


class Voter(Protocol):
    """Who casts a vote."""

    def vote(self) -> Vote:
        """What it says."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request.

    Attributes:
        allowed: None where it depends on what is unknown.
        decided_by: the vote that decides: the allow that was enough, the deny, or the layer whose allow is missing.
        voters: the layers.
        reason: for an unknown decision, what would have to be known.
    """

    allowed: bool | None
    decided_by: Vote
    voters: tuple[Voter, ...] = field(repr=False, compare=False)
    reason: str = ""

    @property
    def votes(self) -> tuple[Vote, ...]:
        """Every layer's own vote."""
        return tuple(one.vote() for one in self.voters)
