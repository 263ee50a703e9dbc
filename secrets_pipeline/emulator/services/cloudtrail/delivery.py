"""Send what CloudTrail records to EventBridge."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, cloudtrail_backends

from secrets_pipeline.emulator.control.delays import TRAIL
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.event_bus import BUS, THROUGH_CLOUDTRAIL, Event
from secrets_pipeline.emulator.core.scheduler import SCHEDULER


def send_event(account_id: str, told: Mapping[str, Any], subject: str) -> None:
    """Send an event to EventBridge, at once or as late as the pace says.

    Args:
        account_id: whose event.
        told: the record without what differs between accounts: id, time, recipient.
        subject: what it names a secret or key by; empty for none.
    """
    now = CLOCK.now()
    record = {
        **told,
        "eventTime": datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventID": str(uuid.uuid4()),
        "recipientAccountId": account_id,
    }
    service = str(told["eventSource"]).partition(".")[0]
    kind = "AWS API Call" if told["eventType"] == "AwsApiCall" else "AWS Service Event"
    region = str(told["awsRegion"])
    event = Event(account_id, region, f"aws.{service}", f"{kind}{THROUGH_CLOUDTRAIL}", record, moment=now)
    seconds = PACE.now.of(TRAIL, f"{told['eventName']} {subject}")
    if seconds:
        backend = cloudtrail_backends[account_id][region]
        SCHEDULER.at(now + seconds, partial(_send_late, event, backend, PACE.since))
    else:
        BUS.put(event)


def _send_late(event: Event, backend: CloudTrailBackend, since: float) -> None:
    """Send an event, unless its account was emptied, or the pace ended by which it is late."""
    # Emptying an account replaces its backends.
    if cloudtrail_backends[event.account_id][event.region] is backend and PACE.since == since:
        BUS.put(event)
