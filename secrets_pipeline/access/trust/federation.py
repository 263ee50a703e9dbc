"""Judge identity providers whose tokens open a role: IRSA, and OpenID Connect or SAML providers of applications.

Sources: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
"""

from __future__ import annotations

import re
from typing import Final

from secrets_pipeline.access.evaluator import Caller, PrincipalKind, Values
from secrets_pipeline.access.trust.attempt import (
    ASSUME_WITH_SAML,
    ASSUME_WITH_WEB_IDENTITY,
    Attempt,
    answer,
    conditional,
    request,
)
from secrets_pipeline.access.trust.role import AssumableRole
from secrets_pipeline.access.trust.verdict import NotTrusted, Trust, Trusted, TrustUnknown, some
from secrets_pipeline.arn import iam_arn

_PROVIDER = re.compile(r"arn:[\w-]+:iam::\d{12}:oidc-provider/(?P<issuer>.+)")
_SAML = ":saml-provider/"
AUDIENCE: Final = "sts.amazonaws.com"
"""What EKS issues tokens for, in China too."""
BUILT_IN = frozenset({"accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"})
"""Providers that IAM knows without an ARN."""


def issuer_of(provider: str) -> str:
    """The issuer of a provider, as condition keys begin with it; empty for SAML."""
    found = _PROVIDER.fullmatch(provider)
    return found["issuer"] if found else provider if provider in BUILT_IN else ""


def assumed_by_pod(role: AssumableRole, issuer: str | None, service_account: str | None) -> Trust:
    """Whether a pod may assume a role through IRSA.

    Args:
        role: the role.
        issuer: of the cluster; None for whichever the trust policy names.
        service_account: `namespace/name`; None if nobody said.
    """
    if issuer is not None:
        provider = iam_arn(role.account_id, f"oidc-provider/{issuer}", partition=role.partition)
        return _pod(role, provider, service_account)
    providers = oidc_providers(role)
    if not providers:
        return NotTrusted(f"the trust policy allows {ASSUME_WITH_WEB_IDENTITY} to no OIDC provider")
    return some([_pod(role, provider, service_account) for provider in providers])


def _pod(role: AssumableRole, provider: str, service_account: str | None) -> Trust:
    missing = provider_missing(role, provider)
    if isinstance(missing, NotTrusted):
        return missing
    issuer = issuer_of(provider).lower()
    values: dict[str, Values] = {f"{issuer}:aud": (AUDIENCE,)}
    who = f"pods of {issuer_of(provider)}"
    if service_account is not None:
        namespace, name = service_account.split("/")
        values[f"{issuer}:sub"] = (f"system:serviceaccount:{namespace}:{name}",)
        who = f"service account {service_account} of {issuer_of(provider)}"
    caller = Caller(provider, role.account_id, PrincipalKind.IDENTITY_PROVIDER)
    attempt = Attempt(who, caller, (ASSUME_WITH_WEB_IDENTITY,), request(values, families=(f"{issuer}:",)))
    found = answer(role, attempt)
    if isinstance(found, TrustUnknown) and service_account is None:
        said = "which service account runs it is not declared: write service_account: namespace/name"
        return TrustUnknown(f"{found.reason}; {said}", found.statement)
    return found if isinstance(found, NotTrusted) or missing is None else missing


def assumed_with_token(role: AssumableRole, provider: str) -> Trust:
    """Whether tokens or assertions of a provider open a role; whose, is for its conditions to say."""
    missing = provider_missing(role, provider)
    if isinstance(missing, NotTrusted):
        return missing
    action = ASSUME_WITH_SAML if _SAML in provider else ASSUME_WITH_WEB_IDENTITY
    issuer = issuer_of(provider).lower()
    families = (f"{issuer}:",) if issuer else ("saml:",)
    caller = Caller(provider, role.account_id, PrincipalKind.IDENTITY_PROVIDER)
    attempt = Attempt(provider, caller, (action,), request(families=families))
    decision = attempt.decide(role, action)
    if conditional(decision):
        return missing or Trusted((provider,), decision.decided_by.statement)
    found = answer(role, attempt)
    return missing or found if isinstance(found, Trusted) else found


def oidc_providers(role: AssumableRole) -> tuple[str, ...]:
    """The OpenID Connect providers of the account that a trust policy names."""
    return tuple(one.name for one in role.named(ASSUME_WITH_WEB_IDENTITY) if _PROVIDER.fullmatch(one.name))


def provider_missing(role: AssumableRole, provider: str) -> NotTrusted | TrustUnknown | None:
    """What is wrong with an OpenID Connect provider itself: it must exist in the role's account."""
    if _PROVIDER.fullmatch(provider) is None:
        return None
    if role.account.identity_providers is None:
        return TrustUnknown(f"whether the OIDC provider {provider} exists could not be read")
    if provider in role.account.identity_providers:
        return None
    return NotTrusted(f"the OIDC provider {provider} does not exist")
