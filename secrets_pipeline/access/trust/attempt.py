"""Evaluate one attempt to assume a role: who, with which STS actions, and what is known of the request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Layer,
    LayerOutcome,
    Policy,
    PrincipalKind,
    Request,
    authorize,
)
from secrets_pipeline.access.reach.reader import NETWORK_KEYS
from secrets_pipeline.access.trust.role import AssumableRole, NamedPrincipal
from secrets_pipeline.access.trust.verdict import NotTrusted, Trust, Trusted, TrustUnknown
from secrets_pipeline.arn import iam_arn

ASSUME = "sts:AssumeRole"
ASSUME_WITH_SAML = "sts:AssumeRoleWithSAML"
ASSUME_WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
SET_SOURCE_IDENTITY = "sts:SetSourceIdentity"
TAG_SESSION = "sts:TagSession"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
CHOSEN_KEYS = frozenset(
    {
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:tagkeys",
        "sts:duration",
        "sts:durationseconds",
        "sts:rolesessionname",
        "sts:sourceidentity",
        "sts:transitivetagkeys",
    }
)
"""Keys that whoever calls chooses."""
CHOSEN_FAMILIES = ("aws:principaltag/", "aws:requesttag/")
ANYTHING: Final = "anything-0b7c41d9"
"""Stands for a name that no policy spells out, so that only a wildcard matches it."""
WILLING: Final = Policy(
    "the caller's own", {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)
"""For a caller of which only the role's side is asked."""
_NOBODYS_ACCOUNT = "0" * 12
_SECURE = {"aws:securetransport": ("true",)}
_UNKNOWN = CHOSEN_KEYS | NETWORK_KEYS | {"aws:federatedprovider", "aws:sourceidentity", "sts:externalid"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody assumes a role.

    Attributes:
        who: how messages call the caller.
        actions: every one of them must be allowed.
        context: what is known of the request, and which keys nobody can know.
    """

    who: str
    caller: Caller
    actions: tuple[str, ...]
    context: Context

    def knowing(self, values: dict[str, tuple[str, ...]]) -> Attempt:
        """The same attempt with more known of the request."""
        return replace(self, context=replace(self.context, values={**self.context.values, **values}))

    def decide(self, role: AssumableRole, action: str) -> Decision:
        """What AWS answers to one of the actions."""
        return authorize(Request(action, self.context), self.caller, role.target)

    def without(self, *keys: str) -> Attempt:
        """The same attempt, but nobody knows the values of these keys."""
        values = {key: value for key, value in self.context.values.items() if key not in keys}
        return replace(self, context=replace(self.context, values=values, unknown=self.context.unknown | {*keys}))


def stranger(role: AssumableRole) -> Caller:
    """Somebody of an account that no policy names."""
    arn = iam_arn(_NOBODYS_ACCOUNT, f"role/{ANYTHING}", partition=role.partition)
    return Caller(arn, _NOBODYS_ACCOUNT, PrincipalKind.ROLE, session=ANYTHING, identity=(WILLING,))


def request(
    values: dict[str, tuple[str, ...]] | None = None,
    *,
    unknown: Iterable[str] = (),
    families: tuple[str, ...] = (),
) -> Context:
    """The context of a request to STS that nobody has made yet.

    Args:
        values: what is known of it.
        unknown: keys that nobody can know, beyond those of every request.
        families: prefixes of such keys.
    """
    return Context({**_SECURE, **(values or {})}, _UNKNOWN | {*unknown}, ("aws:requesttag/", *families))


def answer(role: AssumableRole, attempt: Attempt) -> Trust:
    """Whether the attempt succeeds, and if not, what refuses it."""
    decisions = [(action, attempt.decide(role, action)) for action in attempt.actions]
    for action, decision in decisions:
        if decision.allowed is False:
            return _refusal(role, attempt, action, decision)
    for action, decision in decisions:
        if decision.allowed is None:
            reason = f"whether {attempt.who} may call {action} depends: {decision.reason}"
            return TrustUnknown(reason, _of_trust_policy(decision))
    return Trusted((attempt.who,), _of_trust_policy(decisions[0][1]))


def conditional(decision: Decision) -> bool:
    """Whether a decision depends on the conditions of the trust policy alone, not on what could not be read."""
    unknown = {one.layer for one in decision.votes if one.outcome is LayerOutcome.UNKNOWN}
    return decision.allowed is None and unknown == {Layer.TRUST_POLICY}


def _of_trust_policy(decision: Decision) -> str:
    return next((one.statement for one in decision.votes if one.layer is Layer.TRUST_POLICY), "")


def _refusal(role: AssumableRole, attempt: Attempt, action: str, decision: Decision) -> NotTrusted:
    vote = decision.decided_by
    if vote.outcome is LayerOutcome.DENIES:
        named = f"the {vote.layer}" if vote.layer is Layer.TRUST_POLICY else f"the {vote.layer} {vote.policy}"
        return NotTrusted(f"{named} denies {action} to {attempt.who}, statement {vote.statement}", vote.statement)
    if vote.layer is not Layer.TRUST_POLICY:
        return NotTrusted(f"the {vote.layer} does not allow {action} to {attempt.who}")
    refusing = _refusing_keys(role, attempt, action)
    if refusing:
        return NotTrusted("the trust policy asks for " + " and ".join(_asked(role, attempt, key) for key in refusing))
    others = ", ".join(map(_called, role.named(action)))
    return NotTrusted(f"the trust policy allows {action} to {others or 'nobody'}, not to {attempt.who}")


def _refusing_keys(role: AssumableRole, attempt: Attempt, action: str) -> tuple[str, ...]:
    """The known keys without whose values the attempt might succeed: each alone, else all that matter together."""
    known = [key for key in attempt.context.values if key not in _SECURE]
    for key in known:
        if attempt.without(key).decide(role, action).allowed is not False:
            return (key,)
    if attempt.without(*known).decide(role, action).allowed is False:
        return ()
    needed = list(known)
    for key in known:
        rest = [one for one in needed if one != key]
        if attempt.without(*rest).decide(role, action).allowed is not False:
            needed = rest
    return tuple(needed)


def _asked(role: AssumableRole, attempt: Attempt, key: str) -> str:
    spelled, wanted = role.asks(key)
    return f"{spelled} {' or '.join(wanted) or 'otherwise'}, {attempt.who} has {', '.join(attempt.context.values[key])}"


def _called(named: NamedPrincipal) -> str:
    return "everybody" if named.name == "*" else f"the deleted principal {named.name}" if named.deleted else named.name
