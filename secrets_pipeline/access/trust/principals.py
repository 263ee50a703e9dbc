"""List whoever assumes an application's role: declared principals, or those that its trust policy names.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from dataclasses import replace

from secrets_pipeline.access.evaluator import Caller, Context, PrincipalKind, UnreadPolicies
from secrets_pipeline.access.trust.attempt import (
    ASSUME,
    ASSUME_WITH_SAML,
    ASSUME_WITH_WEB_IDENTITY,
    CHOSEN_FAMILIES,
    WILLING,
    Attempt,
    answer,
    conditional,
    request,
    stranger,
)
from secrets_pipeline.access.trust.federation import BUILT_IN, assumed_with_token
from secrets_pipeline.access.trust.role import AssumableRole, NamedPrincipal, account_of
from secrets_pipeline.access.trust.services import assumed_by_service, service
from secrets_pipeline.access.trust.verdict import NotTrusted, Trust, Trusted, TrustUnknown, every, some
from secrets_pipeline.arn import iam_arn

_PRINCIPAL = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):(?P<kind>role|user)/.+")
_SESSION = re.compile(
    r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/(?P<session>.+)"
)
_PROVIDER = re.compile(r"arn:[\w-]+:iam::\d{12}:(?:oidc|saml)-provider/.+")
_ABOUT_CALLER = frozenset(
    {"aws:principalorgid", "aws:principalorgpaths", "aws:tokenissuetime", "aws:userid", "aws:username"}
)


def assumed_by_all(role: AssumableRole, names: tuple[str, ...]) -> Trust:
    """Whether each of those that a consumer declares may assume its role.

    Args:
        role: the role.
        names: ARNs, account ids, services.
    """
    return every([_declared(role, name) for name in names])


def _declared(role: AssumableRole, name: str) -> Trust:
    account = account_of(name)
    if account:
        inside = [one for one in role.named(ASSUME) if one.kind == "AWS" and f"::{account}:" in one.name]
        ways = [_account(role, account), *(_attempt(role, one.name) for one in inside)]
        return some(ways) if any(isinstance(one, Trusted) for one in ways) else ways[0]
    if name in BUILT_IN or _PROVIDER.fullmatch(name):
        return assumed_with_token(role, name)
    principal = _PRINCIPAL.fullmatch(name)
    if principal is None:
        return assumed_by_service(role, service(name))
    own = role.account
    if principal["account"] == own.account_id and not any(one.arn == name for one in own.principals):
        return NotTrusted(f"{principal['kind']} {name}, which is to assume it, does not exist")
    return answer(role, Attempt(name, _caller(role, name), (ASSUME,), request()))


def assumed_by_anybody(role: AssumableRole) -> Trust:
    """Whom the trust policy lets in, where the consumer does not say who assumes its role."""
    named = role.named(ASSUME, ASSUME_WITH_WEB_IDENTITY, ASSUME_WITH_SAML)
    living = [one for one in named if not one.deleted]
    if not living:
        gone = "; its principals were deleted: " + ", ".join(one.name for one in named) if named else ""
        return NotTrusted(f"the trust policy lets nobody in{gone}")
    return some([_named(role, one) for one in living])


def _named(role: AssumableRole, named: NamedPrincipal) -> Trust:
    if named.kind == "Service":
        return assumed_by_service(role, service(named.name))
    if named.kind == "Federated":
        return assumed_with_token(role, named.name)
    if account_of(named.name):
        return _account(role, named.name)
    if named.name == "*":
        return _everybody(role, named)
    return _attempt(role, named.name)


def _account(role: AssumableRole, account_id: str) -> Trust:
    """An account: its own policies say who of it may."""
    caller = Caller(
        iam_arn(account_id, "root", partition=role.partition),
        account_id,
        PrincipalKind.ROOT,
        context=Context(unknown=_ABOUT_CALLER, unknown_prefixes=CHOSEN_FAMILIES),
    )
    return _let_in(role, Attempt(f"account {account_id}", caller, (ASSUME,), request()))


def _attempt(role: AssumableRole, name: str) -> Trust:
    """A role, user or session that the trust policy names, whatever its own policies say."""
    willing = replace(_caller(role, name), identity=(WILLING,), boundary=None, scps=())
    return _let_in(role, Attempt(name, willing, (ASSUME,), request()))


def _let_in(role: AssumableRole, attempt: Attempt) -> Trust:
    """Whether the role's side lets somebody in, if only under conditions."""
    decision = attempt.decide(role, ASSUME)
    if conditional(decision):
        return Trusted((attempt.who,), decision.decided_by.statement)
    return answer(role, attempt)


def _everybody(role: AssumableRole, named: NamedPrincipal) -> Trust:
    """`*`: whoever meets its conditions."""
    if not named.keys:
        return _let_in(role, Attempt("everybody", stranger(role), (ASSUME,), request()))
    who = "whoever meets the conditions on " + ", ".join(named.keys)
    return TrustUnknown(f"the trust policy lets in {who}: write assumed_by", named.statement)


def _caller(role: AssumableRole, name: str) -> Caller:
    """A role, user or session with its own policies, as far as somebody knows them."""
    session = _SESSION.fullmatch(name)
    if session:
        arn = iam_arn(session["account"], f"role/{session['role']}", partition=session["partition"])
        return replace(_caller(role, arn), session=session["session"])
    found = _PRINCIPAL.fullmatch(name)
    if found and role.surroundings.caller is not None:
        return role.surroundings.caller(name)
    unread = UnreadPolicies(f"the policies of {name} were not read")
    return Caller(
        name,
        found["account"] if found else "",
        PrincipalKind.USER if found and found["kind"] == "user" else PrincipalKind.ROLE,
        identity=unread,
        boundary=unread,
        scps=unread,
        context=Context(unknown=_ABOUT_CALLER, unknown_prefixes=CHOSEN_FAMILIES),
    )
