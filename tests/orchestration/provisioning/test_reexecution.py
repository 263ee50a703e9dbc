"""A failed run that is re-executed as the UI's buttons do it: green only when every stage was done and none failed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import boto3
import dagster as dg
import pytest
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.schema import create_schema

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository

STACK = "reexecuted-dev"
LAUNCH = """
mutation($executionParams: ExecutionParams!) {
  launched: launchPipelineExecution(executionParams: $executionParams) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
RE_EXECUTE = """
mutation($executionParams: ExecutionParams, $reexecutionParams: ReexecutionParams) {
  launched: launchPipelineReexecution(executionParams: $executionParams, reexecutionParams: $reexecutionParams) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""

schema = cache(create_schema)


class Deployment:
    """The project's definitions behind Dagster's GraphQL API; runs are executed in this process."""

    def __init__(self, instance: dg.DagsterInstance, workspace: WorkspaceProcessContext, config: object) -> None:
        self.instance = instance
        self._workspace = workspace
        self._config = config

    def provision(self, *assets: str) -> dg.DagsterRun:
        """Launch the job, or some of its assets, as the launchpad does."""
        return self._launched(LAUNCH, {"executionParams": self._params(assets, {})})

    def re_execute(self, run: dg.DagsterRun, strategy: str) -> dg.DagsterRun:
        """Press a button of the failed run's page."""
        params = {"parentRunId": run.run_id, "strategy": strategy, "useParentRunTags": True}
        return self._launched(RE_EXECUTE, {"reexecutionParams": params})

    def re_execute_step(self, run: dg.DagsterRun, step: str, *assets: str) -> dg.DagsterRun:
        """Choose a step of the failed run, and press "Selected"."""
        params = self._params(assets, {"rootRunId": run.run_id, "parentRunId": run.run_id})
        return self._launched(RE_EXECUTE, {"executionParams": {**params, "stepKeys": [step]}})

    def _params(self, assets: Sequence[str], run_ids: Mapping[str, str]) -> dict[str, object]:
        (location,) = self._workspace.create_request_context().code_locations
        (repository,) = location.get_repositories()
        selector = {
            "repositoryLocationName": location.name,
            "repositoryName": repository,
            "pipelineName": "provision",
            "assetSelection": [{"path": [asset]} for asset in assets] or None,
        }
        tags = [{"key": PARTITION_TAG, "value": STACK}]
        return {
            "selector": selector,
            "runConfigData": self._config,
            "executionMetadata": {"tags": tags, **run_ids},
        }

    def steps(self, run: dg.DagsterRun) -> set[str]:
        """What a run executed."""
        return {step.step_key for step in self.instance.get_run_step_stats(run.run_id)}

    def said(self, run: dg.DagsterRun) -> str:
        """Why a run failed."""
        failures = self.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
        data = [one.event_log_entry.get_dagster_event().step_failure_data for one in failures]
        return "\n".join(str(one.user_failure_data.description) for one in data if one.user_failure_data)

    def _launched(self, query: str, params: Mapping[str, object]) -> dg.DagsterRun:
        request = self._workspace.create_request_context()
        answer = asyncio.run(schema().execute_async(query, context_value=request, variable_values=dict(params)))
        assert not answer.errors, answer.errors
        launched = answer.data["launched"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        # As the daemon does with what is queued.
        self.instance.launch_run(launched["run"]["runId"], request)
        run = self.instance.get_run_by_id(launched["run"]["runId"])
        assert run is not None
        return run


@pytest.fixture
def key(aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch) -> str:
    """A KMS key that the stack's secrets are under, disabled."""
    lead_to(aws, monkeypatch)
    kms = boto3.client("kms")
    made = kms.create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=made)
    return made


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One that queues runs, and launches them in this process."""
    launcher = {"module": SyncInMemoryRunLauncher.__module__, "class": SyncInMemoryRunLauncher.__name__}
    with dg.DagsterInstance.local_temp(str(tmp_path), {"run_launcher": launcher}) as made:
        yield made


@pytest.fixture
def deployment(
    repository: Repository, key: str, aws: emulator.LocalAws, instance: dg.DagsterInstance
) -> Iterator[Deployment]:
    repository.tree = {
        STACK: {
            "secretsmanager": {
                "environment": "dev",
                "region": aws.region,
                "account_id": aws.account_id,
                "context_name": "reexecuted",
                "secrets": {"token": {"secret_data": "abc-def-ghi", "kms_key_id": key}},
            }
        }
    }
    repository.write()
    instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])
    config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name="definitions")
    location = InProcessCodeLocationOrigin(target, location_name="secrets_pipeline")
    with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(location)) as workspace:
        yield Deployment(instance, workspace, config)


SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


def test_a_failed_run_stays_red_until_its_cause_is_mended_and_all_steps_are_done_again(
    deployment: Deployment, key: str
) -> None:
    failed = deployment.provision()
    assert failed.status is FAILURE
    assert "is Disabled" in deployment.said(failed)
    assert "Re-execute" not in deployment.said(failed)
    again = deployment.re_execute(failed, "FROM_FAILURE")
    assert deployment.steps(again) == {"stack_report"}
    assert again.status is FAILURE
    assert "is Disabled" in deployment.said(again)
    assert f"Re-execute all steps of run {failed.run_id} when the cause is mended" in deployment.said(again)
    boto3.client("kms").enable_key(KeyId=key)
    last = deployment.re_execute(again, "FROM_FAILURE")
    assert (last.status, last.root_run_id) == (FAILURE, failed.run_id)
    done = deployment.re_execute(failed, "ALL_STEPS")
    assert done.status is SUCCESS, deployment.said(done)
    assert boto3.client("secretsmanager").get_secret_value(SecretId="reexecuted/dev/token")["SecretString"]
    # Every stage was done since, and none failed.
    assert deployment.re_execute(last, "FROM_FAILURE").status is SUCCESS


def test_no_strategy_is_green_while_the_cause_is_there_and_a_newer_failure_of_another_run_counts(
    deployment: Deployment, key: str
) -> None:
    assets = ("kms_keys", "stack_report")
    failed = deployment.provision(*assets)
    assert failed.status is FAILURE
    for strategy in ("ALL_STEPS", "FROM_FAILURE", "FROM_ASSET_FAILURE"):
        again = deployment.re_execute(failed, strategy)
        assert (again.status, "kms_keys" in deployment.steps(again)) == (FAILURE, strategy == "ALL_STEPS"), strategy
    # Who asks for the report alone asks for no stage.
    assert deployment.provision("stack_report").status is SUCCESS
    boto3.client("kms").enable_key(KeyId=key)
    assert deployment.re_execute(failed, "ALL_STEPS").status is SUCCESS
    boto3.client("kms").disable_key(KeyId=key)
    deployment.provision("kms_keys")
    assert deployment.re_execute(failed, "FROM_FAILURE").status is FAILURE


def test_a_report_that_is_chosen_alone_fails_where_a_stage_was_not_done(
    deployment: Deployment, repository: Repository, key: str
) -> None:
    boto3.client("kms").enable_key(KeyId=key)
    assets = ("kms_keys", "stack_report")
    assert deployment.provision(*assets).status is SUCCESS
    here = repository.tree[STACK]["secretsmanager"]["account_id"]
    repository.tree[STACK]["secretsmanager"]["account_id"] = "999988887777"
    repository.write()
    failed = deployment.provision(*assets)
    assert (failed.status, deployment.steps(failed)) == (FAILURE, {"kms_keys"})
    repository.tree[STACK]["secretsmanager"]["account_id"] = here
    repository.write()
    again = deployment.re_execute_step(failed, "stack_report", *assets)
    assert (again.status, deployment.steps(again)) == (FAILURE, {"stack_report"})
    assert "stage kms_keys: was not done since the run that is re-executed began" in deployment.said(again)
    assert deployment.re_execute(failed, "FROM_FAILURE").status is SUCCESS
