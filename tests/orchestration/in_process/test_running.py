"""A run in this process writes only where nobody fails it because it runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.engine.model import Looked, Outcome, Total
from secrets_pipeline.errors import GuardError
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.in_process.running import execute, report_of, verify
from secrets_pipeline.orchestration.sensors import LEASED_JOBS
from secrets_pipeline.orchestration.shared.home import prepare_home
from secrets_pipeline.orchestration.shared.resources import Asked

ECS = Path(__file__).parents[3] / "deploy" / "launchers" / "ecs.yaml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return prepare_home()


def test_what_writes_is_refused_where_run_monitoring_asks_a_launcher_that_did_not_start_it(home: Path) -> None:
    built = build_definitions(asked=Asked(base_path=home))
    settings = (home / "dagster.yaml").read_text()
    (home / "dagster.yaml").write_text(f"{settings}\n{ECS.read_text()}")
    for job in sorted(LEASED_JOBS):
        with pytest.raises(GuardError, match="asks GuardedEcsRunLauncher for the process of each run") as refused:
            execute(job, "a-dev", built, {})
        assert "apply --queue" in refused.value.diagnostics()
    with open_instance() as instance:
        assert instance.get_runs_count() == 0
    assert execute("verify", "a-dev", built, {}).success
    (home / "dagster.yaml").write_text(f"{settings.replace('enabled: true', 'enabled: false')}\n{ECS.read_text()}")
    # There is no Atmos repository: that is what fails, behind the guard.
    assert not execute("provision", "a-dev", built, {}).success


def test_where_this_host_starts_runs_monitoring_asks_nobody_and_what_writes_is_run(home: Path) -> None:
    with open_instance() as instance:
        assert instance.run_monitoring_enabled
        assert not instance.run_launcher.supports_check_run_worker_health
    done = execute("provision", "a-dev", build_definitions(asked=Asked(base_path=home)), {})
    assert not done.success
    said = report_of("a-dev", done).error
    assert said is not None
    # The sentence of the error alone: not as a traceback has it, with the class in front.
    assert said.startswith("no atmos.yaml in ")


def test_a_verification_tells_how_many_checks_there_are_and_of_each_that_is_done(home: Path) -> None:
    told: list[tuple[str, Total | Looked | Outcome]] = []
    verify("a-dev", base_path=home, progress=lambda stage, one: told.append((stage, one)))
    assert told == [("checks", Total(len(told) - 1)), *[("checks", Looked())] * (len(told) - 1)]
    assert len(told) > 20
