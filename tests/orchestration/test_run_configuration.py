"""Whoever may launch a run in the UI decides neither which repository is read nor what is taken over or deleted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.in_process.running import provision
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.orchestration.deployed import schema
from tests.runs import assert_applied

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

STACK = "configured-dev"
ASKED: Mapping[str, object] = {
    "adopt": True,
    "prune": True,
    "base_path": "/elsewhere",
    "from_file": "/elsewhere/x.json",
    "from_atmos": True,
}
"""What the command line may ask for."""


@pytest.fixture
def secrets(
    repository: Repository, aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> SecretsManagerClient:
    """A stack of two secrets, applied; then one left the YAML, and one came that somebody else has made."""
    lead_to(aws, monkeypatch, DAGSTER_HOME=str(tmp_path / "home"))
    declared: dict[str, Any] = {"kept": {"generate_random_password": True}, "gone": {"generate_random_password": True}}
    place = {"environment": "dev", "region": aws.region, "account_id": aws.account_id, "context_name": "configured"}
    repository.tree = {STACK: {"secretsmanager": {**place, "secrets": declared}}}
    report, _ = provision(STACK, base_path=tmp_path, options=ApplyOptions(), desired=repository.desired())
    assert_applied(report)
    made = boto3.client("secretsmanager")
    made.create_secret(Name="configured/dev/theirs", SecretString="somebody else's")
    del declared["gone"]
    declared["theirs"] = {"generate_random_password": True}
    repository.write()
    return made


def untouched(secrets: SecretsManagerClient) -> bool:
    """Whether nothing was pruned and nothing taken over."""
    theirs = secrets.describe_secret(SecretId="configured/dev/theirs")
    return "DeletedDate" not in secrets.describe_secret(SecretId="configured/dev/gone") and not theirs.get("Tags")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkspaceProcessContext]:
    """The webserver's side of the definitions, without a server."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name="definitions")
    location = InProcessCodeLocationOrigin(target, location_name="secrets_pipeline")
    home = tmp_path_factory.mktemp("webserver")
    with (
        dg.DagsterInstance.local_temp(str(home)) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(location)) as made,
    ):
        instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])
        yield made


def launched(workspace: WorkspaceProcessContext, job: str, config: Mapping[str, object]) -> dict[str, Any]:
    """What the launchpad is answered."""
    context = workspace.create_request_context()
    (location,) = context.code_locations
    (name,) = location.get_repositories()
    selector = {"repositoryLocationName": location.name, "repositoryName": name, "pipelineName": job}
    tags = [{"key": PARTITION_TAG, "value": STACK}]
    params = {"selector": selector, "runConfigData": config, "executionMetadata": {"tags": tags}}
    answer = asyncio.run(schema().execute_async(LAUNCH, context_value=context, variable_values={"params": params}))
    assert not answer.errors, answer.errors
    found: dict[str, Any] = answer.data["launchRun"]
    return found


LAUNCH = """mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PythonError { message }
  }
}"""
JOBS_WITH_STACKS = sorted({job.name for job in jobs(PLAIN)})


@pytest.mark.parametrize("option", ASKED)
def test_the_launchpad_refuses_it_for_every_job(workspace: WorkspaceProcessContext, option: str) -> None:
    for job in JOBS_WITH_STACKS:
        config = {"config": {option: ASKED[option]}}
        answer = launched(workspace, job, {"resources": {"secrets_pipeline_stacks": config}})
        assert answer["__typename"] == "RunConfigValidationInvalid", (job, answer)
        assert any(f'unexpected config entry "{option}"' in one["message"] for one in answer["errors"]), (job, answer)
    assert workspace.instance.get_runs_count() == 0


def test_every_field_of_the_launchpad_is_described() -> None:
    built = build_definitions()
    for name in JOBS_WITH_STACKS:
        config: Any = built.resolve_job_def(name).run_config_schema.config_type
        for part in ("resources", "ops"):
            fields = config.fields[part].config_type.fields
            for one in (field for called, field in fields.items() if called != "io_manager"):
                inner = getattr(one.config_type, "fields", {}).get("config")
                for field, said in getattr(inner and inner.config_type, "fields", {}).items():
                    assert said.description, (name, part, field)


@pytest.mark.parametrize("job", ["plan", "rotate_secrets", "on_outside_change", "on_rotation_failure"])
def test_a_job_that_is_launched_without_a_stack_says_what_to_choose(job: str) -> None:
    config = {"ops": {"rotate": {"config": {"secrets": ["a/dev/b"]}}}} if job == "rotate_secrets" else {}
    made = build_definitions().resolve_job_def(job).execute_in_process(run_config=config, raise_on_error=False)
    (failure,) = [event.step_failure_data.user_failure_data for event in made.all_events if event.is_step_failure]
    assert failure is not None
    assert "choose a partition in the launchpad" in str(failure.description)


def test_nothing_can_be_configured_but_what_is_to_be_rotated() -> None:
    built = build_definitions()
    found = set()
    for name in JOBS_WITH_STACKS:
        config: Any = built.resolve_job_def(name).run_config_schema.config_type
        for part in ("resources", "ops"):
            for called, one in config.fields[part].config_type.fields.items():
                inner = getattr(one.config_type, "fields", {}).get("config")
                fields = getattr(inner and inner.config_type, "fields", {})
                found |= {(name, called, field) for field in fields if called != "io_manager"}
    assert found == {("rotate_secrets", "rotate", "secrets"), ("rotate_secrets", "rotate", "seconds")}


def test_the_launchpad_of_a_rotation_begins_with_the_secrets_of_the_stack_that_rotate(repository: Repository) -> None:
    rotates = {"generate_random_password": True, "rotation": {"managed": True, "automatically_after_days": 30}}
    place = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333", "context_name": "configured"}
    generated, written = {"generate_random_password": True}, {"secret_data": "x"}
    repository.tree = {
        "a-dev": {"secretsmanager": {**place, "secrets": {"turns": rotates, "stays": generated}}},
        "b-dev": {"secretsmanager": {**place, "environment": "b", "secrets": {"one": generated, "two": written}}},
    }
    repository.write()
    made = build_definitions().resolve_job_def("rotate_secrets").partitioned_config
    assert made is not None
    names = {
        stack: made.get_run_config_for_partition_key(stack)["ops"]["rotate"]["config"]["secrets"]
        for stack in repository.tree
    }
    assert names == {"a-dev": ["configured/dev/turns"], "b-dev": ["configured/b/one"]}


def test_a_run_that_adopted_and_pruned_does_neither_when_it_is_executed_again_whatever_its_tags_say(
    secrets: SecretsManagerClient, repository: Repository, tmp_path: Path
) -> None:
    declared = repository.tree[STACK]["secretsmanager"]["secrets"]
    theirs = declared.pop("theirs")
    declared["gone"] = {"generate_random_password": True}
    options = ApplyOptions(adopt=("*",), prune=True)
    report, _ = provision(STACK, base_path=tmp_path, options=options, desired=repository.desired())
    assert_applied(report)
    del declared["gone"]
    declared["theirs"] = theirs
    repository.write()
    with open_instance() as instance:
        ran = instance.get_run_by_id(report.run_id)
        assert ran is not None
        tags = {**ran.tags, **{f"{prefix}{name}": "true" for name in ASKED for prefix in ("", "secrets-pipeline/")}}
        again = (
            build_definitions()
            .resolve_job_def("provision")
            .execute_in_process(instance=instance, run_config=ran.run_config, tags=tags, raise_on_error=False)
        )
    assert "kept" in str([event.event_specific_data for event in again.all_events])
    assert untouched(secrets)
    # The command line does both.
    provision(STACK, base_path=tmp_path, options=options, desired=repository.desired())
    assert not untouched(secrets)
