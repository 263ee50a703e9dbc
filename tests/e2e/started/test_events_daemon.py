"""A daemon that is killed loses no event and answers none twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from secrets_pipeline import emulator
from tests.e2e.event_storm import Storm, storm
from tests.embedded import lead_to
from tests.sweep import size

EVENTS, KILLS = size(120, 400), size(2, 5)
"""`benchmarks/events.py` takes 1,000 events."""


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """Events in random order, a tenth of them twice, some poison, and kills."""
    aws = emulator.start(tmp_path_factory.mktemp("local-aws"), die_with_parent=True)
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch, DAGSTER_HOME="", SECRETS_PIPELINE_CONFIG="", ATMOS_BASE_PATH="", PYTHONPATH="")
        folder: Path = tmp_path_factory.mktemp("storm")
        try:
            yield storm(folder, boto3.Session(), events=EVENTS, kills=KILLS, seed=7, timeout=600)
        finally:
            emulator.stop(aws.state_dir)


def test_every_event_is_covered_by_a_run_of_its_stack_that_was_made_after_it(passed: Storm) -> None:
    assert len(passed.sent) == EVENTS
    assert [event for event in passed.sent if not passed.is_covered(event)] == []


def test_duplicates_start_no_run_and_no_event_is_answered_twice(passed: Storm) -> None:
    assert {event: len(runs) for event, runs in passed.runs.items() if len(runs) > 1} == {}
    assert set(passed.runs) <= set(passed.sent)


def test_the_events_of_a_stack_share_their_runs(passed: Storm) -> None:
    assert passed.made < EVENTS / 4


def test_the_queue_ends_empty_and_the_poison_among_the_dead_letters(passed: Storm) -> None:
    assert (passed.left, passed.dead, passed.kills) == (0, passed.poison, KILLS)
    assert passed.poison > 0
