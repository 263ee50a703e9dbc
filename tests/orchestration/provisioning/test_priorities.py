"""Which run leaves the queue first: what repairs, what follows, what applies, what verifies, and backfills."""

from __future__ import annotations

import pytest

from secrets_pipeline.orchestration.build import build_definitions
from tests.orchestration.deployed import Deployment


def test_what_repairs_comes_first_and_what_only_looks_last() -> None:
    built = build_definitions()
    numbers = {
        job.name: int(built.resolve_job_def(job.name).tags.get("dagster/priority", "0")) for job in built.jobs or ()
    }
    order = [
        ["on_outside_change", "on_rotation_failure"],
        ["on_rotation", "on_database_change", "on_access_change"],
        ["provision", "plan"],
    ]
    levels = [{numbers[name] for name in names} for names in [*order, ["rotate_secrets"], ["verify"]]]
    assert levels == [{10}, {5}, {0}, {0}, {-5}]


@pytest.mark.parametrize(
    ("tags", "priority"),
    [
        ({"backfill": "abcdefgh"}, "-10"),
        ({"backfill": "abcdefgh", "priority": "3"}, "3"),
        ({"backfill": "abcdefgh", "priority": "-10", "retry_number": "1"}, "0"),
        ({}, "0"),
    ],
)
def test_the_runs_of_a_backfill_come_last_unless_it_names_a_priority_or_one_repeats_a_dead_one(
    deployment: Deployment, tags: dict[str, str], priority: str
) -> None:
    run = deployment.provision("stack_config", **tags)
    assert run.tags["dagster/priority"] == priority
