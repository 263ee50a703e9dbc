"""Record calls as CloudTrail tells them.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.core.requests import operation_of
from secrets_pipeline.emulator.core.secret_key import key_of
from secrets_pipeline.emulator.services.cloudtrail.delivery import send_event
from secrets_pipeline.rotation.events.names import GLOBAL_REGIONS, IAM, ORGANIZATIONS

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

_CHANGES: Mapping[str, frozenset[str]] = {
    "secretsmanager": frozenset(
        {
            "AssociateCrossAccountReplica",
            "CancelRotateSecret",
            "CreateSecret",
            "DeleteResourcePolicy",
            "DeleteSecret",
            "DisassociateCrossAccountReplica",
            "PutResourcePolicy",
            "PutSecretValue",
            "RemoveRegionsFromReplication",
            "ReplicateSecretToRegions",
            "RestoreSecret",
            "RotateSecret",
            "StopReplicationToReplica",
            "TagResource",
            "UntagResource",
            "UpdateSecret",
            "UpdateSecretVersionStage",
        }
    ),
    "kms": frozenset(
        {
            "CancelKeyDeletion",
            "CreateAlias",
            "CreateGrant",
            "CreateKey",
            "DeleteAlias",
            "DisableKey",
            "DisableKeyRotation",
            "EnableKey",
            "EnableKeyRotation",
            "PutKeyPolicy",
            "ReplicateKey",
            "RetireGrant",
            "RevokeGrant",
            "ScheduleKeyDeletion",
            "TagResource",
            "UntagResource",
            "UpdateAlias",
            "UpdateKeyDescription",
        }
    ),
}
"""What changes something, by moto's name of the service."""
_GLOBAL = {"iam": IAM, "organizations": ORGANIZATIONS}
_READING = ("Describe", "Generate", "Get", "List", "Simulate")
"""What operations of these begin with that change nothing: their models have no others that are reads."""
_HIDDEN = frozenset({"SecretString", "SecretBinary", "GrantTokens", "Password", "NewPassword", "OldPassword"})
# What these services answer a change with; nothing of it is secret.
_ANSWERED = ("ARN", "Name", "VersionId", "DeletionDate", "KeyId", "GrantId", "KeyState")


@dataclass(frozen=True, slots=True)
class Called:
    """A call that changes something, before it is known what became of it.

    Attributes:
        service: `secretsmanager`, `kms`, `iam` or `organizations`.
        operation: as CloudTrail names it.
        account_id: account that the caller acts in.
        region: of the endpoint; for a global service the one that gets its events.
        access_key: the caller's.
        parameters: what is told of the request.
        agent: the caller's user agent.
    """

    service: str
    operation: str
    account_id: str
    region: str
    access_key: str
    parameters: Mapping[str, Any]
    agent: str


def observed(response: BaseResponse) -> Called | None:
    """What a call is about to change; None for a call whose event EventBridge does not get."""
    service, operation = str(response.service_name), operation_of(response)
    of_global = service in _GLOBAL and not operation.startswith(_READING)
    if not of_global and operation not in _CHANGES.get(service, ()):
        return None
    try:
        given = _given(response)
    except ValueError:
        return None
    return Called(
        service,
        operation,
        response.current_account,
        _region(service, response.region),
        response.access_key,
        {_lower(name): value for name, value in given.items() if name not in _HIDDEN},
        str(response.headers.get("User-Agent") or ""),
    )


def _given(response: BaseResponse) -> dict[str, Any]:
    """The parameters of a call: those of IAM come as a form, all others as JSON."""
    if response.service_name == "iam":
        return {name: one[0] for name, one in response.querystring.items() if name not in ("Action", "Version")}
    given: dict[str, Any] = json.loads(response.body or "{}")
    return given


def _region(service: str, region: str) -> str:
    """Events of a global service reach one region of its partition, wherever the call was sent to."""
    return GLOBAL_REGIONS.get(get_partition(region), {}).get(_GLOBAL.get(service, ""), region)


def record(called: Called, error: str = "", answer: bytes = b"") -> None:
    """Tell of a call that was performed, or refused.

    Args:
        called: the call.
        error: AWS's error code; empty if it was answered.
        answer: body of the answer.
    """
    identity = _identity(called)
    named = "" if called.service in _GLOBAL else _named(called.parameters)
    owner = _owner(named)
    told: dict[str, Any] = {
        "eventVersion": "1.09",
        "userIdentity": identity,
        "eventSource": f"{called.service}.amazonaws.com",
        "eventName": called.operation,
        "awsRegion": called.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": called.agent,
        **({"errorCode": error} if error else {}),
        "requestParameters": called.parameters,
        "responseElements": None if error else _elements(answer),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }
    if called.service == "kms" and named:
        found = _key_arn(named, called)
        told["resources"] = [{"accountId": owner or called.account_id, "type": "AWS::KMS::Key", "ARN": found}]
    send_event(called.account_id, told, named)
    if owner not in ("", called.account_id):
        stranger = {"type": "AWSAccount", "principalId": identity["principalId"], "accountId": called.account_id}
        send_event(owner, {**told, "userIdentity": stranger}, named)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _named(parameters: Mapping[str, Any]) -> str:
    """What a call names: a secret by id, a new one by name, a key, an alias."""
    found = (parameters.get(one) for one in ("secretId", "name", "keyId", "targetKeyId", "aliasName"))
    return next((one for one in found if isinstance(one, str)), "")


def _owner(named: str) -> str:
    arn = Arn.match(named)
    return arn.account_id if arn else ""


def _key_arn(named: str, called: Called) -> str:
    try:
        return str(key_of(named, called.account_id, called.region).arn)
    except Fault:
        return named


def _elements(answer: bytes) -> dict[str, Any] | None:
    """What CloudTrail tells of an answer."""
    try:
        given = json.loads(answer or b"{}")
    except ValueError:
        return None
    # Some of KMS's answers are `null`.
    return dict(_of_answer(given)) or None if isinstance(given, dict) else None


def _of_answer(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in _ANSWERED:
        if name in given:
            yield ("arn" if name == "ARN" else _lower(name)), given[name]


def _identity(called: Called) -> dict[str, Any]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html."""
    backend = sts_backends[called.account_id][get_partition(called.region)]
    user_id, arn, account_id = backend.get_caller_identity(called.access_key, called.region)
    own = {"principalId": user_id, "arn": arn, "accountId": account_id, "accessKeyId": called.access_key}
    role = backend.get_assumed_role_from_access_key(called.access_key)
    if role is None:
        return {"type": "IAMUser", "userName": arn.rpartition("/")[2], **own}
    issuer = {"type": "Role", "arn": role.role_arn, "accountId": account_id, "userName": role.role_arn.split("/")[-1]}
    return {"type": "AssumedRole", **own, "sessionContext": {"sessionIssuer": issuer}}
