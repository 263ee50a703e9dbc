"""Does a policy let in everybody, or a whole organisation? Asked of the evaluator with callers that nobody knows. Pure.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Policy,
    PrincipalKind,
    Request,
    Target,
    Unread,
    Values,
    authorize,
)
from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.reading import DECRYPT, GET_SECRET_VALUE, ReadableSecret
from secrets_pipeline.access.snapshot import PolicyDocument, SecretSnapshot, Snapshot

_NOBODYS_ACCOUNT = "000000000000"
_STRANGER = f"arn:aws:iam::{_NOBODYS_ACCOUNT}:role/stranger"
# An address that is kept for documentation, RFC 5737: no policy names it but one that names all.
_ELSEWHERE: Mapping[str, Values] = {
    "aws:securetransport": ("true",),
    "aws:sourceip": ("198.51.100.1",),
    "aws:viaawsservice": ("false",),
}
_EVERYTHING = Policy(
    "everything", {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)
_ORGANIZATION_KEYS = frozenset({"aws:principalorgid", "aws:principalorgpaths"})


class Crowd(StrEnum):
    """Whom a policy lets in beyond whom it names."""

    PUBLIC = "everybody"
    ORGANIZATION = "the whole organisation"


@dataclass(frozen=True, slots=True)
class LetIn:
    """A policy that lets a crowd in.

    Attributes:
        resource: ARN of the secret or key.
        crowd: who.
        organization: `o-…`, of an organisation.
        decision: the evaluator's, for one of that crowd.
    """

    resource: str
    crowd: Crowd
    decision: Decision
    organization: str = ""


def crowds(snapshot: Snapshot, secrets: Iterable[ReadableSecret]) -> tuple[LetIn, ...]:
    """The secrets' policies, and those of their keys, that let in everybody or an organisation.

    Args:
        snapshot: for the organisations that policies name.
        secrets: the secrets to look at.
    """
    found: list[LetIn] = []
    documents = {one.arn: one for one in snapshot.secrets}
    seen: set[str] = set()
    for secret in secrets:
        organizations = _organizations(snapshot, documents.get(secret.target.arn))
        found += _of(secret.target, GET_SECRET_VALUE, organizations, {})
        through = {"kms:viaservice": (f"secretsmanager.{secret.region}.amazonaws.com",)}
        for key in secret.keys:
            if key.target.arn not in seen and not key.aws_managed:
                seen.add(key.target.arn)
                found += _of(key.target, DECRYPT, organizations, through)
    return tuple(found)


def _of(target: Target, action: str, organizations: Iterable[str], request: Mapping[str, Values]) -> list[LetIn]:
    if target.policy is None or isinstance(target.policy, Unread):
        return []
    decision = _asked(target, action, {}, request)
    if decision.allowed:
        return [LetIn(target.arn, Crowd.PUBLIC, decision)]
    found = []
    for organization in organizations:
        # Its root: a policy that names the organisation, and no unit of it, lets all of it in.
        of = {"aws:principalorgid": (organization,), "aws:principalorgpaths": (f"{organization}/",)}
        decision = _asked(target, action, of, request)
        if decision.allowed:
            found.append(LetIn(target.arn, Crowd.ORGANIZATION, decision, organization))
    return found


def _asked(target: Target, action: str, of: Mapping[str, Values], request: Mapping[str, Values]) -> Decision:
    stranger = Caller(
        _STRANGER, _NOBODYS_ACCOUNT, PrincipalKind.ROLE, identity=(_EVERYTHING,), context=Context(dict(of))
    )
    own = {"kms:calleraccount": (_NOBODYS_ACCOUNT,)} if request else {}
    return authorize(Request(action, Context({**_ELSEWHERE, **own, **request})), stranger, target)


def _organizations(snapshot: Snapshot, secret: SecretSnapshot | None) -> list[str]:
    """Our own organisation, and those that the policies of a secret and its keys name."""
    named = {snapshot.organization.id} if snapshot.organization.id else set()
    policies = [secret.policy if secret else None]
    policies += [snapshot.keys[arn].policy for arn in (secret.keys if secret else ()) if arn in snapshot.keys]
    for policy in policies:
        named.update(_named_organizations(policy or {}))
    return sorted(named)


def _named_organizations(policy: PolicyDocument) -> Iterable[str]:
    for statement in listed(policy.get("Statement")):
        for keys in (statement.get("Condition") or {}).values():
            for key, values in keys.items():
                if key.lower() in _ORGANIZATION_KEYS:
                    yield from (str(value).split("/")[0] for value in listed(values))
