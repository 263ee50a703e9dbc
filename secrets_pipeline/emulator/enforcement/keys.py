"""Decide which KMS operations a client may perform.

https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from moto.kms.models import kms_backends

from secrets_pipeline.access.evaluator import Context
from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core.requests import operation_of
from secrets_pipeline.emulator.enforcement.contexts import about_request, about_tags
from secrets_pipeline.emulator.enforcement.documents import policy
from secrets_pipeline.emulator.enforcement.refusals import refused
from secrets_pipeline.emulator.enforcement.targets import anything, key_target, new_key_target

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse
    from moto.kms.models import Key, KmsBackend

    from secrets_pipeline.access.evaluator import TargetResource, Values
    from secrets_pipeline.emulator.enforcement.callers import Client

_ACCOUNT_WIDE = frozenset({"CreateKey", "GenerateRandom", "ListAliases", "ListKeys"})
# Whoever may retire a grant is named by the grant, not by policies.
_BY_GRANT = frozenset({"ListRetirableGrants", "RetireGrant"})
_ACROSS_ACCOUNTS = frozenset(
    {
        "CreateGrant",
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetKeyRotationStatus",
        "GetPublicKey",
        "ListGrants",
        "ReEncrypt",
        "RevokeGrant",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
_ALIASES = frozenset({"CreateAlias", "DeleteAlias", "UpdateAlias"})
_SYMMETRIC = frozenset({"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"})
_PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "CreateKey": {"KeySpec": "kms:keyspec", "KeyUsage": "kms:keyusage"},
    "ReplicateKey": {"ReplicaRegion": "kms:replicaregion"},
    "ScheduleKeyDeletion": {"PendingWindowInDays": "kms:schedulekeydeletionpendingwindowindays"},
}
"""By operation: parameters that are condition keys."""
_UNNAMED = " on the resource associated with this ciphertext"
_NAMED = " on this resource"
_CLOSED = (
    " because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based "
    "policy explicitly denies access"
)
_KEY_ID_LENGTH = 36


class _Asked(NamedTuple):
    action: str
    target: TargetResource
    where: str
    context: Mapping[str, Values]


def refused_key(response: BaseResponse, client: Client) -> str | None:
    """AWS's sentence if a client may not perform a KMS operation, None if it may, or if there is no such key."""
    operation, params = operation_of(response), json.loads(response.body or "{}")
    if operation in _BY_GRANT:
        return None
    own = _about(operation, params)
    common = {**about_request(response.region), "kms:calleraccount": (client.account_id,), **own}
    for asked in _asked(operation, params, client, response.region):
        context = Context({**common, **asked.context})
        closed = f"{_UNNAMED if asked.where == _UNNAMED else _NAMED}{_CLOSED}"
        refusal = refused(client, asked.action, asked.target, context, asked.where, closed=closed)
        if refusal is not None:
            return refusal
    return None


def may_put_policy(text: str, client: Client, region: str, key: Key | None) -> bool:
    """Whether a client may call PutKeyPolicy once a key has a policy.

    Args:
        text: the policy, JSON.
        client: who writes it.
        region: of the key.
        key: the key; None for one that is being made, which has neither tags nor aliases yet.
    """
    target = new_key_target(client.account_id, region) if key is None else key_target(key)
    target = replace(target, policy=policy("key policy", text))
    context = Context({**about_request(region), "kms:calleraccount": (client.account_id,)})
    return refused(client, "kms:PutKeyPolicy", target, context) is None


def _asked(operation: str, params: Mapping[str, Any], client: Client, region: str) -> Iterator[_Asked]:
    if operation in _ACCOUNT_WIDE:
        yield _Asked(f"kms:{operation}", anything(client.account_id), "", {})
        if params.get("Tags"):
            # "a policy that isn't restricted to particular KMS keys":
            # https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html
            arn = f"arn:{Arn.parse(client.caller.arn).partition}:kms:{region}:{client.account_id}:key/*"
            yield _Asked("kms:TagResource", anything(client.account_id, arn), f" on resource: {arn}", {})
        return
    if operation in _ALIASES:
        yield from _of_alias(operation, params, client, region)
        return
    if operation == "ReEncrypt":
        source, wanted = params.get("SourceEncryptionContext"), params.get("DestinationEncryptionContext")
        yield from _of_key(("ReEncryptFrom", operation), _encrypted(params, client, region), client, _context(source))
        yield from _of_key(("ReEncryptTo", operation), _named(params, client, region), client, _context(wanted))
        return
    named = params.get("KeyId")
    key = _named(params, client, region) if named else _encrypted(params, client, region)
    context = {**_context(params.get("EncryptionContext")), **_grant(operation, params)}
    if isinstance(named, str) and "alias/" in named:
        context["kms:requestalias"] = ("alias/" + named.split("alias/", 1)[1],)
    yield from _of_key((operation, operation), key, client, context, "" if named else _UNNAMED)


def _of_key(
    names: tuple[str, str], key: Key | None, client: Client, context: Mapping[str, Values], where: str = ""
) -> Iterator[_Asked]:
    """What is asked of a key; `names` are those of action and operation."""
    if key is None:
        return
    action, operation = names
    shown = where or f" on resource: {key.arn}"
    if key.account_id != client.account_id and operation not in _ACROSS_ACCOUNTS:
        # No policy of the key reaches that far.
        yield _Asked(f"kms:{action}", anything(key.account_id, key.arn), shown, context)
        return
    yield _Asked(f"kms:{action}", key_target(key), shown, context)


def _of_alias(operation: str, params: Mapping[str, Any], client: Client, region: str) -> Iterator[_Asked]:
    """An alias is changed by whoever may change it and every key that it has or gets."""
    name, partition = str(params.get("AliasName")), Arn.parse(client.caller.arn).partition
    arn = f"arn:{partition}:kms:{region}:{client.account_id}:{name}"
    yield _Asked(f"kms:{operation}", anything(client.account_id, arn), f" on resource: {arn}", {})
    backend = kms_backends[client.account_id][region]
    held = next((key for key in list(backend.keys.values()) if name in key.aliases), None)
    wanted = _find(backend, str(params["TargetKeyId"])) if params.get("TargetKeyId") else None
    for key in (held if operation != "CreateAlias" else None, wanted):
        yield from _of_key((operation, operation), key, client, {})


def _named(params: Mapping[str, Any], client: Client, region: str) -> Key | None:
    """The key that the request names, in the account that it names."""
    key_id = str(params.get("KeyId") or params.get("DestinationKeyId") or "")
    arn = Arn.match(key_id)
    account_id = arn.account_id if arn and arn.account_id.isdigit() else client.account_id
    return _find(kms_backends[account_id][region], key_id)


def _find(backend: KmsBackend, key_id: str) -> Key | None:
    alias = backend.get_alias_name(key_id)
    raw = backend.get_key_id_from_alias(alias) if alias.startswith("alias/") else backend.get_key_id(key_id)
    return backend.keys.get(raw or "")


def _encrypted(params: Mapping[str, Any], client: Client, region: str) -> Key | None:
    """The key that made the ciphertext, whose id it begins with."""
    try:
        blob = base64.b64decode(str(params.get("CiphertextBlob") or ""))
    except (binascii.Error, ValueError):
        return None
    key: Key | None = kms_backends[client.account_id][region].keys.get(blob[:_KEY_ID_LENGTH].decode("ascii", "replace"))
    return key


def _context(pairs: Mapping[str, str] | None) -> dict[str, Values]:
    if not pairs:
        return {}
    values: dict[str, Values] = {f"kms:encryptioncontext:{key.lower()}": (value,) for key, value in pairs.items()}
    return {**values, "kms:encryptioncontextkeys": tuple(pairs)}


def _grant(operation: str, params: Mapping[str, Any]) -> dict[str, Values]:
    if operation != "CreateGrant":
        return {}
    constraints = params.get("Constraints") or {}
    values: dict[str, Values] = {
        "kms:grantisforawsresource": ("false",),
        "kms:grantoperations": tuple(params.get("Operations") or ()),
        "kms:granteeprincipal": (str(params.get("GranteePrincipal")),),
    }
    if constraints:
        values["kms:grantconstrainttype"] = tuple(constraints)
    if params.get("RetiringPrincipal"):
        values["kms:retiringprincipal"] = (str(params["RetiringPrincipal"]),)
    return values


def _about(operation: str, params: Mapping[str, Any]) -> dict[str, Values]:
    tags = {str(one["TagKey"]): str(one.get("TagValue") or "") for one in params.get("Tags") or ()}
    values = about_tags(tags, params.get("TagKeys") or ())
    for name, key in _PARAMETERS.get(operation, {}).items():
        if params.get(name) is not None:
            values[key] = (str(params[name]),)
    if operation in _SYMMETRIC:
        values["kms:encryptionalgorithm"] = (str(params.get("EncryptionAlgorithm") or "SYMMETRIC_DEFAULT"),)
    bypass = params.get("BypassPolicyLockoutSafetyCheck")
    if bypass is not None:
        values["kms:bypasspolicylockoutsafetycheck"] = (str(bool(bypass)).lower(),)
    return values
