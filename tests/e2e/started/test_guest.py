"""The component in somebody's project (`tests/e2e/host_project`), with its history in PostgreSQL.

The project has an executor, an `aws` resource, an IO manager, a job, a schedule, and two neighbours in its workspace.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.emulator import postgres
from tests.e2e.deployment import Deployment, Run, serving
from tests.embedded import lead_to
from tests.orchestration.deployed import BACKFILL
from tests.waiting import eventually

HOST = Path(__file__).parents[1] / "host_project"
STACKS = ("shop-dev", "shop-prod")
FIRST, SECOND = STACKS
NEIGHBOURS = ("analysts", "billing")
OWN_JOBS = ("daily", "__ASSET_JOB")
STEP_WORKER = "StepWorkerStartedEvent"
PASSWORD = "of-the-history"

_JOBS = """query ($selector: RepositorySelector!) {
  repositoryOrError(repositorySelector: $selector) { ... on Repository { pipelines { name } } }
}"""
_PARTITIONS = """{
  assetNodeOrError(assetKey: {path: ["payments", "secrets"]}) { ... on AssetNode { partitionKeys } }
}"""
_BACKFILL = """query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
}"""
_SENSORS = """query ($selector: RepositorySelector!) {
  sensorsOrError(repositorySelector: $selector) {
    ... on Sensors { results { name sensorState { ticks(limit: 20) { status error { message } } } } }
  }
}"""


@dataclass(frozen=True)
class Guest:
    """The served project.

    Attributes:
        refused: a run of Materialize over all assets of the first stack, before anything was applied.
        secrets_then: what Secrets Manager had after it.
        leases_then: what the bucket of leases had after it.
        runs: job → its run.
    """

    deployment: Deployment
    refused: Run
    secrets_then: list[str]
    leases_then: list[str]
    runs: Mapping[str, Run]

    def ask(self, query: str) -> dict[str, Any]:
        """Ask something of the project's repository."""
        selector = {"repositoryLocationName": "platform_team", "repositoryName": "__repository__"}
        return self.deployment.query(query, {"selector": selector})


@pytest.fixture(scope="module")
def aws(embedded_aws: emulator.LocalAws) -> Iterator[emulator.LocalAws]:
    emulator.empty(embedded_aws)
    with pytest.MonkeyPatch.context() as patch:
        lead_to(embedded_aws, patch)
        for name in ("ATMOS_BASE_PATH", "SECRETS_PIPELINE_CONFIG", "SECRETS_PIPELINE_NAME"):
            patch.delenv(name, raising=False)
        place: Any = {"LocationConstraint": embedded_aws.region}
        boto3.client("s3").create_bucket(Bucket="shared", CreateBucketConfiguration=place)
        yield embedded_aws


@pytest.fixture(scope="module")
def host(aws: emulator.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project's folder, which is DAGSTER_HOME too, with its PostgreSQL."""
    folder = tmp_path_factory.mktemp("host") / "project"
    shutil.copytree(HOST, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with _history() as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder))
        patch.setenv("DAGSTER_PG_PORT", str(port))
        patch.setenv("DAGSTER_PG_PASSWORD", PASSWORD)
        yield folder


@contextmanager
def _history() -> Iterator[int]:
    """The port of a PostgreSQL for Dagster's history."""
    with tempfile.TemporaryDirectory(prefix="history-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        # As root the database runs as another user, who has to get there.
        folder.chmod(0o711)
        binaries, authority = postgres.find(), postgres.Authority.make()
        template = postgres.DataFolderTemplate(binaries, folder / "template")
        server = postgres.PostgresServer(binaries, template, folder / "data", authority.server_context)
        try:
            server.create("dagster", PASSWORD, "dagster")
            yield server.port
        finally:
            server.stop()


@pytest.fixture(scope="module")
def guest(host: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml"]
    log = tmp_path_factory.mktemp("log") / "dev.log"
    with serving(log, command, host, ("platform_team", *NEIGHBOURS)) as served:
        _await_partitions(served)
        refused = served.ended(served.launch("__ASSET_JOB", partition=FIRST, assets=_assets(served)))
        secrets, leases = _secrets(), _leases()
        runs = {"daily": served.ended(served.launch("daily"))}
        for job in ("plan", "provision", "verify"):
            runs[job] = served.ended(served.launch(f"payments_{job}", partition=FIRST))
        yield Guest(served, refused, secrets, leases, runs)


def _await_partitions(served: Deployment) -> None:
    def known() -> bool:
        return set(STACKS) <= set(served.query(_PARTITIONS)["assetNodeOrError"]["partitionKeys"])

    eventually(known, "the sensor to add the partitions")


def _assets(served: Deployment) -> list[str]:
    nodes = served.query("{ assetNodes { assetKey { path } isMaterializable isPartitioned } }")["assetNodes"]
    return ["/".join(one["assetKey"]["path"]) for one in nodes if one["isMaterializable"] and one["isPartitioned"]]


def _secrets() -> list[str]:
    return [one["Name"] for one in boto3.client("secretsmanager").list_secrets()["SecretList"]]


def _leases() -> list[str]:
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="shared").get("Contents", [])]


def _workers(run: Run) -> int:
    return len(run.of_kind(STEP_WORKER))


def test_dg_finds_nothing_wrong_with_the_project(host: Path) -> None:
    dg = Path(sys.executable).with_name("dg")
    done = subprocess.run([dg, "check", "defs"], cwd=host, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully." in done.stdout + done.stderr


def test_jobs_of_both_are_there(guest: Guest) -> None:
    jobs = {one["name"] for one in guest.ask(_JOBS)["repositoryOrError"]["pipelines"]}
    assert set(OWN_JOBS) <= jobs
    assert {f"payments_{job}" for job in ("plan", "provision", "verify", "rotate_secrets")} <= jobs


def test_the_projects_job_keeps_its_executor_its_resource_and_its_io_manager(guest: Guest) -> None:
    daily = guest.runs["daily"]
    assert (daily.status, daily.failures()) == ("SUCCESS", [])
    assert _workers(daily) == len(daily.materialized) == 2


@pytest.mark.parametrize("job", ["plan", "provision", "verify"])
def test_jobs_of_the_component_run_in_one_process(guest: Guest, job: str) -> None:
    run = guest.runs[job]
    assert (run.status, run.failures(), _workers(run)) == ("SUCCESS", [], 0)


def test_they_do_in_aws_what_they_say(guest: Guest) -> None:
    assert "shop/dev/api/token" in _secrets()
    checked = guest.runs["verify"].evaluations()
    assert len(checked) > 10
    assert [one["checkName"] for one in checked if not one["success"]] == []


def test_materialize_under_the_projects_executor_is_refused_before_anything_is_written(guest: Guest) -> None:
    assert guest.refused.status == "FAILURE"
    (failure,) = guest.refused.failures()
    assert "Launch the job `payments_provision` for this partition" in failure
    assert guest.refused.materialized == []
    assert (guest.secrets_then, guest.leases_then) == ([], [])


def test_a_backfill_of_the_job_applies_each_stack(guest: Guest) -> None:
    selector = {"repositoryLocationName": "platform_team", "repositoryName": "__repository__"}
    params = {
        "selector": {"repositorySelector": selector, "partitionSetName": "payments_provision_partition_set"},
        "partitionNames": list(STACKS),
    }
    launched = guest.deployment.query(BACKFILL, {"params": params})["launched"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def ended() -> str | None:
        answer = guest.deployment.query(_BACKFILL, {"id": launched["backfillId"]})
        found: str = answer["partitionBackfillOrError"]["status"]
        return found if found not in ("REQUESTED", "COMPLETING") else None

    assert eventually(ended, "the backfill to end") == "COMPLETED_SUCCESS"
    assert len(_secrets()) == len(STACKS)


def test_every_sensor_ticks(guest: Guest) -> None:
    def ticked() -> dict[str, list[dict[str, Any]]] | None:
        found = guest.ask(_SENSORS)["sensorsOrError"]["results"]
        ticks = {one["name"]: one["sensorState"]["ticks"] for one in found}
        done = all(any(tick["status"] in ("SKIPPED", "SUCCESS") for tick in of) for of in ticks.values())
        return ticks if done else None

    ticks = eventually(ticked, "each sensor to tick")
    assert all(name.startswith("payments_") for name in ticks)
    assert {f"payments_{name}_sensor" for name in ("stack_change", "ended_runs", "abandoned_run")} <= ticks.keys()
    assert [one["error"] for of in ticks.values() for one in of if one["status"] == "FAILURE"] == []
