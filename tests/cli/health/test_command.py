"""`health`: a line a part, an exit code that a cron job can act on, and no AWS, no repository, no traceback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

from secrets_pipeline.orchestration.shared.home import prepare_home
from tests.cli.conftest import Cli
from tests.orchestration.health.storage import FAILURE, SKIPPED, beat, run, schedule, sensor

HOUR = 3_600.0
LONG_AGO = "1970-01-01T00:00:01Z"
SENSORS = ("abandoned_run_sensor", "aws_polling_sensor", "ended_runs_sensor", "stack_change_sensor")
SUCCESS, QUEUED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.QUEUED


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that nobody made, a repository that is not there, and an AWS that nobody reaches."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ATMOS_BASE_PATH", str(tmp_path / "no-repository"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


@contextmanager
def storage(*, seconds_ago: float = 0) -> Iterator[dg.DagsterInstance]:
    """The storage of a deployment that is well, or was so long ago."""
    prepare_home()
    at = time.time() - seconds_ago
    with dg.DagsterInstance.get() as instance:
        beat(instance, at)
        for name in SENSORS:
            sensor(instance, name, {at: SKIPPED}, interval=15)
        schedule(instance, "verification_schedule", {at: SKIPPED})
        run(instance, SUCCESS, at)
        yield instance


def found(result: Any) -> dict[tuple[str, str], dict[str, Any]]:  # noqa: ANN401 - Click's result
    """Part and name → what JSON says of it."""
    return {(one["part"], one["name"]): one for one in json.loads(result.stdout)["findings"]}


def test_where_nothing_has_run_it_says_so_and_makes_nothing(cli: Cli, tmp_path: Path) -> None:
    result = cli("health")
    assert result.exit_code == 1
    assert f"nothing has run here: DAGSTER_HOME {tmp_path / 'home'}" in result.stderr
    assert not (tmp_path / "home").exists()
    assert json.loads(cli("health", "--format", "json").stdout) == {
        "well": False,
        "home": str(tmp_path / "home"),
        "findings": [],
    }


@pytest.mark.parametrize("runs", [False, True])
def test_a_home_without_a_daemon_says_what_is_missing(cli: Cli, *, runs: bool) -> None:
    prepare_home()
    with dg.DagsterInstance.get() as instance:
        if runs:
            run(instance, SUCCESS, time.time())
    result = cli("health")
    assert result.exit_code == 1
    assert ("no daemon has run here" if runs else "nothing has run here") in result.stderr


def test_all_is_well_with_exit_code_0_and_a_line_a_part(cli: Cli) -> None:
    with storage() as instance:
        for number in range(20):
            run(instance, SUCCESS, time.time() - HOUR, stack=f"s{number}-dev")
    result = cli("health")
    assert (result.exit_code, "Traceback" in result.output) == (0, False)
    assert "all is well" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["what", "name", "state", "since", "do", "next"]
    (stacks,) = [line for line in lines if line.startswith("stack")]
    assert "21 of 21" in stacks
    assert "60 minutes ago" in stacks
    assert any(line.startswith("sensor    ended_runs_sensor") for line in lines)


@pytest.mark.usefixtures("wide")
def test_a_dead_daemon_and_all_that_hangs_on_it_are_not_well(cli: Cli) -> None:
    with storage(seconds_ago=2 * HOUR) as instance:
        run(instance, QUEUED, time.time() - HOUR)
    result = cli("health")
    assert result.exit_code == 1
    (line,) = [one for one in result.stdout.splitlines() if one.startswith("daemon    SENSOR ")]
    assert "silent" in line
    assert "2 hours ago" in line
    assert "Start dagster-daemon" in line
    assert "Runbook: daemon-not-running." in line
    assert "in the runbook: daemon-not-running, queue-stuck" in result.stderr
    said = found(cli("health", "--format", "json"))
    assert said["sensor", "ended_runs_sensor"]["runbook"] == "daemon-not-running"
    assert {one["state"] for (part, _), one in said.items() if part == "run"} == {"queued"}
    assert said["stack", "a-dev"]["state"] == "well"


def test_what_somebody_stopped_and_what_fails_is_named(cli: Cli) -> None:
    with storage() as instance:
        sensor(instance, "stack_change_sensor", {time.time(): SKIPPED}, status=InstigatorStatus.STOPPED)
        sensor(instance, "abandoned_run_sensor", {time.time(): FAILURE})
        sensor(instance, "theirs", {1.0: FAILURE})
    result = cli("health", "--format", "json")
    assert result.exit_code == 1
    said = found(result)
    assert said["sensor", "stack_change_sensor"]["state"] == "stopped"
    assert said["sensor", "abandoned_run_sensor"]["state"] == "failing"
    assert ("sensor", "theirs") not in said


def test_bounds_are_options_and_settings_and_options_win(cli: Cli, tmp_path: Path) -> None:
    with storage() as instance:
        run(instance, SUCCESS, time.time() - 30 * HOUR, stack="b-dev")
    result = cli("health")
    assert result.exit_code == 1
    assert "overdue" in result.stdout
    assert "verification-too-old" in result.stdout
    assert cli("health", "--verified-within", "40").exit_code == 0
    (tmp_path / "operator.yaml").write_text("alerts: {verified_within_hours: 40}\n")
    assert cli("health", "--config", tmp_path / "operator.yaml").exit_code == 0
    assert cli("health", "--config", tmp_path / "operator.yaml", "--verified-within", "20").exit_code == 1


@pytest.mark.usefixtures("wide")
def test_the_code_location_is_the_one_that_the_environment_names(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with storage() as instance:
        sensor(instance, "payments_ended_runs_sensor", {1.0: SKIPPED}, location="payments")
    assert cli("health").exit_code == 0
    monkeypatch.setenv("SECRETS_PIPELINE_NAME", "payments")
    result = cli("health", "--format", "json")
    assert result.exit_code == 1
    states = {name: one["since"] for (part, name), one in found(result).items() if part in {"sensor", "schedule"}}
    assert states == {**dict.fromkeys(f"payments_{one}" for one in SENSORS), "payments_ended_runs_sensor": LONG_AGO}
    # Nobody of that name ever watched.
    monkeypatch.setenv("SECRETS_PIPELINE_NAME", "paymnets")
    result = cli("health")
    assert result.exit_code == 1
    assert "is SECRETS_PIPELINE_NAME its name?" in result.stdout


def test_a_storage_that_cannot_be_read_is_one_sentence(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # dagster-postgres tries for some seconds.
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    (tmp_path / "home").mkdir()
    settings = "storage: {postgres: {postgres_url: 'postgresql+psycopg2://nobody@127.0.0.1:1/none'}}\n"
    (tmp_path / "home" / "dagster.yaml").write_text(settings)
    result = cli("health")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "its PostgreSQL cannot be reached" in result.stderr


def test_each_sensor_and_schedule_of_the_code_location_is_looked_for() -> None:
    from secrets_pipeline.orchestration.build import build_definitions  # noqa: PLC0415 - 1 s, for this test alone
    from secrets_pipeline.orchestration.in_process.health import _definitions  # noqa: PLC0415 - as above
    from secrets_pipeline.orchestration.shared.names import PLAIN  # noqa: PLC0415 - as above

    built = build_definitions()
    made = {one.name for one in (*(built.sensors or ()), *(built.schedules or ()))}
    assert _definitions(PLAIN)[1] == made
