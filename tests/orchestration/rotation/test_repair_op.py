"""The job that follows a failed rotation, and who wakes it: one try after the other, over as many runs."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import dagster as dg
import pytest
from dagster._core.events import AssetObservationData

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.alerts.alerting import ALERTED_TAG, ALERTS
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of
from secrets_pipeline.orchestration.rotation.repair_op import OBSERVED, TRIES, Try, due_retries
from secrets_pipeline.orchestration.shared.backoff import BACKOFF_SECONDS
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.run_requests import SECRETS_TAG
from tests.bench import ASSUMED_BY_LAMBDA, ROTATES
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.runs import assert_run_succeeded
from tests.waiting import SECONDS, eventually

STACK, NAME = "mending-dev", "mending/dev/token"
HANDLER = Path(__file__).parents[2] / "emulator" / "rotation_function.py"


class Deployment:
    """A stack with a secret whose rotation function fails, and the runs of its jobs."""

    def __init__(self, aws: emulator.LocalAws, repository: Repository, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._later = 0.0
        self.lambdas = boto3.client("lambda", region_name=aws.region)
        self.secrets = boto3.client("secretsmanager", region_name=aws.region)
        repository.tree = {
            STACK: {
                "secretsmanager": {
                    "environment": "dev",
                    "region": aws.region,
                    "account_id": aws.account_id,
                    "context_name": "mending",
                    "secrets": {
                        "token": {
                            "secret_data": "abc-def-ghi",
                            "rotation": {"lambda_arn": self._function(aws), "automatically_after_days": 30},
                        }
                    },
                }
            }
        }
        repository.write()
        instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])

    def _function(self, aws: emulator.LocalAws) -> str:
        iam, archive = boto3.client("iam"), io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.write(HANDLER, "index.py")
        iam.create_role(RoleName=STACK, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
        iam.put_role_policy(RoleName=STACK, PolicyName="rotate", PolicyDocument=ROTATES)
        arn = self.lambdas.create_function(
            FunctionName=STACK,
            Role=f"arn:aws:iam::{aws.account_id}:role/{STACK}",
            Runtime="python3.12",
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=SECONDS,
            Environment={"Variables": {"MODE": "fail in setSecret"}},
        )["FunctionArn"]
        self.lambdas.add_permission(
            FunctionName=STACK,
            StatementId="s",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
        )
        return str(arn)

    def run(self, job: str, tags: Mapping[str, str] | None = None) -> dg.DagsterRun:
        result = (
            build_definitions()
            .resolve_job_def(job)
            .execute_in_process(
                instance=self.instance,
                partition_key=STACK,
                tags=dict(tags or {}),
                raise_on_error=False,
            )
        )
        run = self.instance.get_run_by_id(result.run_id)
        assert run is not None
        return run

    def rotation_fails(self) -> None:
        self.secrets.rotate_secret(SecretId=NAME)
        logs = boto3.client("logs")

        def told() -> bool:
            try:
                said = logs.filter_log_events(logGroupName=f"/aws/lambda/{STACK}")["events"]
            except logs.exceptions.ResourceNotFoundException:
                return False
            return any("told to fail" in one["message"] for one in said)

        eventually(told)

    def repair(self) -> None:
        self.lambdas.update_function_configuration(FunctionName=STACK, Environment={"Variables": {"MODE": ""}})

    def now(self) -> float:
        """By the clock of the job."""
        return time.time() + self._later

    def time_passes(self, seconds: float) -> None:
        self._later += seconds

    def state(self, run: dg.DagsterRun) -> dict[str, Any]:
        """What a run knows of the tries."""
        records = self.instance.fetch_observations(dg.AssetKey(OBSERVED), limit=100).records
        (said,) = [one.asset_observation for one in records if one.run_id == run.run_id]
        assert said is not None
        found: Any = data_of(said.metadata)[TRIES]
        return dict(found)

    def alerts(self) -> list[Any]:
        records = self.instance.fetch_observations(dg.AssetKey(ALERTS), limit=20).records
        return [record.asset_observation.description for record in records if record.asset_observation]


@pytest.fixture
def deployment(
    aws: emulator.LocalAws, repository: Repository, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> Deployment:
    lead_to(aws, monkeypatch)
    made = Deployment(aws, repository, instance)
    monkeypatch.setattr("secrets_pipeline.orchestration.rotation.repair_op.time", SimpleNamespace(time=made.now))
    return made


def test_a_failed_rotation_is_alerted_and_once_the_function_is_repaired_the_next_try_ends_it(
    deployment: Deployment,
) -> None:
    assert_run_succeeded(deployment.instance, deployment.run("provision").run_id)
    deployment.rotation_fails()
    first = deployment.run("on_rotation_failure", {SECRETS_TAG: NAME})
    assert first.status is dg.DagsterRunStatus.FAILURE
    assert ALERTED_TAG in first.tags
    assert deployment.alerts() == [f"{STACK}: the rotation of {NAME} failed: the function failed"]
    assert deployment.state(first)[NAME]["tries"] == 0
    now = time.time()
    assert list(due_retries(deployment.instance, PLAIN, now)) == []
    (request,) = due_retries(deployment.instance, PLAIN, now + BACKOFF_SECONDS[0] + 1)
    assert request.tags[SECRETS_TAG] == NAME
    # Another event of the same failure changes nothing about when it is tried.
    second = deployment.run("on_rotation_failure", {SECRETS_TAG: NAME})
    assert deployment.state(second) == deployment.state(first)
    deployment.repair()
    deployment.time_passes(BACKOFF_SECONDS[0])
    (request,) = due_retries(deployment.instance, PLAIN, deployment.now())
    third = deployment.run("on_rotation_failure", request.tags)
    assert_run_succeeded(deployment.instance, third.run_id)
    assert deployment.state(third)[NAME]["tries"] == 1
    eventually(lambda: deployment.secrets.get_secret_value(SecretId=NAME)["SecretString"] == "abc-def-ghi+")
    deployment.time_passes(BACKOFF_SECONDS[1])
    (request,) = due_retries(deployment.instance, PLAIN, deployment.now())
    fourth = deployment.run("on_rotation_failure", request.tags)
    assert_run_succeeded(deployment.instance, fourth.run_id)
    assert deployment.state(fourth) == {}
    assert list(due_retries(deployment.instance, PLAIN, now + 10_000)) == []


def test_tries_come_after_growing_pauses_and_end() -> None:
    known, now, pauses = Try("v", 0, 60.0), 0.0, []
    while known.due is not None:
        pauses.append(known.due - now)
        now = known.due
        assert known.is_due(now)
        known = known.following(now)
    assert tuple(pauses) == BACKOFF_SECONDS
    assert known.tries == len(BACKOFF_SECONDS)


def add_run(instance: dg.DagsterInstance, number: int, status: dg.DagsterRunStatus, **tries: dict[str, Any]) -> None:
    run_id = f"00000000-0000-0000-0000-{number:012}"
    run = dg.DagsterRun("on_rotation_failure", run_id=run_id, status=status, tags={"dagster/partition": STACK})
    instance.add_run(run)
    if tries:
        said = {DATA: dg.MetadataValue.json({TRIES: dict(tries)})}
        observation = dg.AssetObservation(OBSERVED, partition=STACK, metadata=said)
        kind, data = dg.DagsterEventType.ASSET_OBSERVATION, AssetObservationData(observation)
        instance.report_dagster_event(dg.DagsterEvent(kind.value, run.job_name, event_specific_data=data), run_id)


DUE = {"a/b": {"version": "v", "tries": 1, "due": 5.0}}


def test_a_run_that_dies_before_it_says_anything_is_asked_for_again_but_not_for_ever(
    instance: dg.DagsterInstance,
) -> None:
    add_run(instance, 1, dg.DagsterRunStatus.SUCCESS, **DUE)
    now, keys = time.time(), []
    for number in range(2, 7):
        requested = list(due_retries(instance, PLAIN, now))
        keys += [request.run_key for request in requested]
        add_run(instance, number, dg.DagsterRunStatus.FAILURE)
    assert len(keys) == len(set(keys)) == 3


def test_a_stack_whose_run_is_under_way_is_waited_for(instance: dg.DagsterInstance) -> None:
    add_run(instance, 1, dg.DagsterRunStatus.SUCCESS, **DUE)
    add_run(instance, 2, dg.DagsterRunStatus.STARTED)
    assert list(due_retries(instance, PLAIN, time.time())) == []
