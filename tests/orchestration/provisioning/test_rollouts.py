"""What a run left on its way is read by the sensor as the run wrote it."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from secrets_pipeline.orchestration.pages.metadata import DATA, program_data
from secrets_pipeline.orchestration.provisioning.rollouts import ROLLOUTS, as_data, of_materialization
from secrets_pipeline.reconcilers.consumer.interface import Progress, Rollout
from secrets_pipeline.reconcilers.consumer.refresh import InFlight


def test_rollouts_are_read_as_they_were_written_with_and_without_the_time_they_were_asked_for() -> None:
    left = [
        InFlight("ecs shop/orders", "shop", Rollout("ecs-svc/1", asked_at, Progress.IN_PROGRESS, "two of three tasks"))
        for asked_at in (datetime(2026, 12, 7, 9, 55, tzinfo=UTC), None)
    ]
    event = dg.AssetMaterialization("consumer_refresh", metadata={DATA: program_data({ROLLOUTS: as_data(left)})})
    assert of_materialization(event) == left
    assert of_materialization(dg.AssetMaterialization("consumer_refresh")) == []
