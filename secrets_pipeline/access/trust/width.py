"""Tell who else may assume a role: everybody, or everybody with a token of an issuer that serves many.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html,
https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Layer,
    PrincipalKind,
    Request,
    authorize,
)
from secrets_pipeline.access.trust.attempt import (
    ANYTHING,
    ASSUME,
    ASSUME_WITH_WEB_IDENTITY,
    CHOSEN_FAMILIES,
    CHOSEN_KEYS,
    stranger,
)
from secrets_pipeline.access.trust.federation import AUDIENCE, BUILT_IN, issuer_of, oidc_providers, provider_missing
from secrets_pipeline.access.trust.role import AssumableRole
from secrets_pipeline.access.trust.verdict import AudienceNotPinned, NotTrusted, TooWide, TrustWarning

_SECURE = {"aws:securetransport": ("true",)}
_EKS = "oidc.eks."
_GITHUB = "token.actions.githubusercontent.com"


def warnings(role: AssumableRole) -> tuple[TrustWarning, ...]:
    """What makes a role's trust wider than anybody can have meant."""
    found: list[TrustWarning] = [*_everybody(role)]
    named = {one.name for one in role.named(ASSUME_WITH_WEB_IDENTITY)}
    # `*` means every provider, and IAM knows this one in every account.
    built_in = sorted(named & BUILT_IN) or (["accounts.google.com"] if "*" in named else [])
    for provider in (*oidc_providers(role), *built_in):
        if not isinstance(provider_missing(role, provider), NotTrusted):
            found += _tokens(role, provider)
    return tuple(found)


def _everybody(role: AssumableRole) -> Iterator[TrustWarning]:
    """A stranger from another account, who chooses what a caller can choose and meets no other condition."""
    decision = authorize(Request(ASSUME, Context(_SECURE, CHOSEN_KEYS, CHOSEN_FAMILIES)), stranger(role), role.target)
    if decision.allowed is not False:
        reason = "the trust policy lets in every AWS account: name the principals, or ask for aws:PrincipalOrgID"
        yield TooWide("everybody", reason, _statement(decision))


def _tokens(role: AssumableRole, provider: str) -> Iterator[TrustWarning]:
    issuer = issuer_of(provider)
    subject, audience = f"{issuer.lower()}:sub", f"{issuer.lower()}:aud"
    tokens = Context({**_SECURE, subject: (_subject(issuer),)}, CHOSEN_KEYS | {audience}, CHOSEN_FAMILIES)
    if not _chooses_audience(issuer):
        tokens = replace(tokens, values={**tokens.values, audience: (AUDIENCE,)})
    decision = _with_token(role, provider, tokens)
    if decision.allowed is not False:
        reason = f"the trust policy does not pin {issuer}:sub: ask for the one subject that runs the consumer"
        yield TooWide(f"anybody with a token of {issuer}", reason, _statement(decision))
    if provider in BUILT_IN:
        return
    other = Context({**_SECURE, audience: (ANYTHING,)}, CHOSEN_KEYS | {subject}, CHOSEN_FAMILIES)
    decision = _with_token(role, provider, other)
    if decision.allowed is not False:
        reason = f"the trust policy does not pin {issuer}:aud: ask for {AUDIENCE}"
        yield AudienceNotPinned(issuer, reason, _statement(decision))


def _chooses_audience(issuer: str) -> bool:
    """Whether every pod or workflow may ask for a token for any audience."""
    return issuer.startswith(_EKS) or issuer == _GITHUB


def _subject(issuer: str) -> str:
    if issuer.startswith(_EKS):
        return f"system:serviceaccount:{ANYTHING}:{ANYTHING}"
    if issuer == _GITHUB:
        return f"repo:{ANYTHING}/{ANYTHING}:ref:refs/heads/{ANYTHING}"
    return ANYTHING


def _with_token(role: AssumableRole, provider: str, context: Context) -> Decision:
    caller = Caller(provider, role.account_id, PrincipalKind.IDENTITY_PROVIDER)
    return authorize(Request(ASSUME_WITH_WEB_IDENTITY, context), caller, role.target)


def _statement(decision: Decision) -> str:
    return next((one.statement for one in decision.votes if one.layer is Layer.TRUST_POLICY), "")
