"""The project's definitions behind Dagster's GraphQL API, as buttons use it; runs are executed in this process."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster_graphql.schema import create_schema

from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG

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
BACKFILL = """
mutation($params: LaunchBackfillParams!) {
  launched: launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""
RE_EXECUTE_BACKFILL = """
mutation($params: ReexecutionParams!) {
  launched: reexecutePartitionBackfill(reexecutionParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""

schema = cache(create_schema)


class Deployment:
    """The project's definitions behind Dagster's GraphQL API; runs are executed in this process."""

    def __init__(
        self, instance: dg.DagsterInstance, workspace: WorkspaceProcessContext, stack: str, config: object
    ) -> None:
        self.instance = instance
        self.stack = stack
        self._workspace = workspace
        self._config = config

    def provision(self, *assets: str, job: str = "provision", by: str = PARTITION_TAG, **tags: str) -> dg.DagsterRun:
        """Launch a job, or some of its assets, as the launchpad does: the stack's tag, and others below `dagster/`."""
        params = self._params(assets, {}, job)
        metadata: Any = params["executionMetadata"]
        metadata["tags"] = [{"key": by, "value": self.stack}]
        metadata["tags"] += [{"key": f"dagster/{tag}", "value": value} for tag, value in tags.items()]
        return self._launched(LAUNCH, {"executionParams": params})

    def materialize(self, *assets: str) -> dg.DagsterRun:
        """Press "Materialize" over some assets."""
        return self._launched(LAUNCH, {"executionParams": self._params(assets, {}, "__ASSET_JOB")})

    def verify(self, stack: str) -> dg.DagsterRun:
        """Launch a verification of a stack, as the schedule does."""
        return self.request(dg.RunRequest(job_name="verify", tags={PARTITION_TAG: stack}))

    def request(self, asked: dg.RunRequest) -> dg.DagsterRun:
        """Launch what a sensor requests, as the daemon does."""
        params = self._params([key.to_user_string() for key in asked.asset_selection or ()], {}, asked.job_name or "")
        metadata: Any = params["executionMetadata"]
        metadata["tags"] = [{"key": key, "value": value} for key, value in asked.tags.items()]
        selector: Any = params["selector"]
        if asked.asset_check_keys is not None:
            selector["assetCheckSelection"] = [
                {"assetKey": {"path": list(one.asset_key.path)}, "name": one.name} for one in asked.asset_check_keys
            ]
        return self._launched(LAUNCH, {"executionParams": params})

    def re_execute(self, run: dg.DagsterRun, strategy: str) -> dg.DagsterRun:
        """Press a button of the failed run's page."""
        params = {"parentRunId": run.run_id, "strategy": strategy, "useParentRunTags": True}
        return self._launched(RE_EXECUTE, {"reexecutionParams": params})

    def re_execute_step(self, run: dg.DagsterRun, step: str, *assets: str) -> dg.DagsterRun:
        """Choose a step of the failed run, and press "Selected"."""
        params = self._params(assets, {"rootRunId": run.run_id, "parentRunId": run.run_id})
        return self._launched(RE_EXECUTE, {"executionParams": {**params, "stepKeys": [step]}})

    def backfill(self, *assets: str) -> tuple[str, dg.DagsterRun]:
        """Press "Materialize" over some assets and several partitions: the backfill's id, and the run of the stack."""
        chosen = [{"path": [asset]} for asset in assets]
        return self._backfilled(BACKFILL, {"assetSelection": chosen, "partitionNames": [self.stack]})

    def re_execute_backfill(self, backfill: str, strategy: str) -> tuple[str, dg.DagsterRun]:
        """Press a button of the backfill's page."""
        return self._backfilled(RE_EXECUTE_BACKFILL, {"parentRunId": backfill, "strategy": strategy})

    def _backfilled(self, query: str, params: Mapping[str, object]) -> tuple[str, dg.DagsterRun]:
        launched = self.ask(query, {"params": params})["launched"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        made = dg.RunsFilter(tags={"dagster/backfill": launched["backfillId"]})
        daemon = logging.getLogger("daemon")
        while not (runs := self.instance.get_runs(made)):
            assert not any(execute_backfill_iteration(self._workspace, daemon))
        self.instance.launch_run(runs[0].run_id, self._workspace.create_request_context())
        while (found := self.instance.get_backfill(launched["backfillId"])) and found.status.name == "REQUESTED":
            assert not any(execute_backfill_iteration(self._workspace, daemon))
        (run,) = self.instance.get_runs(made)
        return launched["backfillId"], run

    def _params(self, assets: Sequence[str], run_ids: Mapping[str, str], job: str = "provision") -> dict[str, object]:
        selector = {
            **self.repository,
            "pipelineName": job,
            "assetSelection": [{"path": [asset]} for asset in assets] or None,
        }
        tags = [{"key": PARTITION_TAG, "value": self.stack}]
        return {
            "selector": selector,
            "runConfigData": self._config,
            "executionMetadata": {"tags": tags, **run_ids},
        }

    @property
    def repository(self) -> Mapping[str, str]:
        """GraphQL's `RepositorySelector`."""
        (location,) = self._workspace.create_request_context().code_locations
        (repository,) = location.get_repositories()
        return {"repositoryLocationName": location.name, "repositoryName": repository}

    def steps(self, run: dg.DagsterRun) -> set[str]:
        """What a run executed."""
        return {step.step_key for step in self.instance.get_run_step_stats(run.run_id)}

    def said(self, run: dg.DagsterRun) -> str:
        """Why a run failed."""
        failures = self.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
        data = [one.event_log_entry.get_dagster_event().step_failure_data for one in failures]
        return "\n".join(_why(one) for one in data)

    def ask(self, query: str, params: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """Ask as a page of the UI does."""
        request = self._workspace.create_request_context()
        answer = asyncio.run(schema().execute_async(query, context_value=request, variable_values=dict(params)))
        assert not answer.errors, answer.errors
        return answer.data

    def _launched(self, query: str, params: Mapping[str, object]) -> dg.DagsterRun:
        request = self._workspace.create_request_context()
        launched = self.ask(query, params)["launched"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        # As the daemon does with what is queued.
        self.instance.launch_run(launched["run"]["runId"], request)
        run = self.instance.get_run_by_id(launched["run"]["runId"])
        assert run is not None
        return run


def _why(one: StepFailureData) -> str:
    if one.user_failure_data is not None:
        return str(one.user_failure_data.description)
    return one.error.cause.message if one.error is not None and one.error.cause is not None else ""


@contextmanager
def deployed(instance: dg.DagsterInstance, stack: str) -> Iterator[Deployment]:
    """The definitions of this checkout on an instance that launches runs in this process."""
    config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name="definitions")
    location = InProcessCodeLocationOrigin(target, location_name="secrets_pipeline")
    with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(location)) as workspace:
        yield Deployment(instance, workspace, stack, config)
