"""A running webserver and daemon: what the UI's buttons do, by its API; in a browser they are in `test_buttons.py`."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.orchestration.checks import CHECKS as DEFINED_CHECKS
from secrets_pipeline.orchestration.in_process.running import queue
from secrets_pipeline.orchestration.provisioning.options import ASSETS as DEFINED_ASSETS
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG
from tests.e2e.deployment import LOCATION, STACKS, Deployment, Run
from tests.runs import assert_applied
from tests.waiting import SECONDS

# dagster_graphql's client calls its own library in an old way.
pytestmark = pytest.mark.filterwarnings("ignore:Using variable_values:DeprecationWarning")

ASSETS = list(DEFINED_ASSETS)
PROBED = ("access_matrix", "probe_agrees")
# Nobody asks for the probe here, so nobody defines its check.
ALL_CHECKS = {(check.stage, check.name) for check in DEFINED_CHECKS} - {PROBED}
# What `verify` alone looks at: it reads values.
VERIFIED = {("connection_secrets", "credentials_log_in"), ("connection_secrets", "secret_values_well_formed")}
# What is looked at in a run that changed something, of its asset or of what it depends on.
ROTATING = ("secret_rotation", "rotation_function_invokable")
AFTER_CHANGES = {
    ROTATING,
    ("consumer_refresh", "consumers_started_after_rotation"),
    *(
        ("access_matrix", name)
        for name in (
            "consumers_can_read",
            "foreign_readers_can_read",
            "nobody_else_can_read",
            "policies_are_not_public",
            "consumers_are_trusted",
        )
    ),
}
# The sensors of the deployment look at the queue meanwhile.
READS = ("Describe", "List", "Get", "BatchGet", "GenerateMac", "AssumeRole", "ReceiveMessage")

_SENSOR = """query ($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) {
    ... on Sensor { sensorState { status } }
  }
}"""

_PICKER = """query ($job: PipelineSelector!) {
  pipelineOrError(params: $job) {
    ... on Pipeline { partitionKeysOrError { ... on PartitionKeys { partitionKeys } } }
  }
}"""

_CHECKS = """{
  assetNodes {
    assetKey { path }
    assetChecksOrError {
      ... on AssetChecks {
        checks {
          name
          partitionStatuses {
            ... on AssetCheckDefaultPartitionStatuses {
              succeededPartitions failedPartitions inProgressPartitions skippedPartitions executionFailedPartitions
            }
          }
        }
      }
    }
  }
}"""

_EXECUTIONS = """query ($asset: AssetKeyInput!, $check: String!, $partition: String!) {
  assetCheckExecutions(assetKey: $asset, checkName: $check, partition: $partition, limit: 20) {
    runId status partition evaluation { targetMaterialization { runId } }
  }
}"""


@pytest.fixture(scope="module")
def provisioned(deployment: Deployment, repository: Path, partitions: list[str]) -> dict[str, Run]:
    """Every stack provisioned, each in the way of another user; runs of different stacks overlap."""
    by_job = deployment.launch("provision", partition="myapp-dev")
    by_button = deployment.launch("__ASSET_JOB", partition="myapp-prod", assets=ASSETS, checks=sorted(ALL_CHECKS))
    revision = open_repository(repository).revision
    report = queue("infra-shared", url=deployment.url, revision=revision, deep=False, timeout=SECONDS)
    assert_applied(report)
    return {
        "myapp-dev": deployment.ended(by_job),
        "myapp-prod": deployment.ended(by_button),
        "infra-shared": deployment.ended(report.run_id),
    }


def statuses(deployment: Deployment) -> dict[tuple[str, str], dict[str, list[str]]]:
    """The partitions of each check, by status."""
    return {
        (node["assetKey"]["path"][-1], check["name"]): check["partitionStatuses"]
        for node in deployment.query(_CHECKS)["assetNodes"]
        for check in node["assetChecksOrError"].get("checks", ())
    }


def everything(deployment: Deployment, asset: str, check: str, stack: str) -> list[dict[str, Any]]:
    """What all runs have stored of a check, the newest first."""
    variables = {"asset": {"path": [asset]}, "check": check, "partition": stack}
    found: list[dict[str, Any]] = deployment.query(_EXECUTIONS, variables)["assetCheckExecutions"]
    return found


def executions(deployment: Deployment, asset: str, check: str, stack: str, run: Run) -> list[dict[str, Any]]:
    """What a run has stored of a check."""
    return [one for one in everything(deployment, asset, check, stack) if one["runId"] == run.run_id]


def count_anew(deployment: Deployment, aws: emulator.LocalAws) -> None:
    """Count calls from now on; what earlier runs caused is over, so only reads of the sensors are among them."""
    emulator.settle(aws)
    deployment.come_to_rest()
    emulator.reset_calls(aws)


def writes(aws: emulator.LocalAws) -> list[str]:
    return [call.operation for call in emulator.calls(aws) if not call.operation.startswith(READS)]


def table(evaluation: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of a check's table."""
    (found,) = [entry["table"] for entry in evaluation["metadataEntries"] if "table" in entry]
    return [json.loads(record) for record in found["records"]]


def test_the_sensor_adds_every_stack_by_itself(deployment: Deployment, partitions: list[str]) -> None:
    assert sorted(partitions) == STACKS
    sensor = {**LOCATION, "sensorName": "stack_change_sensor"}
    state = deployment.query(_SENSOR, {"sensor": sensor})["sensorOrError"]["sensorState"]
    assert state["status"] == "RUNNING"


def test_the_job_launched_for_one_stack_goes_through_the_queue_and_is_green(provisioned: dict[str, Run]) -> None:
    run = provisioned["myapp-dev"]
    assert run.status == "SUCCESS", run.failures()
    assert run.of_kind("RunEnqueuedEvent")
    assert [partition for _, partition in run.materialized] == ["myapp-dev"] * len(ASSETS)
    assert sorted(asset for asset, _ in run.materialized) == sorted(ASSETS)


def test_materialize_in_the_ui_is_green(provisioned: dict[str, Run]) -> None:
    run = provisioned["myapp-prod"]
    assert run.status == "SUCCESS", run.failures()
    assert sorted(run.materialized) == sorted((asset, "myapp-prod") for asset in ASSETS)
    assert all(evaluation["success"] for evaluation in run.evaluations())


def test_a_stack_queued_from_the_command_line_is_green(provisioned: dict[str, Run]) -> None:
    run = provisioned["infra-shared"]
    assert run.of_kind("RunEnqueuedEvent")
    assert sorted(run.materialized) == sorted((asset, "infra-shared") for asset in ASSETS)


@pytest.mark.parametrize("stack", STACKS)
def test_each_check_is_stored_for_its_partition_with_the_materialisation_that_it_judged(
    deployment: Deployment, provisioned: dict[str, Run], stack: str
) -> None:
    run = provisioned[stack]
    # A sensor may have asked for a later run of the same checks: its evaluations stand beside this run's.
    deployment.come_to_rest()
    found = statuses(deployment)
    assert set(found) == ALL_CHECKS
    for unseen in VERIFIED:
        del found[unseen]
        # Of a run that the UI starts by assets, they are steps.
        assert {one["status"] for one in executions(deployment, *unseen, stack, run)} <= {"SKIPPED"}
    if stack != "myapp-prod":
        # Nothing rotates there.
        found.pop(ROTATING)
    for (asset, check), by_status in found.items():
        # A later run that changed nothing says nothing of some: Dagster shows the stack as missing then.
        assert stack in by_status.pop("succeededPartitions") or (asset, check) in AFTER_CHANGES
        assert not any(stack in others for others in by_status.values())
        (execution,) = executions(deployment, asset, check, stack, run)
        assert (execution["status"], execution["partition"]) == ("SUCCEEDED", stack)
        assert execution["evaluation"]["targetMaterialization"] == {"runId": run.run_id}


def test_the_secrets_are_in_aws(provisioned: dict[str, Run], boto: boto3.Session) -> None:
    names = {entry["Name"] for entry in boto.client("secretsmanager").list_secrets(MaxResults=100)["SecretList"]}
    assert {"myapp/dev/database/connection", "myapp/prod/api/oauth-config", "infra/shared/network/vpn-config"} <= names


def test_a_second_launch_writes_nothing(
    deployment: Deployment, provisioned: dict[str, Run], aws: emulator.LocalAws
) -> None:
    count_anew(deployment, aws)
    run = deployment.ended(deployment.launch("provision", partition="myapp-dev"))
    assert run.status == "SUCCESS", run.failures()
    idle = {*VERIFIED, *AFTER_CHANGES}
    assert {evaluation["checkName"] for evaluation in run.evaluations()} == {check for _, check in ALL_CHECKS - idle}
    assert all(evaluation["success"] for evaluation in run.evaluations())
    assert all(executions(deployment, *check, "myapp-dev", run) == [] for check in idle)
    assert emulator.calls(aws)
    assert writes(aws) == []
    assert not [call for call in emulator.calls(aws) if call.operation.endswith("GetSecretValue")]


def test_checks_without_a_partition_judge_every_stack_in_one_summary_and_a_plan_materialises_nothing(
    deployment: Deployment, provisioned: dict[str, Run], aws: emulator.LocalAws
) -> None:
    count_anew(deployment, aws)
    verifying, planning = deployment.launch("verify"), deployment.launch("plan", partition="myapp-dev")
    verified, planned = deployment.ended(verifying), deployment.ended(planning)

    assert verified.status == "SUCCESS", verified.failures()
    summaries = {evaluation["checkName"]: evaluation for evaluation in verified.evaluations()}
    assert sorted(summaries) == sorted(check for _, check in ALL_CHECKS)
    assert all(summary["success"] and summary["partition"] is None for summary in summaries.values())
    named = table(summaries["secrets_have_current_values"])
    assert {row["name"].partition(", ")[0] for row in named} == set(STACKS)
    assert sum("logged in at" in row["detail"] for row in table(summaries["database_login_works"])) == 2
    reading = table(summaries["consumers_can_read"])
    assert {row["stack"] for row in reading} == set(STACKS)
    assert {row["verdict"] for row in reading} == {"right"}
    assert all(row["reader"].startswith("role ") and row["secret"] and "allows" in row["detail"] for row in reading)

    assert planned.status == "SUCCESS", planned.failures()
    assert planned.materialized == []
    observations = planned.of_kind("ObservationEvent")
    assert len(observations) == len(STAGES)
    assert all(observation["partition"] == "myapp-dev" for observation in observations)
    assert {entry.get("intValue", 0) for one in observations for entry in one["metadataEntries"]} == {0}
    assert writes(aws) == []


def test_execute_on_one_access_check_judges_it(deployment: Deployment, provisioned: dict[str, Run]) -> None:
    check = ("access_matrix", "nobody_else_can_read")
    run = deployment.ended(deployment.launch("__ASSET_JOB", partition="myapp-dev", checks=[check]))
    (evaluation,) = run.evaluations()
    assert (evaluation["checkName"], evaluation["success"], run.materialized) == (check[1], True, [])
    assert {row["verdict"] for row in table(evaluation)} == {"right"}


def test_verify_launched_for_a_partition_stores_every_check_with_it(
    deployment: Deployment, provisioned: dict[str, Run]
) -> None:
    for stack in STACKS:
        run = deployment.ended(deployment.launch("verify", partition=stack, tags=[VERIFY_TAG]))
        found = {evaluation["checkName"]: evaluation for evaluation in run.evaluations()}
        assert sorted(found) == sorted(check for _, check in ALL_CHECKS)
        assert all(one["success"] and one["partition"] == stack for one in found.values())


def test_verify_has_the_partitions_that_the_launchpad_offers(deployment: Deployment, partitions: list[str]) -> None:
    found = deployment.query(_PICKER, {"job": {**LOCATION, "pipelineName": "verify"}})["pipelineOrError"]
    assert sorted(found["partitionKeysOrError"]["partitionKeys"]) == STACKS
