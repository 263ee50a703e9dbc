"""The job `on_outside_change`, as the sensor of events requests it: what it does, remembers and says."""

from __future__ import annotations

import json
from typing import Any

import boto3
import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.alerts.alerting import ALERTS
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.rotation.actors import actors_tag
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.rotation.events.hints import Hint
from secrets_pipeline.rotation.events.parsing import parse
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.rotation.event_bodies import call
from tests.runs import assert_succeeded
from tests.statements import TLS_ONLY

STACK = "healing-dev"
SOMEBODY = "arn:aws:sts::111122223333:assumed-role/Administrator/jane"


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
                "secrets": {"token": {"secret_data": "abc-def-ghi", "policy": {"Statement": [TLS_ONLY]}}},
            }
        }
    }
    instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])
    repository.write()

    def run(job: str) -> dg.ExecuteInProcessResult:
        return build_definitions().resolve_job_def(job).execute_in_process(instance=instance, partition_key=STACK)

    secrets = boto3.client("secretsmanager", region_name=aws.region)
    run("provision")
    assert_succeeded(run("on_outside_change"))
    assert alerts(instance) == []
    stranger = {**TLS_ONLY, "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{aws.account_id}:root"}}
    del stranger["Condition"]
    widened = json.dumps({"Version": "2012-10-17", "Statement": [TLS_ONLY, stranger]})
    left = []
    for _ in range(4):
        secrets.put_resource_policy(SecretId="healing/dev/token", ResourcePolicy=widened)
        run("on_outside_change")
        policy = json.loads(secrets.get_resource_policy(SecretId="healing/dev/token")["ResourcePolicy"])
        left.append(len(policy["Statement"]))
    assert left == [1, 1, 1, 2]
    # The log has each heal; who repeats it within the hour is not paged again.
    assert alerts(instance) == [
        f"{STACK}: healing/dev/token is changed again and again, and not healed any more",
        f"{STACK}: healing/dev/token was changed outside, and narrowed again",
    ]
    for one in observations(instance, ALERTS):
        what, _, who, *_ = str(one.metadata["text"].value).split("\n")
        assert "healing/dev/token: " in what
        assert who == "CloudTrail says who.", "no event told it"


def alerts(instance: dg.DagsterInstance) -> list[Any]:
    """Subjects of what was said, the last one first."""
    records = instance.fetch_observations(dg.AssetKey(ALERTS), limit=20).records
    return [record.asset_observation.description for record in records if record.asset_observation]


def test_a_tampered_policy_turns_its_checks_red_at_once_says_who_did_it_and_is_green_when_it_is_narrowed(
    aws: emulator.LocalAws, repository: Repository, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(aws, monkeypatch)
    stack, name = "blamed-dev", "blamed/dev/token"
    variables = {
        "environment": "dev",
        "region": aws.region,
        "account_id": aws.account_id,
        "context_name": "blamed",
        "secrets": {"token": {"secret_data": "abc-def-ghi", "policy": {"Statement": [TLS_ONLY]}}},
    }
    repository.tree = {stack: {"secretsmanager": variables}}
    repository.write()
    instance.add_dynamic_partitions(PLAIN.of("stacks"), [stack])

    def run(job: str, **tags: str) -> None:
        built = build_definitions().resolve_job_def(job)
        assert_succeeded(built.execute_in_process(instance=instance, partition_key=stack, tags=tags))

    def standing(asset: str, check: str) -> str:
        key = dg.AssetCheckKey(dg.AssetKey(asset), check)
        infos = instance.event_log_storage.get_asset_check_partition_info([key], partition_keys=[stack])
        return "".join(one.latest_execution_status.value for one in infos if one.is_current)

    run("provision")
    assert standing("secret_policies", "secret_policies_as_declared") == "SUCCEEDED"
    everybody = {**TLS_ONLY, "Effect": "Allow", "Action": "secretsmanager:GetSecretValue"}
    del everybody["Condition"]
    boto3.client("secretsmanager", region_name=aws.region).put_resource_policy(
        SecretId=name,
        ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [TLS_ONLY, everybody]}),
        BlockPublicPolicy=False,
    )
    hint = parse(
        json.dumps(
            call(
                "PutResourcePolicy",
                {"secretId": name},
                eventTime="2026-11-28T12:03:00Z",
                sourceIPAddress="203.0.113.7",
                userAgent="aws-cli/2.15.0",
            )
        )
    )
    assert isinstance(hint, Hint)
    run("on_outside_change", **actors_tag([(hint, name)]))
    assert standing("secret_policies", "secret_policies_as_declared") == "FAILED"
    assert standing("access_matrix", "policies_are_not_public") == "FAILED"
    assert standing("kms_keys", "kms_keys_as_declared") == "SUCCEEDED"
    [alert] = observations(instance, ALERTS)
    who = f"PutResourcePolicy of {name} by {SOMEBODY} at 2026-11-28 12:03 UTC, from 203.0.113.7, with aws-cli/2.15.0"
    assert who in str(alert.metadata["text"].value)
    [seen] = observations(instance, "drift")
    # A long word has a space where the UI may break it.
    assert "".join(SOMEBODY.split()) in "".join(str(seen.metadata["who"].value).split())
    repository.component_settings = {"self_heal": True}
    repository.write()
    run("on_outside_change")
    assert standing("secret_policies", "secret_policies_as_declared") == "SUCCEEDED"
    assert standing("access_matrix", "policies_are_not_public") == "SUCCEEDED"


def observations(instance: dg.DagsterInstance, asset: str) -> list[dg.AssetObservation]:
    """Of one asset, the last one first."""
    records = instance.fetch_observations(dg.AssetKey(asset), limit=20).records
    return [record.asset_observation for record in records if record.asset_observation]
