"""Read what runs a consumer, as far as the stack says: the pods of type eks, whoever assumes the role of type app.

Sources: https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from secrets_pipeline.desired.consumer.keys import AppKeys, PodKeys
from secrets_pipeline.desired.consumer.model import PodSpec, ReaderType
from secrets_pipeline.desired.limits import ACCOUNT_ID, ROLE_ARN
from secrets_pipeline.desired.reading.inputs import Inputs

_IRSA, _POD_IDENTITY = "irsa", "pod-identity"
# A namespace is a DNS label, a service account a DNS subdomain: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_SERVICE_ACCOUNT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_EXAMPLE_SERVICE_ACCOUNT = "payments/orders-api"
_ISSUER = re.compile(
    r"(?:arn:aws[a-z-]*:iam::(?P<account>\d{12}):oidc-provider/|https://)?"
    r"(?P<issuer>[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[\w.~-]+)*)"
)
_EXAMPLE_ISSUER = "oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
_PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]{1,512}|(oidc|saml)-provider/[\w.~/-]+)"
)


def pod(entry: Inputs, kind: str, role_arn: str | None) -> PodSpec:
    """How the pods of a consumer get its role; what is wrong is collected.

    Args:
        entry: the consumer.
        kind: its type.
        role_arn: its role, None where that is wrong itself.
    """
    if kind != ReaderType.EKS:
        _refuse(entry, PodKeys.model_fields, ReaderType.EKS)
        return PodSpec()
    identity = entry.text("identity")
    if identity not in (None, _IRSA, _POD_IDENTITY):
        entry.error("identity", f"identity is {identity!r}", f"Write {_IRSA} or {_POD_IDENTITY}.")
    account = entry.text("service_account", pattern=_SERVICE_ACCOUNT, example=_EXAMPLE_SERVICE_ACCOUNT)
    issuer = _issuer(entry, role_arn)
    if issuer and identity == _POD_IDENTITY:
        entry.error(
            "oidc_provider",
            "EKS Pod Identity uses no OIDC provider",
            f"Remove oidc_provider, or write identity: {_IRSA}.",
        )
    irsa = identity == _IRSA or (identity is None and issuer is not None)
    return PodSpec(
        identity="irsa" if irsa else "pod-identity" if identity == _POD_IDENTITY else None,
        service_account=account,
        issuer=issuer,
    )


def _issuer(entry: Inputs, role_arn: str | None) -> str | None:
    text = entry.text("oidc_provider", pattern=_ISSUER, example=_EXAMPLE_ISSUER)
    named = _ISSUER.fullmatch(text) if text else None
    if named is None:
        return None
    role = ROLE_ARN.fullmatch(role_arn) if role_arn else None
    if role and named["account"] and named["account"] != role[1]:
        entry.error(
            "oidc_provider",
            f"the OIDC provider is in account {named['account']}, the role in account {role[1]}",
            f"Create a provider for {named['issuer']} in account {role[1]} and name that one.",
        )
    return named["issuer"]


def assumed_by(entry: Inputs, kind: str) -> tuple[str, ...]:
    """Who assumes the role of an application; what is wrong is collected."""
    if kind != ReaderType.APP:
        _refuse(entry, AppKeys.model_fields, ReaderType.APP)
        return ()
    if not entry.has("assumed_by"):
        return ()
    given = entry.texts("assumed_by")
    if entry.values["assumed_by"] == []:
        entry.error("assumed_by", "assumed_by names nobody", "Name who assumes the role, or remove assumed_by.")
    for one in given:
        if not any(pattern.fullmatch(one) for pattern in (ACCOUNT_ID, _SERVICE, _PRINCIPAL)):
            entry.error(
                "assumed_by",
                f"{one!r} is no principal that can assume a role",
                "Write the ARN of a role, user or identity provider, an account id in quotes, or a service such as "
                '"codebuild.amazonaws.com".',
            )
    return tuple(dict.fromkeys(given))


def _refuse(entry: Inputs, keys: Iterable[str], kind: ReaderType) -> None:
    for key in keys:
        if entry.has(key):
            entry.error(key, f"{key} means nothing for this type", f"Remove {key}, or write type: {kind}.")
