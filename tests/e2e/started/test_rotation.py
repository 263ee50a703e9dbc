"""A rotation that nobody of ours began: AWS's event reaches the queue, and the daemon's own run follows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.in_process.running import provision
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.databases import logs_in
from tests.e2e.deployment import QUEUE, Deployment, serving
from tests.runs import assert_applied
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

STACK = "myapp-prod"
CREDENTIALS, CONNECTION = "myapp/prod/database/credentials", "myapp/prod/database/connection"
_RUNS = """{
  runsOrError(filter: {pipelineName: "on_rotation"}) {
    ... on Runs { results { runId status tags { key value } } }
  }
}"""


@pytest.fixture(scope="module")
def deployment(aws: emulator.LocalAws, repository: Path, home: Path) -> Iterator[Deployment]:
    """The stack applied, every event of that apply taken out of the queue, and `dg dev` with its daemon."""
    report, _ = provision(STACK, base_path=repository, options=ApplyOptions())
    assert_applied(report)
    emulator.settle(aws)
    sqs: SQSClient = boto3.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"])
    with serving(home / "dg-dev.log") as served:
        yield served


@pytest.fixture
def secrets(deployment: Deployment) -> SecretsManagerClient:
    client: SecretsManagerClient = boto3.client("secretsmanager")
    return client


def password(secrets: SecretsManagerClient) -> str:
    return str(json.loads(secrets.get_secret_value(SecretId=CREDENTIALS)["SecretString"])["password"])


def accepts(value: str) -> bool:
    at = boto3.client("rds").describe_db_instances(DBInstanceIdentifier=STACK)["DBInstances"][0]["Endpoint"]
    return logs_in(at["Address"], at["Port"], "app", value, "app")


def follow_ups(deployment: Deployment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = deployment.query(_RUNS)["runsOrError"]["results"]
    return found


def test_the_daemon_follows_a_rotation_that_aws_tells_of_and_does_not_follow_itself(
    aws: emulator.LocalAws, deployment: Deployment, secrets: SecretsManagerClient
) -> None:
    old = password(secrets)
    before = boto3.client("ecs").describe_services(cluster="myapp", services=["orders-prod"])["services"][0]
    secrets.rotate_secret(SecretId=CREDENTIALS)
    emulator.settle(aws)
    new = password(secrets)
    assert new != old
    assert accepts(new)
    assert not accepts(old)
    first = eventually(lambda: follow_ups(deployment), "the sensor to ask for a run")[0]
    tags = {one["key"]: one["value"] for one in first["tags"]}
    assert tags["dagster/partition"] == STACK
    assert tags["dagster/sensor_name"] == "rotation_event_sensor"
    assert CREDENTIALS in tags["secrets-pipeline/secrets"]
    run = deployment.ended(first["runId"])
    assert run.status == "SUCCESS", run.failures()
    failed = [one["checkName"] for one in run.evaluations() if not one["success"]]
    assert failed == []
    connection = json.loads(secrets.get_secret_value(SecretId=CONNECTION)["SecretString"])
    assert connection["password"] == new
    assert new in connection["url"]
    after = boto3.client("ecs").describe_services(cluster="myapp", services=["orders-prod"])["services"][0]
    assert after["deployments"][0]["id"] != before["deployments"][0]["id"]
    # The run wrote a secret itself, which AWS tells of too: that asks for no further run, and the queue runs empty.
    emulator.settle(aws)
    deployment.come_to_rest()
    assert [one["runId"] for one in follow_ups(deployment)] == [first["runId"]]
