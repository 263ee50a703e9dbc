"""The job `heal`, as the sensor of events requests it: what it does, remembers and says."""

from __future__ import annotations

import json
from typing import Any

import boto3
import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.alerts.alerting import ALERTS
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.shared.names import PLAIN
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.runs import assert_succeeded

STACK = "healing-dev"
TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "secretsmanager:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def test_a_policy_is_narrowed_three_times_a_day_and_each_time_somebody_is_told(
    aws: emulator.LocalAws, repository: Repository, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(aws, monkeypatch)
    repository.component_settings = {"self_heal": True}
    repository.tree = {
        STACK: {
            "secretsmanager": {
                "environment": "dev",
                "region": aws.region,
                "account_id": aws.account_id,
                "context_name": "healing",
                "secrets": {"token": {"secret_data": "abc-def-ghi", "policy": {"Statement": [TLS]}}},
            }
        }
    }
    instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])
    repository.write()

    def run(job: str) -> dg.ExecuteInProcessResult:
        return build_definitions().resolve_job_def(job).execute_in_process(instance=instance, partition_key=STACK)

    secrets = boto3.client("secretsmanager", region_name=aws.region)
    run("provision")
    assert_succeeded(run("heal"))
    assert alerts(instance) == []
    stranger = {**TLS, "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{aws.account_id}:root"}}
    del stranger["Condition"]
    widened = json.dumps({"Version": "2012-10-17", "Statement": [TLS, stranger]})
    left = []
    for _ in range(4):
        secrets.put_resource_policy(SecretId="healing/dev/token", ResourcePolicy=widened)
        run("heal")
        policy = json.loads(secrets.get_resource_policy(SecretId="healing/dev/token")["ResourcePolicy"])
        left.append(len(policy["Statement"]))
    assert left == [1, 1, 1, 2]
    # The log has each heal; who repeats it within the hour is not paged again.
    assert alerts(instance) == [
        f"{STACK}: healing/dev/token is changed again and again, and not healed any more",
        f"{STACK}: healing/dev/token was changed outside, and narrowed again",
    ]


def alerts(instance: dg.DagsterInstance) -> list[Any]:
    """Subjects of what was said, the last one first."""
    records = instance.fetch_observations(dg.AssetKey(ALERTS), limit=20).records
    return [record.asset_observation.description for record in records if record.asset_observation]
