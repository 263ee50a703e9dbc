"""Which checks a run evaluates: as buttons and jobs start it, and after a run that broke."""

from __future__ import annotations

import boto3
import dagster as dg
import pytest

from secrets_pipeline.orchestration.provisioning.options import ASSETS
from secrets_pipeline.orchestration.shared.names import PLAIN
from tests.orchestration.deployed import Deployment
from tests.orchestration.provisioning.conftest import STACK


def evaluated(deployment: Deployment, run: dg.DagsterRun) -> set[str]:
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    records = deployment.instance.get_records_for_run(run.run_id, of_type=kind).records
    return {one.event_log_entry.get_dagster_event().asset_check_evaluation_data.check_name for one in records}


def test_a_run_in_another_process_checks_what_a_crashed_one_wrote(deployment: Deployment, key: str) -> None:
    boto3.client("kms").enable_key(KeyId=key)
    # What a run leaves that was killed behind its secrets: other steps, and most checks, never came.
    assets = ("stack_config", "generated_passwords", "kms_keys", "secrets")
    assert "nobody_else_can_read" not in evaluated(deployment, deployment.provision(*assets))
    whole = deployment.provision()
    assert whole.status is dg.DagsterRunStatus.SUCCESS
    assert "nobody_else_can_read" in evaluated(deployment, whole)
    # A run with nothing to do looks at nobody's policies again.
    assert "nobody_else_can_read" not in evaluated(deployment, deployment.provision())


@pytest.mark.parametrize("assets", [(), ("secrets",)])
def test_a_check_is_evaluated_once_whichever_button_starts_the_run(
    deployment: Deployment,
    key: str,
    assets: tuple[str, ...],
) -> None:
    boto3.client("kms").enable_key(KeyId=key)
    assert deployment.provision().status is dg.DagsterRunStatus.SUCCESS
    run = deployment.materialize(*(assets or ASSETS))
    assert run.status is dg.DagsterRunStatus.SUCCESS
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    records = deployment.instance.get_records_for_run(run.run_id, of_type=kind).records
    keys = [one.event_log_entry.get_dagster_event().asset_check_evaluation_data.asset_check_key for one in records]
    assert keys
    assert len(keys) == len(set(keys))
    partitions = {one.event_log_entry.get_dagster_event().asset_check_evaluation_data.partition for one in records}
    assert partitions == {STACK}
    assert PLAIN.asset("secrets") in {key.asset_key for key in keys}
