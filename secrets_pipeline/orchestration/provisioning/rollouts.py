"""Write rollouts that a run left on their way to its data, and read them back for the sensor that follows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import dagster as dg

from secrets_pipeline.orchestration.pages.metadata import data_of
from secrets_pipeline.reconcilers.consumer.interface import Progress, Rollout
from secrets_pipeline.reconcilers.consumer.refresh import InFlight

ROLLOUTS = "rollouts"
"""In the data of `consumer_refresh`: what is on its way."""


def as_data(rollouts: Iterable[InFlight]) -> list[dict[str, Any]]:
    """Write one record a rollout; ids and dates, no values."""
    return [
        {
            "name": one.name,
            "component": one.component,
            "id": one.rollout.id,
            "asked_at": one.rollout.asked_at.isoformat() if one.rollout.asked_at else None,
            "detail": one.rollout.detail,
        }
        for one in rollouts
    ]


def of_materialization(event: dg.AssetMaterialization) -> list[InFlight]:
    """Read which rollouts a materialisation of `consumer_refresh` left on their way."""
    value = data_of(event.metadata).get(ROLLOUTS)
    records: list[dict[str, Any]] = value if isinstance(value, list) else []
    return [
        InFlight(
            one["name"],
            one["component"],
            Rollout(
                one["id"],
                datetime.fromisoformat(one["asked_at"]) if one["asked_at"] else None,
                Progress.IN_PROGRESS,
                one["detail"],
            ),
        )
        for one in records
    ]
