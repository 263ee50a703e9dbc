"""Keep the event history of each account and region, and pass it on to EventBridge."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, cloudtrail_backends

from secrets_pipeline.emulator.control.delays import TRAIL
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.event_bus import BUS, THROUGH_CLOUDTRAIL, Event
from secrets_pipeline.emulator.core.scheduler import SCHEDULER

KEPT = 10_000
"""Events of one account and region; the oldest go first."""
_EVERY = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}
_SECONDS = 90 * 86_400
_RESOURCES = {"secretsmanager": "AWS::SecretsManager::Secret", "kms": "AWS::KMS::Key"}


class EventHistory:
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
        now = CLOCK.now()
        return [
            event
            for event in reversed(kept)
            if event["EventTime"] > now - _SECONDS and PACE.is_over(TRAIL, str(event["EventName"]), event["EventTime"])
        ]


class HistoryBackend(CloudTrailBackend):
    """CloudTrail with an event history."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.history = EventHistory()

    def get_event_selectors(self, trail_name: str) -> tuple[str, list[Any], list[Any]]:
        """Answer GetEventSelectors; a new trail takes in every management event."""
        arn, basic, advanced = super().get_event_selectors(trail_name)
        return arn, basic or ([] if advanced else [_EVERY]), advanced


def history_of(account_id: str, region: str) -> EventHistory:
    """The history of an account and region."""
    backend: Any = cloudtrail_backends[account_id][region]  # ours
    history: EventHistory = backend.history
    return history


def file_event(account_id: str, told: Mapping[str, Any], resources: Iterable[str], *, access_key: str = "") -> None:
    """Keep an event in an account's history and, unless it is a read, send it to EventBridge.

    Args:
        account_id: whose history.
        told: the record without what differs between accounts: ids, time, recipient.
        resources: what it names secrets or keys by.
        access_key: of the caller; empty for a service.
    """
    now, event_id = CLOCK.now(), str(uuid.uuid4())
    service = str(told["eventSource"]).partition(".")[0]
    record = {
        **told,
        "eventTime": datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventID": event_id,
        "recipientAccountId": account_id,
    }
    history = history_of(account_id, told["awsRegion"])
    history.add(
        {
            "EventId": event_id,
            "EventName": told["eventName"],
            "ReadOnly": str(told["readOnly"]).lower(),
            **({"AccessKeyId": access_key} if access_key else {}),
            "EventTime": int(now),
            "EventSource": told["eventSource"],
            "Username": _username(told["userIdentity"]),
            "Resources": [{"ResourceType": _RESOURCES[service], "ResourceName": one} for one in resources],
            "CloudTrailEvent": json.dumps(record),
        }
    )
    if not told["readOnly"]:
        kind = "AWS API Call" if told["eventType"] == "AwsApiCall" else "AWS Service Event"
        detail_type = f"{kind}{THROUGH_CLOUDTRAIL}"
        event = Event(account_id, told["awsRegion"], f"aws.{service}", detail_type, record, moment=now)
        seconds = PACE.now.of(TRAIL, f"{told['eventName']} {' '.join(resources)}")
        if seconds:
            SCHEDULER.at(now + seconds, partial(_pass_on, event, history, PACE.since))
        else:
            BUS.put(event)


def _pass_on(event: Event, history: EventHistory, since: float) -> None:
    """Send an event to EventBridge, unless its account was emptied, or the pace ended by which it is late."""
    if history_of(event.account_id, event.region) is history and PACE.since == since:
        BUS.put(event)


def _username(identity: Mapping[str, Any]) -> str:
    if "userName" in identity:
        return str(identity["userName"])
    return str(identity.get("principalId") or identity.get("invokedBy")).rpartition(":")[2]
