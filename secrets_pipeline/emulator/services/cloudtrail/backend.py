"""Replace moto's backend of CloudTrail."""

from __future__ import annotations

from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, cloudtrail_backends

_EVERY = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


class EmulatedCloudTrailBackend(CloudTrailBackend):
    """The trails of one account and region."""

    def get_event_selectors(self, trail_name: str) -> tuple[str, list[Any], list[Any]]:
        """Answer GetEventSelectors; a new trail takes in every management event."""
        arn, basic, advanced = super().get_event_selectors(trail_name)
        return arn, basic or ([] if advanced else [_EVERY]), advanced


def install() -> None:
    """Put this backend in the place of moto's."""
    cloudtrail_backends.backend = EmulatedCloudTrailBackend
