"""What tests of sensors share: a repository as one description, an instance that forgets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import Job
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.rotation.events.hints import HintKind
from secrets_pipeline.stacks import SourceChoice
from tests.hook import Hook, webhook
from tests.snapshots import Ready
from tests.waiting import SECONDS

TRUSTED = {"grants": [{"preset": "single-team", "readers": "*"}, {"stacks": "*-dev", "values": "*-dev"}]}
"""Every boundary but SSM documents."""


def job_named(name: str) -> Job:
    """A job of a code location without a name."""
    return next(job for job in jobs(PLAIN) if job.name == name)


def hint_jobs() -> dict[HintKind, Job]:
    """The job that follows each kind of event."""
    return {
        HintKind.ROTATED: job_named("provision"),
        HintKind.FAILED: job_named("verify"),
        HintKind.TAMPERED: job_named("plan"),
        HintKind.KEY_CHANGED: job_named("plan"),
        HintKind.DATABASE: job_named("provision"),
        HintKind.ACCESS: job_named("on_outside_change"),
    }


def sensor_named(name: str) -> dg.SensorDefinition:
    """A sensor of a code location without a name."""
    return next(one for one in build_definitions().sensors or () if one.name == name)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tick of a sensor ends early because this machine is slow."""
    for limit in (
        "rotation.event_sensor._RECEIVING_SECONDS",
        "rotation.event_sensor._ASKING_SECONDS",
        "polling.sensor._SECONDS",
        "polling.sensor._LISTING_SECONDS",
        "ended_runs.sensor._SECONDS",
    ):
        monkeypatch.setattr(f"secrets_pipeline.orchestration.{limit}", SECONDS)


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Operator's settings that are `TRUSTED`."""
    settings = tmp_path / "trusted.yaml"
    settings.write_text(json.dumps(TRUSTED))
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(settings))


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A webhook on this machine."""
    with webhook() as served:
        yield served


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def ready(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """The set-ups of this file of tests, each done once."""
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path_factory.mktemp("dagster"))) as made:
        yield Ready(aws, made, tmp_path_factory.mktemp("ready"))


class Repository:
    """Stacks as one description, which a test edits between two ticks.

    Attributes:
        tree: stack → component → its variables.
        component_settings: `settings.secrets_pipeline` of every component.
        settings: the operator's.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tree: dict[str, dict[str, dict[str, Any]]] = {}
        self.component_settings: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        self._folder = folder
        monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
        # For runs, which read it themselves.
        monkeypatch.setenv("ATMOS_BASE_PATH", str(folder))
        monkeypatch.setenv("SECRETS_PIPELINE_FROM_FILE", str(folder / "description.json"))

    def write(self) -> SourceChoice:
        described = {
            stack: {
                "components": {
                    "terraform": {
                        name: {"vars": found, "settings": {"secrets_pipeline": self.component_settings}}
                        for name, found in components.items()
                    }
                }
            }
            for stack, components in self.tree.items()
        }
        file = self._folder / "description.json"
        file.write_text(json.dumps(described))
        (self._folder / "operator.yaml").write_text(json.dumps({**TRUSTED, **self.settings}))
        return SourceChoice(str(file))

    def desired(self) -> OpenRepository:
        return open_repository(self._folder, origin=self.write())

    def stacks(self) -> Stacks:
        """As a sensor has them: read when it asks."""
        return Stacks(self._folder, Sessions(), ApplyOptions(), self._folder / "seals", origin=self.write())


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("SECRETS_PIPELINE_FROM_FILE", "SECRETS_PIPELINE_FROM_ATMOS"):
        monkeypatch.delenv(name, raising=False)
    return Repository(tmp_path, monkeypatch)
