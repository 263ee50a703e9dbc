"""Decide who may assume a role: by its trust policy, and the policies of whoever asks.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from moto.iam.models import iam_backends

from secrets_pipeline.access.evaluator import Caller, Context, PrincipalKind, Request, authorize
from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core.requests import operation_of, parameter_of
from secrets_pipeline.emulator.core.sessions import claims
from secrets_pipeline.emulator.enforcement.callers import find_role
from secrets_pipeline.emulator.enforcement.contexts import about_request, about_tags
from secrets_pipeline.emulator.enforcement.refusals import refused
from secrets_pipeline.emulator.enforcement.targets import role_target

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse
    from moto.iam.models import OpenIDConnectProvider

    from secrets_pipeline.access.evaluator import Values
    from secrets_pipeline.emulator.enforcement.callers import Client

_SESSION_NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)
_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"


class Refusal(NamedTuple):
    """An answer of STS.

    Attributes:
        status: HTTP status.
        code: AWS's error code.
        message: its sentence.
    """

    status: int
    code: str
    message: str


def refused_role(response: BaseResponse, client: Client) -> Refusal | None:
    """AWS's answer if a role may not be assumed, None if it may, or if the call is about something else."""
    operation = operation_of(response)
    if operation == "AssumeRole":
        if (malformed := _malformed(response)) is not None:
            return malformed
        message = _refused(response, client)
        return None if message is None else Refusal(403, "AccessDenied", message)
    if operation == "AssumeRoleWithWebIdentity":
        return _refused_web_identity(response)
    return None


def _malformed(response: BaseResponse) -> Refusal | None:
    """STS looks at the request before it looks for the role."""
    arn, session = str(parameter_of(response, "RoleArn")), str(parameter_of(response, "RoleSessionName"))
    if Arn.match(arn) is None or ":role/" not in arn:
        return Refusal(400, "ValidationError", f"{arn} is invalid")
    if _SESSION_NAME.fullmatch(session) is None:
        constraint = f"Member must satisfy regular expression pattern: {_SESSION_NAME.pattern}"
        message = f"Value '{session}' at 'roleSessionName' failed to satisfy constraint: {constraint}"
        return Refusal(400, "ValidationError", f"1 validation error detected: {message}")
    return None


def _refused(response: BaseResponse, client: Client) -> str | None:
    arn = str(parameter_of(response, "RoleArn"))
    where = f" on resource: {arn}"
    role = find_role(arn, response.partition)
    if role is None:
        return f"User: {client.arn} is not authorized to perform: sts:AssumeRole{where}"
    context = Context(_about(response))
    target = role_target(role)
    refusals = (refused(client, action, target, context, where) for action in _actions(response, client))
    return next((one for one in refusals if one is not None), None)


def _actions(response: BaseResponse, client: Client) -> Iterator[str]:
    """A session with tags or a source identity needs leave for them."""
    yield "sts:AssumeRole"
    session = client.session
    if parameter_of(response, "Tags") or (session is not None and session.transitive):
        yield "sts:TagSession"
    if parameter_of(response, "SourceIdentity") or (session is not None and session.source_identity):
        yield "sts:SetSourceIdentity"


def _about(response: BaseResponse) -> dict[str, Values]:
    param = partial(parameter_of, response)
    tags = {str(one["Key"]): str(one.get("Value") or "") for one in param("Tags") or ()}
    values = {**about_request(response.region), **about_tags(tags)}
    for name, key in (
        ("ExternalId", "sts:externalid"),
        ("RoleSessionName", "sts:rolesessionname"),
        ("SourceIdentity", "sts:sourceidentity"),
    ):
        if param(name) is not None:
            values[key] = (str(param(name)),)
    transitive = tuple(param("TransitiveTagKeys") or ())
    return {**values, "sts:transitivetagkeys": transitive} if transitive else values


def _refused_web_identity(response: BaseResponse) -> Refusal | None:
    """Signatures of tokens are not checked: nobody publishes the keys of an emulated provider."""
    param = partial(parameter_of, response)
    denied = Refusal(403, "AccessDenied", f"Not authorized to perform {_WEB_IDENTITY}")
    arn, said = str(param("RoleArn")), claims(str(param("WebIdentityToken")))
    role = find_role(arn, response.partition)
    if said is None:
        return Refusal(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    if role is None:
        return denied
    issuer = str(said.get("iss", ""))
    provider = _provider(issuer.removeprefix("https://"), role.account_id, response.partition)
    if provider is None:
        return Refusal(400, "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
    if float(said.get("exp", 0)) < time.time():
        return Refusal(400, "ExpiredTokenException", "Token expired: current date/time must be before the expiration")
    audience = said.get("aud")
    if not {audience} & set(provider.client_id_list) if isinstance(audience, str) else True:
        return Refusal(400, "InvalidIdentityToken", "Incorrect token audience")
    caller = Caller(provider.arn, "", PrincipalKind.IDENTITY_PROVIDER)
    context = Context({**_about(response), **_claimed(provider.url, said)})
    decision = authorize(Request(_WEB_IDENTITY, context), caller, role_target(role))
    return None if decision.allowed else denied


def _provider(issuer: str, account_id: str, partition: str) -> OpenIDConnectProvider | None:
    known = iam_backends[account_id][partition].open_id_providers.values()
    return next((one for one in list(known) if one.url == issuer), None)


def _claimed(provider: str, said: Mapping[str, Any]) -> dict[str, Values]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif."""
    found = {claim: said[claim] for claim in ("amr", "aud", "email", "oaud", "sub") if claim in said}
    return {
        f"{provider.lower()}:{claim}": tuple(map(str, value)) if isinstance(value, list) else (str(value),)
        for claim, value in found.items()
    }
