"""CloudTrail as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- LookupEvents finds the GetSecretValue events of the embedded AWS, where moto answers HTTP 500: by one attribute and
  time, the latest first, at most 50 in an answer. BatchGetSecretValue leaves one for each secret of its SecretIdList.
  https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
  https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
- A call for another account's secret is an event in both accounts.
  https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html

Events are there at once, while AWS takes some minutes. No other event is kept.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from types import ModuleType
from typing import Any

from moto.cloudtrail import urls as moto_urls
from moto.cloudtrail.models import CloudTrailBackend, cloudtrail_backends
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.responses import BaseResponse
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from secrets_pipeline.local.corrections.faults import Fault
from secrets_pipeline.local.requests import operation_of

KEPT = 10_000
"""Events of one account and region; the oldest go first."""
_EVENT, _SOURCE, _RESOURCE = "GetSecretValue", "secretsmanager.amazonaws.com", "AWS::SecretsManager::Secret"
_SECONDS = 90 * 86_400
_LARGEST_PAGE = 50
_ARN_PARTS = 7
_READS = frozenset({"GetSecretValue", "BatchGetSecretValue"})


@dataclass(frozen=True, slots=True)
class SecretRead:
    """A call that reads secrets, before it is known what became of it.

    Attributes:
        account_id: account that the caller acts in.
        region: of the endpoint.
        access_key: the caller's.
        ids: what it names the secrets by.
    """

    account_id: str
    region: str
    access_key: str
    ids: tuple[str, ...]


class History:
    """The latest events of one account and region."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._lock = Lock()

    def add(self, event: dict[str, Any]) -> None:
        """Keep one more event."""
        with self._lock:
            self._events.append(event)

    def latest_first(self) -> list[dict[str, Any]]:
        """Events of the last 90 days."""
        with self._lock:
            kept = list(self._events)
        return [event for event in reversed(kept) if event["EventTime"] > time.time() - _SECONDS]


class Backend(CloudTrailBackend):
    """CloudTrail with an event history."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.history = History()

    @property
    def _url_module(self) -> ModuleType:
        return moto_urls


class Response(CloudTrailResponse):
    """Dispatches LookupEvents as well."""

    def lookup_events(self) -> str:
        """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html."""
        return json.dumps(_page(_history(self.current_account, self.region), json.loads(self.body or "{}")))


def secret_read(response: BaseResponse) -> SecretRead | None:
    """What a call to Secrets Manager is about to read; None for any other call."""
    operation = operation_of(response)
    if response.service_name != "secretsmanager" or operation not in _READS:
        return None
    try:
        parameters = json.loads(response.body or "{}")
    except ValueError:
        return None
    ids = parameters.get("SecretIdList") or (parameters.get("SecretId"),)
    return SecretRead(
        response.current_account,
        response.region,
        response.access_key,
        tuple(one for one in ids if isinstance(one, str)),
    )


def record(read: SecretRead, error: str = "") -> None:
    """Keep the events of a call that was performed.

    Args:
        read: the call.
        error: AWS's error code; empty if it was answered.
    """
    identity = _identity(read)
    for secret_id in read.ids:
        _history(read.account_id, read.region).add(_event(read, read.account_id, identity, secret_id, error))
        owner = _owner(secret_id)
        if owner not in ("", read.account_id):
            stranger = {"type": "AWSAccount", "principalId": identity["principalId"], "accountId": read.account_id}
            _history(owner, read.region).add(_event(read, owner, stranger, secret_id, error))


def _history(account_id: str, region: str) -> History:
    backend: Any = cloudtrail_backends[account_id][region]  # ours
    history: History = backend.history
    return history


def _owner(secret_id: str) -> str:
    parts = secret_id.split(":", _ARN_PARTS - 1)
    return parts[4] if len(parts) == _ARN_PARTS and parts[0] == "arn" else ""


def _identity(read: SecretRead) -> dict[str, Any]:
    backend = sts_backends[read.account_id][get_partition(read.region)]
    user_id, arn, account_id = backend.get_caller_identity(read.access_key, read.region)
    own = {"principalId": user_id, "arn": arn, "accountId": account_id, "accessKeyId": read.access_key}
    role = backend.get_assumed_role_from_access_key(read.access_key)
    if role is None:
        return {"type": "IAMUser", "userName": arn.rpartition("/")[2], **own}
    issuer = {"type": "Role", "arn": role.role_arn, "accountId": account_id, "userName": role.role_arn.split("/")[-1]}
    return {"type": "AssumedRole", **own, "sessionContext": {"sessionIssuer": issuer}}


def _event(
    read: SecretRead, account_id: str, identity: Mapping[str, Any], secret_id: str, error: str
) -> dict[str, Any]:
    moment, event_id = int(time.time()), str(uuid.uuid4())
    told = {
        "eventVersion": "1.09",
        "userIdentity": identity,
        "eventTime": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": _SOURCE,
        "eventName": _EVENT,
        "awsRegion": read.region,
        **({"errorCode": error} if error else {}),
        "requestParameters": {"secretId": secret_id},
        "responseElements": None,
        "eventID": event_id,
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account_id,
        "eventCategory": "Management",
    }
    return {
        "EventId": event_id,
        "EventName": _EVENT,
        "ReadOnly": "true",
        "AccessKeyId": read.access_key,
        "EventTime": moment,
        "EventSource": _SOURCE,
        "Username": str(identity["principalId"]).rpartition(":")[2]
        if "userName" not in identity
        else identity["userName"],
        "Resources": [{"ResourceType": _RESOURCE, "ResourceName": secret_id}],
        "CloudTrailEvent": json.dumps(told),
    }


def _page(history: History, parameters: Mapping[str, Any]) -> dict[str, Any]:
    size = parameters.get("MaxResults", _LARGEST_PAGE)
    if not 1 <= size <= _LARGEST_PAGE:
        raise Fault("InvalidMaxResultsException", f"MaxResults must be between 1 and {_LARGEST_PAGE}.")
    found = list(_matching(history, parameters))
    start, token = 0, parameters.get("NextToken")
    if token is not None:
        start = next((place for place, event in enumerate(found, start=1) if event["EventId"] == token), 0)
        if not start:
            raise Fault("InvalidNextTokenException", "The NextToken is not valid.")
    page = found[start : start + size]
    more = {"NextToken": page[-1]["EventId"]} if start + size < len(found) else {}
    return {"Events": page, **more}


def _matching(history: History, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    attributes = parameters.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise Fault("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
    start, end = parameters.get("StartTime", 0), parameters.get("EndTime", float("inf"))
    if start > end:
        raise Fault("InvalidTimeRangeException", "The start time is after the end time.")
    if parameters.get("EventCategory") is not None:
        return
    for event in history.latest_first():
        if start <= event["EventTime"] <= end and all(_has(event, **one) for one in attributes):
            yield event


def _has(event: Mapping[str, Any], *, AttributeKey: str, AttributeValue: str) -> bool:  # noqa: N803 - AWS's names
    if AttributeKey in ("ResourceName", "ResourceType"):
        return any(one[AttributeKey] == AttributeValue for one in event["Resources"])
    return bool(event[AttributeKey] == AttributeValue)


def install() -> None:
    """Put this backend and dispatcher in the place of moto's."""
    backends: Any = cloudtrail_backends  # typed for moto's backend, which ours replaces
    backends.backend = Backend
    moto_urls.url_paths = {"{0}/$": Response.dispatch}
