"""Two hosts on one PostgreSQL: one apply of a stack at a time, and a host that dies takes nobody with it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from secrets_pipeline.aws.operations import reads
from secrets_pipeline.emulator import LocalAws, calls, empty
from tests.cli.conftest import ATMOS, write
from tests.e2e.leases.short import SECONDS
from tests.e2e.leases.two_hosts import Apply, Host, host, postgres, run_of, send
from tests.embedded import lead_to, operator
from tests.waiting import eventually

STACKS = ("killed", "stopped", "queued")
STACK = """
    vars: {context_name: NAME, environment: dev}
    components:
      terraform:
        secretsmanager:
          vars:
            secrets:
              one: {generate_random_password: true}
              two: {generate_random_password: true}
"""


@pytest.fixture(scope="module")
def aws(embedded_aws: LocalAws) -> Iterator[LocalAws]:
    empty(embedded_aws)
    with pytest.MonkeyPatch.context() as patch:
        lead_to(embedded_aws, patch)
        yield embedded_aws


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, aws: LocalAws) -> Path:
    folder = tmp_path_factory.mktemp("atmos")
    write(folder / "atmos.yaml", ATMOS)
    for name in STACKS:
        write(folder / "stacks" / f"{name}.yaml", STACK.replace("NAME", name))
    operator(aws).client("s3").create_bucket(
        Bucket="leases", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    settings = {
        "grants": {"preset": "single-team"},
        "targets": [{"stacks": "*", "account_id": aws.account_id, "region": aws.region}],
        "leases": {"bucket": "leases", "prefix": "stacks", "region": aws.region},
    }
    write(folder / "operator.yaml", json.dumps(settings))
    return folder


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def hosts(aws: LocalAws, repository: Path, database: str, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    made: list[Host] = []

    def one(name: str, **variables: str) -> Host:
        variables = {
            "ATMOS_BASE_PATH": str(repository),
            "SECRETS_PIPELINE_CONFIG": str(repository / "operator.yaml"),
            **variables,
        }
        made.append(host(name, tmp_path, database, aws, **variables))
        return made[-1]

    yield one
    for each in made:
        each.stop()


@pytest.fixture
def instance(hosts: Callable[..., Host]) -> Iterator[dg.DagsterInstance]:
    """Dagster as a third host sees it."""
    with dg.DagsterInstance.from_config(str(hosts("witness").home)) as opened:
        yield opened


def written(aws: LocalAws) -> dict[str, int]:
    """Calls that changed something, leases aside."""
    found: dict[str, int] = {}
    for call in calls(aws):
        if call.service != "s3" and not reads(call.operation) and call.status < 300:
            found[call.operation] = found.get(call.operation, 0) + call.count
    return found


def at_rest(aws: LocalAws) -> dict[str, int]:
    """The same, once the other threads of an apply that is held have written what they had begun."""
    before: dict[str, int] = {}
    while before != (now := written(aws)):
        before = now
        time.sleep(2)
    return now


def looks(aws: LocalAws) -> int:
    """How often somebody looked at a lease."""
    return sum(call.count for call in calls(aws) if call.service == "s3" and call.operation == "GET")


def test_the_apply_of_a_killed_host_is_failed_and_the_one_that_waits_goes_on_alone(
    aws: LocalAws, hosts: Callable[..., Host], instance: dg.DagsterInstance
) -> None:
    first = Apply.begin(hosts("ci-1"), "killed-dev", held=True)
    first.first_outcome()
    dead, before, seen = run_of(instance, "killed-dev", "STARTED"), at_rest(aws), looks(aws)
    second = Apply.begin(hosts("ci-2"), "killed-dev", held=False)
    eventually(lambda: looks(aws) > seen + 3, "the second apply to wait")
    assert written(aws) == before
    send(first.process, signal.SIGKILL)
    report = second.report()
    assert report["ended"] == "SUCCESS", report
    assert written(aws)["CreateSecret"] - before.get("CreateSecret", 0) <= 2
    names = [one["Name"] for one in operator(aws).client("secretsmanager").list_secrets()["SecretList"]]
    assert sorted(name for name in names if name.startswith("killed/")) == ["killed/dev/one", "killed/dev/two"]
    failed = run_of(instance, "killed-dev", "FAILURE")
    assert failed.run_id == dead.run_id
    said = [one.dagster_event.message or "" for one in instance.all_logs(dead.run_id) if one.dagster_event]
    assert f"was not renewed for {SECONDS} s by run {dead.run_id} on host ci-1" in said[-1]
    assert report["run"] in said[-1]


def test_an_apply_that_stood_still_while_another_took_over_writes_nothing_more(
    aws: LocalAws, hosts: Callable[..., Host], instance: dg.DagsterInstance
) -> None:
    first = Apply.begin(hosts("ci-1"), "stopped-dev", held=True)
    first.first_outcome()
    send(first.process, signal.SIGSTOP)
    second = Apply.begin(hosts("ci-2"), "stopped-dev", held=True)
    second.first_outcome()
    before = at_rest(aws)
    first.gate.touch()
    send(first.process, signal.SIGCONT)
    report = first.report()
    assert report["ended"] == "FAILURE"
    assert "another run took over the lease s3://leases/stacks/" in report["failed"] + report["error"]
    assert written(aws) == before
    second.gate.touch()
    assert second.report()["ended"] == "SUCCESS"


def test_a_queued_run_of_the_stack_goes_on_soon_after_a_host_died_that_applied_it(
    aws: LocalAws, hosts: Callable[..., Host], instance: dg.DagsterInstance
) -> None:
    first = Apply.begin(hosts("ci-1"), "queued-dev", held=True)
    first.first_outcome()
    dead = run_of(instance, "queued-dev", "STARTED")
    deployment = hosts("dagster-1", ASKED_FOR="queued-dev")
    deployment.start("-m", "dagster._daemon", "run", "-m", "tests.e2e.leases.location")
    waiting = run_of(instance, "queued-dev", "QUEUED")
    send(first.process, signal.SIGKILL)
    assert run_of(instance, "queued-dev", "SUCCESS").run_id == waiting.run_id
    assert run_of(instance, "queued-dev", "FAILURE").run_id == dead.run_id


def test_a_deployment_that_names_no_shared_lease_applies_nothing_and_says_what_to_write(
    aws: LocalAws, hosts: Callable[..., Host], repository: Path, tmp_path: Path
) -> None:
    settings = json.loads((repository / "operator.yaml").read_text())
    write(tmp_path / "alone.yaml", json.dumps({**settings, "leases": "local"}))
    before = written(aws)
    report = Apply.begin(
        hosts("ci-1", SECRETS_PIPELINE_CONFIG=str(tmp_path / "alone.yaml")), "killed-dev", held=False
    ).report()
    assert report["ended"] == "FAILURE"
    assert "several hosts can share Dagster's storage (PostgresEventLogStorage)" in report["error"]
    assert "leases: {bucket: NAME, region: REGION}" in report["error"]
    assert written(aws) == before
