"""Parse the body of a message into a hint. Bodies are hostile: whoever may write to the queue chooses every byte.

Source: https://docs.aws.amazon.com/eventbridge/latest/ref/overview-event-structure.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/eventbridge.html and
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from secrets_pipeline.desired.limits import ACCOUNT_ID, REGION, SECRET_NAME_LENGTH
from secrets_pipeline.rotation.events import names
from secrets_pipeline.rotation.events.actor import actor_of, moment
from secrets_pipeline.rotation.events.document import EventDocument, entries, mapping, text
from secrets_pipeline.rotation.events.hints import Hint, HintKind, Poison

LARGEST = 262_144
"""Bytes of an event: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""

_EVENT_ID = re.compile(r"[A-Za-z0-9-]{8,50}")
_LONGEST_REGION = 32
_SECRET = re.compile(
    r"(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]{1,32}:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@!-]"
    rf"{{1,{SECRET_NAME_LENGTH + 7}}}"
)
_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]{1,32}:[0-9]{12}:key/[A-Za-z0-9-]{1,64}|[A-Za-z0-9-]{1,64}")
_ALIAS = re.compile(r"(arn:aws[a-z-]*:kms:[a-z0-9-]{1,32}:[0-9]{12}:)?alias/[A-Za-z0-9:/_-]{1,250}")
_DATABASE = re.compile(r"arn:aws[a-z-]*:rds:[a-z0-9-]{1,32}:[0-9]{12}:(db|cluster):[A-Za-z0-9-]{1,63}")
_VERSION = re.compile(r"[A-Za-z0-9-]{32,64}")
_PRINCIPAL = re.compile(r"[A-Za-z0-9_+=,.@-]{1,128}|arn:aws[a-z-]*:iam::([0-9]{12}|aws):[A-Za-z0-9_+=,.@/-]{1,400}")
_ABOUT = (
    "roleName",
    "userName",
    "groupName",
    "policyArn",
    "instanceProfileName",
    "openIDConnectProviderArn",
    "policyId",
)
"""What a call to IAM or Organizations names first, by CloudTrail's spelling of its parameters."""

Read = Callable[[Hint, EventDocument, EventDocument], Hint | Poison]
"""(envelope, whole event, detail) → what it means."""


def parse(body: str) -> Hint | Poison:
    """What a message says; its text appears in no reason.

    Args:
        body: the message as EventBridge writes it to a queue.
    """
    if len(body) > LARGEST:
        return Poison("is larger than any event")
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return Poison("is not JSON")
    envelope = _envelope(event)
    if isinstance(envelope, Poison):
        return envelope
    read = _READ.get((text(event, "source") or "", text(event, "detail-type") or ""))
    return envelope if read is None else read(envelope, event, mapping(event, "detail"))


def _envelope(event: object) -> Hint | Poison:
    if not isinstance(event, dict):
        return Poison("is not an event")
    event_id, account, region = (text(event, key) or "" for key in ("id", "account", "region"))
    if not _EVENT_ID.fullmatch(event_id):
        return Poison("has no event id")
    if not (account.isascii() and ACCOUNT_ID.fullmatch(account)):
        return Poison("names no account")
    if len(region) > _LONGEST_REGION or not (region.isascii() and REGION.fullmatch(region)):
        return Poison("names no region")
    at = moment(text(event, "time"))
    if at is None:
        return Poison("has no time")
    return Hint(HintKind.IRRELEVANT, event_id, account, region, at)


def _label_updated(hint: Hint, event: EventDocument, detail: EventDocument) -> Hint | Poison:
    if text(detail, "labelUpdated") != "AWSCURRENT":
        return hint
    secret = _first(_SECRET, *entries(event, "resources"), detail.get("name"))
    if secret is None:
        return Poison("names no secret")
    version = _first(_VERSION, detail.get("versionId"))
    return replace(hint, kind=HintKind.ROTATED, name=names.LABEL_UPDATED, secret=secret, version=version)


def _service_event(hint: Hint, _event: EventDocument, detail: EventDocument) -> Hint | Poison:
    name = text(detail, "eventName") or ""
    kinds = {**dict.fromkeys(names.SUCCEEDED, HintKind.ROTATED), **dict.fromkeys(names.FAILED, HintKind.FAILED)}
    if name not in kinds:
        return hint
    more, service = mapping(detail, "additionalEventData"), mapping(detail, "serviceEventDetails")
    secret = _first(_SECRET, *(one.get(key) for one in (more, service) for key in ("SecretId", "secretId")))
    return replace(hint, kind=kinds[name], name=name, secret=secret) if secret else Poison("names no secret")


def _secret_call(hint: Hint, _event: EventDocument, detail: EventDocument) -> Hint | Poison:
    name = text(detail, "eventName") or ""
    if name not in names.SECRET_CALLS or not _happened(detail):
        return hint
    asked, answered = mapping(detail, "requestParameters"), mapping(detail, "responseElements")
    # CloudTrail spells the ARN of an answer in both ways, after the call.
    secret = _first(_SECRET, answered.get("arn"), answered.get("aRN"), asked.get("secretId"))
    if secret is None:
        return Poison("names no secret")
    return replace(hint, kind=HintKind.TAMPERED, name=name, secret=secret, actor=actor_of(detail))


def _key_call(hint: Hint, _event: EventDocument, detail: EventDocument) -> Hint | Poison:
    name = text(detail, "eventName") or ""
    if name not in names.KEY_CALLS or not _happened(detail):
        return hint
    asked, answered = mapping(detail, "requestParameters"), mapping(detail, "responseElements")
    arns = [text(one, "ARN") for one in entries(detail, "resources")]
    said = (*arns, answered.get("keyId"), asked.get("keyId"), asked.get("targetKeyId"))
    key, alias = _first(_KEY, *said), _first(_ALIAS, *said, asked.get("aliasName"))
    if key is None and alias is None:
        return Poison("names no key")
    named = None if alias is None else "alias/" + alias.partition("alias/")[2]
    actor = actor_of(detail)
    return replace(hint, kind=HintKind.KEY_CHANGED, name=name, resource=key or alias, alias=named, actor=actor)


def _key_event(hint: Hint, event: EventDocument, detail: EventDocument) -> Hint | Poison:
    key = _first(_KEY, *entries(event, "resources"), detail.get("key-id"))
    if key is None:
        return Poison("names no key")
    return replace(hint, kind=HintKind.KEY_CHANGED, name=text(event, "detail-type") or "", resource=key)


def _database_event(hint: Hint, event: EventDocument, detail: EventDocument) -> Hint | Poison:
    categories = {one for one in entries(detail, "EventCategories") if isinstance(one, str)}
    if categories.isdisjoint(names.DATABASE_CATEGORIES):
        return hint
    database = _first(_DATABASE, detail.get("SourceArn"), *entries(event, "resources"))
    if database is None:
        return Poison("names no database")
    return replace(hint, kind=HintKind.DATABASE, name=text(detail, "EventID") or "", resource=database)


def _access_call(hint: Hint, event: EventDocument, detail: EventDocument) -> Hint | Poison:
    name, source = text(detail, "eventName") or "", text(detail, "eventSource") or ""
    if name not in names.ACCESS_CALLS.get(source, ()) or not _happened(detail):
        return hint
    asked, known = mapping(detail, "requestParameters"), text(event, "source") or ""
    if known == names.RAM and _shares_no_key(asked):
        return hint
    about = _first(_PRINCIPAL, *(asked.get(key) for key in _ABOUT))
    return replace(hint, kind=HintKind.ACCESS, source=known, name=name, resource=about, actor=actor_of(detail))


def _shares_no_key(asked: EventDocument) -> bool:
    """Whether a call of RAM names resources and nobody to share with, and none of the resources is a KMS key.

    A call that names no resource may be about a share that has a key.
    """
    shared = entries(asked, "resourceArns")
    return bool(shared) and not entries(asked, "principals") and _first(_KEY, *shared) is None


def _happened(detail: EventDocument) -> bool:
    """Whether a call changed something: it was neither refused nor one that only reads."""
    return detail.get("errorCode") is None and detail.get("readOnly") is not True


def _first(pattern: re.Pattern[str], *found: object) -> str | None:
    return next((one for one in found if isinstance(one, str) and pattern.fullmatch(one)), None)


_READ: Mapping[tuple[str, str], Read] = {
    (names.SECRETS_MANAGER, names.LABEL_UPDATED): _label_updated,
    (names.SECRETS_MANAGER, names.SERVICE_EVENT): _service_event,
    (names.SECRETS_MANAGER, names.API_CALL): _secret_call,
    (names.KMS, names.API_CALL): _key_call,
    (names.KMS, names.KEY_DELETED): _key_event,
    (names.KMS, names.KEY_MATERIAL_EXPIRED): _key_event,
    (names.IAM, names.API_CALL): _access_call,
    (names.ORGANIZATIONS, names.API_CALL): _access_call,
    (names.RAM, names.API_CALL): _access_call,
    (names.RDS, names.INSTANCE_EVENT): _database_event,
    (names.RDS, names.CLUSTER_EVENT): _database_event,
}
