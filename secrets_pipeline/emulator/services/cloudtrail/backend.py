"""Dispatch LookupEvents of CloudTrail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.cloudtrail import urls as moto_urls
from moto.cloudtrail.models import cloudtrail_backends
from moto.cloudtrail.responses import CloudTrailResponse

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.cloudtrail.history import EventHistory, HistoryBackend, history_of

_LARGEST_PAGE = 50


class EmulatedCloudTrailResponse(CloudTrailResponse):
    """Dispatches LookupEvents as well."""

    def lookup_events(self) -> str:
        """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html."""
        return json.dumps(_page(history_of(self.current_account, self.region), json.loads(self.body or "{}")))


def _page(history: EventHistory, parameters: Mapping[str, Any]) -> dict[str, Any]:
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


def _matching(history: EventHistory, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
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
    return bool(event.get(AttributeKey) == AttributeValue)


def install() -> None:
    """Put this backend and dispatcher in the place of moto's."""
    backends: Any = cloudtrail_backends  # typed for moto's backend, which ours replaces
    backends.backend = HistoryBackend
    moto_urls.url_paths = {"{0}/$": EmulatedCloudTrailResponse.dispatch}
