"""The services of deploy/compose.yaml, started from an installed wheel, provision two stacks on a real PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.cli.demo.call_counts import CallCounts, call_counts
from secrets_pipeline.orchestration.health.pulse import WELL
from tests.deploy.compose_file import services as declared
from tests.deploy.composed import Composed, await_partitions, composed, left_running
from tests.deploy.database_texts import database_texts
from tests.deploy.images import Images
from tests.e2e.deployment import Deployment, Run
from tests.e2e.test_canary import secrets_of, values_in_aws
from tests.embedded import lead_to
from tests.waiting import eventually

STACKS = ("infra-shared", "myapp-dev")
MEETING_PLACES = {"sqs", "s3"}
"""Where sensors receive and delete events, and where a run renews its lease, whatever it does."""


@dataclass(frozen=True)
class Provisioned:
    """What the services did.

    Attributes:
        first: the runs that made everything.
        second: the same again.
        counted: AWS calls during those, but for those of the queue and of leases.
    """

    services: Composed
    first: Sequence[Run]
    second: Sequence[Run]
    counted: CallCounts


@pytest.fixture(scope="module")
def provisioned(images: Images) -> Iterator[Provisioned]:
    with composed(images.environments, images.repository) as services, pytest.MonkeyPatch.context() as patch:
        for name in declared():
            services.start(name)
        lead_to(services.aws, patch)
        deployment = Deployment(services.url)
        await_partitions(deployment, STACKS)
        first = _provision(deployment)
        deployment.come_to_rest()
        emulator.settle(services.aws)
        deployment.come_to_rest()
        emulator.reset_calls(services.aws)
        second = _provision(deployment)
        counted = call_counts(call for call in emulator.calls(services.aws) if call.service not in MEETING_PLACES)
        yield Provisioned(services, first, second, counted)
    # The embedded AWS lets go of its lock a moment before it is gone.
    eventually(lambda: not left_running(services.root), lambda: left_running(services.root))


def _provision(deployment: Deployment) -> list[Run]:
    launched = [deployment.launch("provision", partition=stack) for stack in STACKS]
    ended = [deployment.ended(run) for run in launched]
    for run in ended:
        assert (run.status, run.failures()) == ("SUCCESS", [])
    return ended


def test_every_check_is_green(provisioned: Provisioned) -> None:
    for run in (*provisioned.first, *provisioned.second):
        assert len(run.evaluations()) > 10
        red = [(one["checkName"], one["description"]) for one in run.evaluations() if not one["success"]]
        assert red == [], (provisioned.services.root / "run" / "aws" / "server.log").read_text()[-4000:]


def test_a_second_provision_writes_nothing_and_reads_no_value(provisioned: Provisioned) -> None:
    assert provisioned.counted.total > 0
    assert (provisioned.counted.written, provisioned.counted.values_read) == ((), 0)


def test_no_value_is_in_any_row_of_the_database_nor_in_what_a_process_said(provisioned: Provisioned) -> None:
    canaries = secrets_of(values_in_aws())
    assert len(canaries) >= 6
    server, root = provisioned.services.postgres, provisioned.services.root
    assert server is not None
    texts = list(database_texts(server.port))
    assert sum(len(text) for _, text in texts) > 100_000
    assert {"event_logs", "runs", "snapshots", "asset_keys"} <= {table for table, _ in texts}
    logs = [(path.name, path.read_bytes()) for path in root.glob("*.log")]
    assert len(logs) == len(provisioned.services.processes)
    assert [place for place, text in (*texts, *logs) for canary in canaries if canary in text] == []


def test_nothing_is_written_but_in_the_scratch_of_each_service(provisioned: Provisioned) -> None:
    services = provisioned.services
    made = (services.home / "workspace.yaml").stat().st_mtime_ns
    folders = (services.home, services.repository, *services.environments.values())
    files = [path for folder in folders for path in folder.rglob("*") if not path.is_symlink()]
    assert len(files) > 100
    home = {services.home / "ecs", services.home / "ecs" / "dagster.yaml"}
    assert [path for path in files if path.stat().st_mtime_ns > made and path not in home] == []


@dataclass(frozen=True)
class Asked:
    """The answer of `health`, run beside the code server without an AWS in its environment.

    Attributes:
        states: part and name → state.
    """

    exit_code: int
    states: Mapping[tuple[str, str], str]
    told: str


def _health(services: Composed, *options: str) -> Asked:
    done = services.run("code-server", "secrets-pipeline", "health", "--format", "json", *options)
    assert "Traceback" not in done.stderr
    findings = json.loads(done.stdout)["findings"]
    return Asked(done.returncode, {(one["part"], one["name"]): one["state"] for one in findings}, done.stderr)


def test_health_is_well_on_postgresql_and_the_code_server_says_so_each_minute(provisioned: Provisioned) -> None:
    services = provisioned.services
    eventually(lambda: _health(services).exit_code == 0, lambda: _health(services))
    found = _health(services)
    assert set(found.states.values()) == {"well"}
    assert {name for part, name in found.states if part == "stack"} >= set(STACKS)
    assert {part for part, _ in found.states} >= {"daemon", "sensor", "schedule", "stack"}
    eventually(lambda: WELL in (services.root / "code-server.log").read_text(), "the line of a tick that is well")


def test_health_names_a_killed_daemon_and_the_queue_that_waits_for_it_until_both_are_mended(
    provisioned: Provisioned,
) -> None:
    services, deployment = provisioned.services, Deployment(provisioned.services.url)
    services.kill("daemon")
    killed_at = time.monotonic()
    run_id = deployment.launch("verify", partition=STACKS[0])
    bounds = ("--silent-within", "1", "--queued-within", "1")
    waits = ("run", f"verify {STACKS[0]} {run_id[:8]}")

    def noticed() -> bool:
        states = _health(services, *bounds).states
        return states["daemon", "SENSOR"] == "silent" and states.get(waits) == "queued"

    # Each look is a process: none before it can see anything.
    eventually(lambda: time.monotonic() > killed_at + 60, "the shortest bound")
    eventually(noticed, lambda: _health(services, *bounds))
    found = _health(services, *bounds)
    assert found.exit_code == 1
    assert {state for (part, _), state in found.states.items() if part == "daemon"} == {"silent"}
    assert "daemon-not-running" in found.told
    assert "queue-stuck" in found.told
    services.start("daemon")
    assert deployment.ended(run_id).status == "SUCCESS"
    eventually(lambda: _health(services).exit_code == 0, lambda: _health(services))


def test_health_answers_while_aws_is_stopped(provisioned: Provisioned) -> None:
    services = provisioned.services
    emulator.stop(services.root / "run" / "aws")
    found = _health(services)
    assert {state for (part, _), state in found.states.items() if part == "daemon"} == {"well"}
    assert {name for part, name in found.states if part == "stack"} >= set(STACKS)
