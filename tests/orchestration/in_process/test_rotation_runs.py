"""What the sensor of events asks for is run in this process: for one stack, and for a whole account."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.in_process.rotation_runs import follow_events
from secrets_pipeline.orchestration.shared.home import prepare_home
from secrets_pipeline.orchestration.shared.partitions import add_missing
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.embedded import lead_to
from tests.orchestration.rotation.event_ground import Ground
from tests.rotation.event_bodies import ACCOUNT, call, label_updated

_numbers = itertools.count(1)


@pytest.fixture
def ground(aws: emulator.LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    lead_to(aws, monkeypatch)
    context = f"here{next(_numbers)}"
    ground = Ground.lay(tmp_path / "atmos", [context], boto3.Session(), queue=f"{context}-events", named=True)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(ground.repository / "operator.yaml"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    ground.make_queue()
    return ground


def test_events_of_a_stack_and_of_an_account_are_followed_by_a_run_each(ground: Ground) -> None:
    prepare_home()
    with open_instance() as instance:
        add_missing(instance, ground.stacks)
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    ground.send(
        call("PutRolePolicy", {"roleName": "shop"}, service="iam", envelope_says={"region": "us-east-1", "time": at}),
        label_updated(f"{ground.stacks[0].removesuffix('-dev')}/dev/one", resources=[]),
    )
    stacks = Stacks(ground.repository, Sessions(), ApplyOptions(), ground.repository)
    found = follow_events(stacks.desired, ground.stacks[0])
    assert [(one.job, one.events, one.report.stack) for one in found.runs] == [
        ("on_rotation", 1, ground.stacks[0]),
        ("on_access_change", 1, ACCOUNT),
    ]
    [_, access] = found.runs
    assert (access.report.success, {one.stack for one in access.checks}) == (True, {*ground.stacks})


def test_without_a_queue_the_stack_is_followed_that_was_rotated(ground: Ground) -> None:
    settings = ground.repository / "operator.yaml"
    settings.write_text("\n".join(line for line in settings.read_text().splitlines() if not line.startswith("events:")))
    stacks = Stacks(ground.repository, Sessions(), ApplyOptions(), ground.repository)
    [run] = follow_events(stacks.desired, ground.stacks[0]).runs
    assert (run.job, run.events, run.report.stack) == ("on_rotation", 0, ground.stacks[0])
    assert "secrets_have_current_values" in {one.check for one in run.checks if one.stack == ground.stacks[0]}
