"""Tell whether a policy lets in everybody, or a whole organisation: the evaluator is asked with unknown callers.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Policy,
    PrincipalKind,
    Request,
    TargetResource,
    UnreadPolicies,
    Values,
    authorize,
)
from secrets_pipeline.access.policy_text.principals import asked_of_callers, organizations
from secrets_pipeline.access.reach.reader import NETWORK_KEYS, ReadableSecret
from secrets_pipeline.access.snapshot.model import PolicyDocument, Snapshot
from secrets_pipeline.arn import Arn, iam_arn, pattern_parts

_NOBODYS_ACCOUNT = "000000000000"
# An address that is kept for documentation, RFC 5737: no policy names it but one that names all.
_ELSEWHERE: Mapping[str, Values] = {"aws:sourceip": ("198.51.100.1",)}
_CHOSEN = frozenset(
    {
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:referer",
        "aws:sourceidentity",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:username",
    }
)
"""What a stranger makes of himself or of his request as he likes, as he does with the tags of his own roles."""
_TAGS = ("aws:principaltag/",)
_EVERYTHING = Policy(
    "everything", {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)


_TOLD_BY_NOBODY = NETWORK_KEYS | {"aws:principalorgid", "aws:principalorgpaths", "aws:userid"}
"""By which a policy may choose some of those whom it does not name; who they are, no list tells."""


class PublicCaller(StrEnum):
    """Whom a policy lets in beyond whom it names."""

    PUBLIC = "everybody"
    ORGANIZATION = "the whole organisation"
    SOME = "whoever fulfils its conditions"


@dataclass(frozen=True, slots=True)
class LetIn:
    """A policy that lets in more than those whom it names.

    Attributes:
        resource: ARN of the secret or key.
        caller: who.
        organization: `o-…`, of an organisation.
        decision: the evaluator's, for one of them.
    """

    resource: str
    caller: PublicCaller
    decision: Decision
    organization: str = ""


def public_callers(snapshot: Snapshot, secrets: Iterable[ReadableSecret]) -> tuple[LetIn, ...]:
    """The secrets' policies, and those of their keys, that let in everybody or an organisation.

    Args:
        snapshot: for the organisations that policies name.
        secrets: the secrets to look at.
    """
    found: list[LetIn] = []
    documents = {one.arn: one.policy for one in snapshot.secrets}
    own = {snapshot.organization.id} if snapshot.organization.id else set()
    open_keys: set[str] = set()
    for secret in secrets:
        found += _of(secret.target, secret.get_value, documents.get(secret.target.arn), own)
        for key in secret.keys:
            arn = key.target.arn
            # One that looks at which secret it is may let in for one and not for another.
            if arn not in open_keys and not key.aws_managed and arn in snapshot.keys:
                let_in = _of(key.target, secret.decrypt(_NOBODYS_ACCOUNT), snapshot.keys[arn].policy, own)
                open_keys |= {one.resource for one in let_in}
                found += let_in
    return tuple(found)


def _of(target: TargetResource, request: Request, policy: PolicyDocument | None, own: AbstractSet[str]) -> list[LetIn]:
    if target.policy is None or isinstance(target.policy, UnreadPolicies) or policy is None:
        return []
    strangers = list(_strangers(policy, Arn.parse(target.arn).partition))
    for arn in strangers:
        decision = _asked(target, request, arn, {})
        if decision.allowed is not False:
            return [LetIn(target.arn, PublicCaller.PUBLIC, decision)]
    found: dict[str, LetIn] = {}
    for path in sorted({*(f"{one}/" for one in own), *_named_organizations(policy)}):
        organization = path.split("/", 1)[0]
        of = {"aws:principalorgid": (organization,), "aws:principalorgpaths": (path,)}
        decisions = (_asked(target, request, arn, of) for arn in strangers)
        let_in = next((one for one in decisions if one.allowed is not False), None)
        if let_in and "*" in organization:
            # Any organisation is anybody: everyone can make one.
            return [LetIn(target.arn, PublicCaller.PUBLIC, let_in)]
        if let_in:
            found.setdefault(organization, LetIn(target.arn, PublicCaller.ORGANIZATION, let_in, organization))
    if not found:
        chosen = (_asked(target, request, arn, {}, elsewhere={}, unknown=_TOLD_BY_NOBODY) for arn in strangers)
        return [LetIn(target.arn, PublicCaller.SOME, one) for one in chosen if one.allowed is not False][:1]
    return list(found.values())


def _strangers(policy: PolicyDocument, partition: str) -> Iterator[str]:
    """Principals of an account that nobody knows: any role or user, and those whose names patterns ask for."""
    yield iam_arn(_NOBODYS_ACCOUNT, "role/stranger", partition=partition)
    yield iam_arn(_NOBODYS_ACCOUNT, "user/stranger", partition=partition)
    for pattern in asked_of_callers(policy):
        parts = pattern_parts(pattern)
        if parts and "*" in parts[4] and parts[5] not in {"", "*"}:
            name = parts[5].replace("*", "x").replace("?", "x")
            yield iam_arn(_NOBODYS_ACCOUNT, name, partition=partition)


def _asked(
    target: TargetResource,
    request: Request,
    arn: str,
    of: Mapping[str, Values],
    *,
    elsewhere: Mapping[str, Values] = _ELSEWHERE,
    unknown: AbstractSet[str] = frozenset(),
) -> Decision:
    """The evaluator's answer for one whom nobody named; unknown where he only has to choose it, or nobody can tell.

    What could not be read of an organisation's policies, or of grants, is none of this policy's merit.
    """
    alone = replace(target, rcps=() if isinstance(target.rcps, UnreadPolicies) else target.rcps, grants=())
    kind = PrincipalKind.USER if ":user/" in arn else PrincipalKind.ROLE
    stranger = Caller(arn, _NOBODYS_ACCOUNT, kind, identity=(_EVERYTHING,), context=Context(dict(of), _CHOSEN, _TAGS))
    given = request.context
    context = Context({**given.values, **elsewhere}, (given.unknown - NETWORK_KEYS) | unknown)
    return authorize(Request(request.action, context), stranger, alone)


def _named_organizations(policy: PolicyDocument) -> Iterator[str]:
    """The path of a member at the root of every organisation that a policy names."""
    for named in organizations(policy):
        organization, _, below = named.partition("/")
        root = below.split("/", 1)[0]
        yield f"{organization}/{root}/" if root.startswith("r-") else f"{organization}/"
