"""Sensors and checks are defined where they have something to do, by the operator's settings as the code loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.orchestration.verification.stack_check import PROBE_TAG
from tests.orchestration.conftest import Repository

QUEUE = {"events": {"queue": "q", "region": "eu-west-2"}}
ALWAYS = ["abandoned_run_sensor", "aws_polling_sensor", "ended_runs_sensor", "stack_change_sensor"]


def built(settings: dict[str, Any], repository: Repository, **options: Any) -> dg.Definitions:  # noqa: ANN401 - of Asked
    """The code location under some settings."""
    repository.settings = settings
    repository.write()
    return build_definitions(asked=Asked(**options), names=Names("payments"))


def sensors(found: dg.Definitions) -> list[str]:
    return sorted(Names("payments").without(one.name) for one in found.sensors or ())


def checks(found: dg.Definitions) -> set[str]:
    return {spec.name for one in found.asset_checks or () for spec in one.check_specs}


@pytest.mark.parametrize(("settings", "more"), [({}, []), (QUEUE, ["rotation_event_sensor"])])
def test_a_queue_has_a_sensor_where_settings_name_one(
    repository: Repository, settings: dict[str, Any], more: list[str]
) -> None:
    assert sensors(built(settings, repository)) == sorted([*ALWAYS, *more])


def test_where_settings_cannot_be_read_every_sensor_is_defined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("events: [")
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(broken))
    assert sensors(build_definitions(names=Names("payments"))) == sorted([*ALWAYS, "rotation_event_sensor"])


def test_a_sensor_is_named_as_it_is_called_here(repository: Repository, instance: dg.DagsterInstance) -> None:
    found = built(QUEUE, repository)
    (sensor,) = (one for one in found.sensors or () if one.name.endswith("rotation_event_sensor"))
    repository.settings = {}
    resources = {"secrets_pipeline_stacks": repository.stacks()}
    skipped: Any = sensor(dg.build_sensor_context(instance=instance, resources=resources))
    assert "payments_aws_polling_sensor looks instead" in skipped.skip_message


@pytest.mark.parametrize(("asked", "defined"), [({}, False), ({"probe": True}, True)], ids=json.dumps)
def test_the_check_of_the_probe_is_defined_where_somebody_asks_for_it_and_verify_asks_then(
    repository: Repository, asked: dict[str, Any], *, defined: bool
) -> None:
    found = built({}, repository, **asked)
    assert ("probe_agrees" in checks(found)) is defined
    assert (PROBE_TAG in found.resolve_job_def("payments_verify").run_tags) is defined
