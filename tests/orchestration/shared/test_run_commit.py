"""A run reads the commit that it was decided at, or says why it cannot, before any call; its tag says which that is."""

from __future__ import annotations

import ast
import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
import yaml
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.schema import create_schema

from secrets_pipeline import emulator
from secrets_pipeline.aws.leases.local import FileLease, FileLeases
from secrets_pipeline.aws.leases.model import Claim
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.errors import GuardError, SecretsPipelineError
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.repository_index.writing import IndexWriter
from secrets_pipeline.operations.revision.model import Revision
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.orchestration import build
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.alerts.failures import failure_alert, failures_of
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.in_process.running import provision, queue
from secrets_pipeline.orchestration.shared import run_commit
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Asked, Stacks
from secrets_pipeline.orchestration.shared.run_requests import COMMIT_TAG, SECRETS_TAG
from secrets_pipeline.orchestration.verification.schedules import latest
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.embedded import lead_to
from tests.gits import committed, git
from tests.operations.test_repository_cache import ATMOS
from tests.orchestration.conftest import sensor_named
from tests.strategies.small_repositories import write

STACK = "decided-dev"
YAML = """
vars: {stage: decided-dev}
components:
  terraform:
    secretsmanager:
      vars:
        context_name: decided
        environment: dev
        region: %s
        account_id: "%s"
        secrets:
          token: {secret_data: "%s", description: "%s"}
          file: {secret_data: "${file:said.txt}"}
"""
LAUNCH = """
mutation($params: ExecutionParams!) {
  launched: launchPipelineExecution(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
RE_EXECUTE = """
mutation($params: ReexecutionParams!) {
  launched: launchPipelineReexecution(reexecutionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE

schema = cache(create_schema)


class Clone:
    """The Atmos repository, which people commit to."""

    def __init__(self, folder: Path, aws: emulator.LocalAws) -> None:
        self.folder = folder
        self._place = (aws.region, aws.account_id)
        write({"atmos.yaml": ATMOS}, folder)

    def write(self, value: str) -> None:
        """Edit the value of both secrets, and what is said of one."""
        write({"stacks/dev.yaml": YAML % (*self._place, value, value), "said.txt": f"{value} in a file"}, self.folder)

    def commit(self, value: str) -> str:
        self.write(value)
        return committed(self.folder, value)


class Deployment:
    """The project's definitions behind Dagster's GraphQL API; a run that was made is executed when the test says so."""

    def __init__(self, instance: dg.DagsterInstance, workspace: WorkspaceProcessContext) -> None:
        self.instance = instance
        self._workspace = workspace

    def made(self, tags: Mapping[str, str], job: str = "provision") -> str:
        """Make a run, as the launchpad, and a daemon for a sensor, do."""
        (location,) = self._workspace.create_request_context().code_locations
        (repository,) = location.get_repositories()
        params = {
            "selector": {
                "repositoryLocationName": location.name,
                "repositoryName": repository,
                "pipelineName": job,
                **({"assetSelection": [{"path": [name]} for name in STAGES]} if job == "__ASSET_JOB" else {}),
            },
            "runConfigData": {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in {PARTITION_TAG: STACK, **tags}.items()]
            },
        }
        return self._asked(LAUNCH, params)

    def made_again(self, run: dg.DagsterRun, strategy: str) -> str:
        """Press a button of a run's page."""
        return self._asked(RE_EXECUTE, {"parentRunId": run.run_id, "strategy": strategy, "useParentRunTags": True})

    def executed(self, run_id: str) -> dg.DagsterRun:
        """Execute a run that was made, as the daemon does with what is queued."""
        self.instance.launch_run(run_id, self._workspace.create_request_context())
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run

    def ran(self, tags: Mapping[str, str] | None = None, job: str = "provision") -> dg.DagsterRun:
        return self.executed(self.made(tags or {}, job))

    def said(self, run: dg.DagsterRun) -> str:
        """Why a run failed, as its page says it."""
        found = self.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
        data: list[Any] = [one.event_log_entry.get_dagster_event().job_failure_data for one in found]
        steps = self.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
        data += [one.event_log_entry.get_dagster_event().step_failure_data for one in steps]
        return "\n".join(one.error.to_string() for one in data if one.error)

    def alert(self, run: dg.DagsterRun) -> str:
        """What is said of a failed run to whoever is woken."""
        return failure_alert(run, failures_of(self.instance, run), Alerting(AlertSettings(), Sessions()), PLAIN).text

    def tick(self, cursor: str | None = None) -> dict[str, str]:
        """The tags of the run that the sensor of changed YAML asks for."""
        resources = build_definitions().resources or {}
        with (
            dg.build_resources({**resources}, instance=self.instance) as made,
            dg.build_sensor_context(
                instance=self.instance,
                cursor=cursor,
                resources={"secrets_pipeline_stacks": made.secrets_pipeline_stacks},
            ) as context,
        ):
            found: Any = sensor_named("stack_change_sensor")(context)
        self.cursor: str = found.cursor
        return next((dict(one.tags) for one in found.run_requests if one.tags[PARTITION_TAG] == STACK), {})

    def _asked(self, query: str, params: Mapping[str, object]) -> str:
        context = self._workspace.create_request_context()
        answer = asyncio.run(schema().execute_async(query, context_value=context, variable_values={"params": params}))
        assert not answer.errors, answer.errors
        launched = answer.data["launched"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])


@pytest.fixture
def clone(aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "clone", aws)
    settings = write({"operator.yaml": 'apply_on_change: ["*"]\ngrants: [{preset: single-team}]'}, tmp_path)
    lead_to(
        aws,
        monkeypatch,
        ATMOS_BASE_PATH=str(made.folder),
        SECRETS_PIPELINE_CONFIG=str(settings / "operator.yaml"),
        DAGSTER_HOME=str(tmp_path / "home"),
    )
    for name in ("SECRETS_PIPELINE_FROM_FILE", "SECRETS_PIPELINE_FROM_ATMOS", "SECRETS_PIPELINE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def deployment(clone: Clone, tmp_path: Path) -> Iterator[Deployment]:
    launcher = {"module": SyncInMemoryRunLauncher.__module__, "class": SyncInMemoryRunLauncher.__name__}
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name="definitions")
    location = InProcessCodeLocationOrigin(target, location_name="secrets_pipeline")
    (tmp_path / "home").mkdir()
    with (
        dg.DagsterInstance.local_temp(str(tmp_path / "home"), {"run_launcher": launcher}) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(location)) as workspace,
    ):
        instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])
        yield Deployment(instance, workspace)


def values() -> tuple[str, str]:
    client = boto3.client("secretsmanager")
    token, file = (client.get_secret_value(SecretId=f"decided/dev/{name}") for name in ("token", "file"))
    return token["SecretString"], file["SecretString"]


def made() -> tuple[list[Any], list[Any]]:
    """What is there of secrets and keys, the pipeline's own included: another test may have made it."""
    secrets, keys = boto3.client("secretsmanager").list_secrets(), boto3.client("kms").list_keys()
    return [(one["ARN"], one.get("LastChangedDate")) for one in secrets["SecretList"]], keys["Keys"]


def hours_ago(deployment: Deployment, commit: str) -> None:
    """Let a commit have been replaced by the next one hours ago."""
    kept = Path(deployment.instance.root_directory) / "checkouts" / commit / ".git" / "HEAD"
    os.utime(kept, (1_000_000_000, 1_000_000_000))


def test_a_run_of_the_ui_is_tagged_with_what_is_there(deployment: Deployment, clone: Clone) -> None:
    first = clone.commit("one")
    run = deployment.ran()
    assert (run.status, run.tags[COMMIT_TAG]) == (SUCCESS, first), deployment.said(run)
    second = clone.commit("two")
    run = deployment.ran()
    assert (run.status, run.tags[COMMIT_TAG]) == (SUCCESS, second)
    assert values() == ("two", "two in a file")


def test_a_run_reads_what_the_sensor_decided_by_though_somebody_pulled_in_between(
    deployment: Deployment, clone: Clone
) -> None:
    first = clone.commit("one")
    tags = deployment.tick()
    assert tags[COMMIT_TAG] == first
    made = deployment.made(tags)
    clone.commit("two")
    run = deployment.executed(made)
    assert (run.status, run.tags[COMMIT_TAG]) == (SUCCESS, first), deployment.said(run)
    assert values() == ("one", "one in a file")


def test_a_revert_while_the_run_of_the_change_waits_is_applied_after_it(deployment: Deployment, clone: Clone) -> None:
    clone.commit("one")
    assert deployment.ran(deployment.tick()).status is SUCCESS
    clone.commit("two")
    waiting = deployment.made(deployment.tick(deployment.cursor))
    reverted = clone.commit("one")
    assert deployment.tick(deployment.cursor) == {}
    assert deployment.executed(waiting).status is SUCCESS
    assert values() == ("two", "two in a file")
    tags = deployment.tick(deployment.cursor)
    assert tags.get(COMMIT_TAG) == reverted
    assert deployment.ran(tags).status is SUCCESS
    assert values() == ("one", "one in a file")
    assert deployment.tick(deployment.cursor) == {}


def test_what_was_pulled_while_a_run_is_under_way_is_not_read(deployment: Deployment, clone: Clone) -> None:
    first = clone.commit("one")
    made = deployment.made(deployment.tick())
    kept = Path(deployment.instance.root_directory) / "checkouts" / first
    assert (kept / "said.txt").read_text() == "one in a file"
    # What a value names is read when it is needed, long after the YAML.
    (kept / "said.txt").write_text("edited in the checkout")
    run = deployment.executed(made)
    assert run.status is SUCCESS, deployment.said(run)
    assert values() == ("one", "edited in the checkout")


def test_a_run_that_was_made_after_the_pull_is_refused_before_any_call(deployment: Deployment, clone: Clone) -> None:
    first = clone.commit("one")
    tags, before = deployment.tick(), made()
    second = clone.commit("two")
    hours_ago(deployment, first)
    run = deployment.ran(tags)
    said = deployment.said(run)
    assert run.status is FAILURE
    assert f"decided at commit {first}" in said
    assert f"what is there now is {second}" in said
    assert "Launch a new run" in said
    assert deployment.alert(run).startswith(
        f"provision of stack {STACK} failed.\n\nthis run was decided at commit {first}"
    )
    assert made() == before
    # Nor does a tag choose another folder, or another of the commits that are kept.
    for tag in ("../checkouts/" + first, "../../clone", second[:-1] + "?"):
        run = deployment.ran({COMMIT_TAG: tag})
        assert (run.status, "decided at commit" in deployment.said(run)) == (FAILURE, True)
    assert made() == before


@pytest.mark.parametrize("strategy", ["ALL_STEPS", "FROM_FAILURE"])
def test_re_executing_a_run_of_a_commit_that_was_replaced_is_refused_and_a_new_run_mends(
    deployment: Deployment, clone: Clone, strategy: str
) -> None:
    first = clone.commit("one")
    (clone.folder / "said.txt").unlink()
    broken = committed(clone.folder)
    failed = deployment.ran(deployment.tick())
    assert (failed.status, failed.tags[COMMIT_TAG]) == (FAILURE, broken)
    clone.commit("mended")
    mended = git(clone.folder, "rev-parse", "HEAD")
    hours_ago(deployment, broken)
    again = deployment.executed(deployment.made_again(failed, strategy))
    said = deployment.said(again)
    assert again.status is FAILURE
    assert f"decided at commit {broken}" in said
    assert f"what is there now is {mended}" in said
    assert "Re-executing a run does the same again, at its own commit. Launch a new run" in said
    new = deployment.ran()
    assert (new.status, new.tags[COMMIT_TAG]) == (SUCCESS, mended), deployment.said(new)
    assert deployment.executed(deployment.made_again(new, "ALL_STEPS")).status is SUCCESS
    assert first != broken


def test_while_somebody_edits_what_is_there_is_read_and_another_edit_refuses_the_run(
    deployment: Deployment, clone: Clone
) -> None:
    head = clone.commit("one")
    clone.write("edited")
    tags = deployment.tick()
    assert tags[COMMIT_TAG].startswith(f"{head}+")
    run = deployment.ran(tags)
    assert (run.status, values()) == (SUCCESS, ("edited", "edited in a file")), deployment.said(run)
    clone.write("edited again")
    run = deployment.ran(tags)
    assert (run.status, "decided at commit" in deployment.said(run)) == (FAILURE, True)
    assert str(open_repository(clone.folder).revision) not in (head, tags[COMMIT_TAG])


@pytest.mark.parametrize("about", [{}, {SECRETS_TAG: "decided/dev/token"}], ids=["for its YAML", "for a rotation"])
def test_a_run_that_waited_while_a_later_one_applied_a_later_commit_brings_nothing_back_and_loses_no_event(
    deployment: Deployment, clone: Clone, about: Mapping[str, str]
) -> None:
    first = clone.commit("one")
    waiting = deployment.made({**deployment.tick(), **about})
    clone.commit("two")
    assert deployment.ran().status is SUCCESS
    run = deployment.executed(waiting)
    assert (run.status is SUCCESS) == bool(about)
    assert (f"decided at commit {first}" in deployment.said(run)) != bool(about)


@pytest.mark.parametrize("job", ["provision", "__ASSET_JOB"])
def test_a_run_that_waits_for_the_lease_while_a_later_one_applies_a_later_commit_brings_nothing_back(
    deployment: Deployment, clone: Clone, monkeypatch: pytest.MonkeyPatch, job: str
) -> None:
    first = clone.commit("one")
    take, waiting = FileLeases.take, deployment.made(deployment.tick())
    later: list[dg.DagsterRun] = []

    def late(leases: FileLeases, key: str, claim: Claim, *, patience: float) -> FileLease:
        """Another run is first: here the one that waits has read its commit."""
        monkeypatch.setattr(FileLeases, "take", take)
        clone.commit("two")
        later.append(deployment.ran(job=job))
        return take(leases, key, claim, patience=patience)

    monkeypatch.setattr(FileLeases, "take", late)
    run = deployment.executed(waiting)
    assert (later[0].status, run.status) == (SUCCESS, FAILURE), deployment.said(later[0])
    assert f"decided at commit {first}" in deployment.said(run)
    assert f"run {later[0].run_id}, which was made later, has had the stack since" in deployment.said(run)
    assert values() == ("two", "two in a file")


def test_a_clone_whose_commit_nobody_can_tell_is_said_where_runs_are_decided(
    deployment: Deployment, clone: Clone, caplog: pytest.LogCaptureFixture
) -> None:
    clone.commit("one")
    git(clone.folder, "config", "core.repositoryFormatVersion", "1")
    git(clone.folder, "config", "extensions.partialClone", "origin")
    assert COMMIT_TAG not in deployment.tick()
    assert any("no run is held to a commit" in one and "clone without --filter" in one for one in caplog.messages)


def test_the_command_line_tags_its_runs(deployment: Deployment, clone: Clone) -> None:
    head = clone.commit("one")
    report, _ = provision(STACK, base_path=clone.folder, options=ApplyOptions(), desired=open_repository(clone.folder))
    run = deployment.instance.get_run_by_id(report.run_id)
    assert (report.success, run.tags[COMMIT_TAG] if run else None) == (True, head), report.error


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        (Revision(), "nobody can tell which one this is"),
        (Revision("a" * 40, "b" * 12, files=("stacks/dev.yaml",)), f"commit {'a' * 40} does not have what is here"),
    ],
)
def test_what_no_commit_has_is_not_queued(revision: Revision, said: str) -> None:
    with pytest.raises(GuardError, match=said) as refused:
        queue(STACK, url="http://127.0.0.1:9", revision=revision, deep=False, timeout=1)
    assert "leave --queue away" in refused.value.diagnostics()


def test_the_schedule_decides_at_a_commit_too(deployment: Deployment, clone: Clone) -> None:
    head = clone.commit("one")
    spec = open_repository(clone.folder).specs[STACK]
    resources = build_definitions().resources or {}
    with (
        dg.build_resources({**resources}, instance=deployment.instance) as made,
        dg.build_schedule_context(
            instance=deployment.instance,
            resources={"secrets_pipeline_stacks": made.secrets_pipeline_stacks},
            scheduled_execution_time=latest(spec, datetime(2030, 1, 1, 12, 0, tzinfo=UTC)),
        ) as context,
    ):
        (schedule,) = (one for one in build_definitions().schedules or () if isinstance(one, dg.ScheduleDefinition))
        found: Any = schedule(context)
        assert [one.tags[COMMIT_TAG] for one in found] == [head]


def _called(file: Path) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {ast.unparse(call.func).rpartition(".")[2] for call in calls}


def test_every_module_that_requests_runs_says_at_which_commit() -> None:
    package = Path(build.__file__).parent
    requesting = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if {"run_request", "RunRequest"} & _called(file)
    }
    # The first makes requests, the others hand them to a sensor.
    handing = {"shared/run_requests.py", "rotation/event_runs.py", "rotation/access_runs.py", "rotation/repair_op.py"}
    handing |= {"polling/rotations.py", "polling/databases.py", "polling/rollouts.py"}
    # It repeats runs, at the commit of each.
    handing |= {"ended_runs/repeating.py"}
    left = requesting - handing | {"rotation/event_sensor.py", "polling/sensor.py"}
    assert [file for file in sorted(left) if "stack_tags(" not in (package / file).read_text()] == []


def test_the_component_names_the_commit_that_is_read_of_a_clone(deployment: Deployment, clone: Clone) -> None:
    first = clone.commit("one")
    clone.commit("two")
    clone.write("edited")
    built = build_definitions(asked=Asked(base_path=clone.folder, commit=first))
    with dg.build_resources({**(built.resources or {})}, instance=deployment.instance) as made:
        desired = made.secrets_pipeline_stacks.read()
        assert (str(desired.revision), desired.read_file("said.txt")) == (first, "one in a file")
    for commit, said in (("f" * 40, "cannot be read"), ("main", "is no commit")):
        built = build_definitions(asked=Asked(base_path=clone.folder, commit=commit))
        with (
            dg.build_resources({**(built.resources or {})}, instance=deployment.instance) as made,
            pytest.raises(SecretsPipelineError, match=said),
        ):
            made.secrets_pipeline_stacks.read()


def test_the_component_names_the_commit_of_an_image(deployment: Deployment, clone: Clone) -> None:
    clone.write("one")
    built = build_definitions(asked=Asked(base_path=clone.folder, commit="c" * 40))
    with dg.build_resources({**(built.resources or {})}, instance=deployment.instance) as made:
        assert str(made.secrets_pipeline_stacks.read().revision) == "c" * 40


def read_all(deployment: Deployment, run: dg.DagsterRun) -> bool:
    """Whether a run, which succeeded, says that it read all stacks."""
    assert run.status is SUCCESS, deployment.said(run)
    said = [entry.message for entry in deployment.instance.all_logs(run.run_id)]
    return any(line.startswith("all stacks are read, as the index") for line in said)


def test_who_may_only_read_writes_no_index_into_a_bucket(
    deployment: Deployment, clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clone.commit("one")
    assert deployment.ran().status is SUCCESS
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="seals-of-readers")
    settings = tmp_path / "of-readers.yaml"
    for read_only, written in ((True, 0), (False, 1)):
        monkeypatch.setattr(run_commit, "INDEX_WRITER", IndexWriter())
        said = {"read_only": read_only, "grants": [{"preset": "single-team"}], "seals": {"bucket": "seals-of-readers"}}
        settings.write_text(yaml.safe_dump(said))
        stacks = Stacks(clone.folder, Sessions(), ApplyOptions(), tmp_path / "seals", settings_file=settings)
        assert stacks.keep_index(stacks.read()).proven == written
        assert s3.list_objects_v2(Bucket="seals-of-readers")["KeyCount"] == written


def test_a_run_looks_other_stacks_up_where_the_sensor_has_written_an_index_of_what_is_there(
    deployment: Deployment, clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test may have asked an account that is empty now.
    monkeypatch.setattr(run_commit, "INDEX_WRITER", IndexWriter())
    indexes = Path(deployment.instance.root_directory) / "indexes"
    clone.commit("one")
    assert read_all(deployment, deployment.ran())
    assert not indexes.exists()
    deployment.tick()
    (index,) = indexes.iterdir()
    assert not read_all(deployment, deployment.ran())
    # A check-only run does as well.
    assert not read_all(deployment, deployment.ran(job="verify"))
    # What is edited and not committed gets no index.
    clone.write("edited")
    deployment.tick(deployment.cursor)
    run = deployment.ran()
    assert ("+" in run.tags[COMMIT_TAG], read_all(deployment, run)) == (True, True)
    assert values() == ("edited", "edited in a file")
    clone.commit("edited")
    deployment.tick(deployment.cursor)
    assert not read_all(deployment, deployment.ran())
    index.write_bytes(index.read_bytes().replace(b"decided/dev/token", b"decided/dev/taken"))
    assert read_all(deployment, deployment.ran())
