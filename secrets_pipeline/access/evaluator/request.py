"""Define what the evaluator takes and answers: callers, targets, requests, decisions. Plain data, no AWS.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from secrets_pipeline.access.evaluator.document import Policy
from secrets_pipeline.access.evaluator.principals import Names
from secrets_pipeline.access.evaluator.vocabulary import Context, Layer, PrincipalKind, UnreadPolicies, Values, Vote

_SERVICE_LINKED = ":role/aws-service-role/"


Levels: TypeAlias = tuple[tuple[Policy, ...], ...]
"""Policies of an organisation from its root down to the account, a tuple for each level; each level must allow."""


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
    identity: tuple[Policy, ...] | UnreadPolicies = ()
    boundary: Policy | UnreadPolicies | None = None
    session_policies: tuple[Policy, ...] | UnreadPolicies | None = None
    scps: Levels | UnreadPolicies = ()
    context: Context = field(default_factory=Context)
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
        bounded = None if isinstance(self.boundary, UnreadPolicies) else self.boundary is not None
        object.__setattr__(self, "service_linked", _SERVICE_LINKED in self.arn)
        object.__setattr__(self, "names", Names.of(self.kind, self.arn, self.account_id, self.session, bounded=bounded))
        object.__setattr__(self, "facts", replace(self.context, values={**own, **self.context.values}))

    @property
    def administers(self) -> bool:
        """Whether its policies, and its boundary if it has one, allow every action on every resource.

        A Deny beside them makes no lesser administrator: what it closes, the evaluator says. One whose policies could
        not be read, or allow it under a condition, is none.
        """
        if isinstance(self.identity, UnreadPolicies) or isinstance(self.boundary, UnreadPolicies):
            return False
        bounded = self.boundary is not None and not self.boundary.allows_everything
        return not bounded and any(one.allows_everything for one in self.identity)


@dataclass(frozen=True, slots=True)
class TargetResource:
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
    policy: Policy | UnreadPolicies | None = None
    rcps: Levels | UnreadPolicies = ()
    grants: tuple[Policy, ...] | UnreadPolicies = ()
    context: Context = field(default_factory=Context)
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
    context: Context = field(default_factory=Context)


class VotingLayer(Protocol):
    """A layer that casts a vote."""

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
    voters: tuple[VotingLayer, ...] = field(repr=False, compare=False)
    reason: str = ""

    @property
    def votes(self) -> tuple[Vote, ...]:
        """Every layer's own vote."""
        return tuple(one.vote() for one in self.voters)
