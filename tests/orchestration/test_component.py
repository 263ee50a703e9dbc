"""The component in a Dagster project of somebody else: its paths, what acts by itself, and one a project."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType

import definitions
from secrets_pipeline.orchestration import SecretsPipelineComponent, code_location
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.shared.names import Names
from tests.cli.conftest import ATMOS, DEV, write
from tests.gits import committed
from tests.orchestration.conftest import sensor_named

PROJECT = """
    [tool.dg]
    directory_type = "project"
    [tool.dg.project]
    root_module = "their_project"
"""
YAML = """
    type: secrets_pipeline.orchestration.SecretsPipelineComponent
    attributes:
"""
HOST = """
import dagster as dg


@dg.op(required_resource_keys={"aws"})
def look(context):
    pass


@dg.job
def daily():
    look()


@dg.asset
def report():
    pass


defs = dg.Definitions(
    assets=[report],
    jobs=[daily],
    schedules=[dg.ScheduleDefinition(job=daily, cron_schedule="0 6 * * *")],
    executor=dg.multiprocess_executor,
    resources={
        name: f"their {name}"
        for name in ("aws", "stacks", "names", "progress", "rotation_watch", "applying", "alerting", "sealed")
    },
)
"""

Project = Callable[..., dg.Definitions]


@pytest.fixture(autouse=True)
def code_server() -> None:
    """Definitions are loaded as a code server does, whatever a test before this one has loaded them for."""
    DefinitionsLoadContext.set(DefinitionsLoadContext(load_type=DefinitionsLoadType.INITIALIZATION))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Loads a project with the attributes of each of its components; the environment names nothing that exists."""
    for name in ("SECRETS_PIPELINE_FROM_FILE", "SECRETS_PIPELINE_FROM_ATMOS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("ATMOS_BASE_PATH", "SECRETS_PIPELINE_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "none"))

    def loaded(**components: str) -> dg.Definitions:
        write(tmp_path / "project" / "pyproject.toml", PROJECT)
        defs = tmp_path / "project" / "their_project" / "defs"
        for name, attributes in components.items():
            write(defs / name / "defs.yaml", YAML)
            with (defs / name / "defs.yaml").open("a") as file:
                file.write(f"  {attributes}\n")
        for package in (defs.parent, defs):
            (package / "__init__.py").touch()
        monkeypatch.syspath_prepend(str(defs.parents[1]))
        for module in ("their_project", "their_project.defs"):
            monkeypatch.delitem(sys.modules, module, raising=False)
        return dg.load_from_defs_folder(path_within_project=defs)

    return loaded


def test_paths_begin_at_the_file_that_says_them(project: Project, tmp_path: Path) -> None:
    write(tmp_path / "atmos" / "atmos.yaml", ATMOS)
    write(tmp_path / "atmos" / "stacks" / "dev.yaml", DEV)
    operator = 'apply_on_change: ["*-dev"]\nalerts: {dagster_url: "https://dagster.example"}'
    write(tmp_path / "project" / "their_project" / "defs" / "secrets" / "operator.yaml", operator)
    built = project(secrets="{repository: ../../../../atmos, operator_settings: operator.yaml}")
    kept = dict(built.resources or {})
    with (
        dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance,
        dg.build_resources(kept) as made,
        dg.build_sensor_context(
            instance=instance, resources={"secrets_pipeline_stacks": made.secrets_pipeline_stacks}
        ) as context,
    ):
        tick: Any = sensor_named("stack_change_sensor")(context)
        assert made.secrets_pipeline_alerting.link("/runs") == "https://dagster.example/runs"
    (partitions,) = tick.dynamic_partitions_requests
    assert partitions.partition_keys == ["shop-dev"]
    # The operator's settings let it be applied.
    assert [request.job_name for request in tick.run_requests] == ["provision"]


@pytest.mark.parametrize(
    ("attributes", "sensors", "schedules"),
    [("{}", True, True), ("{include: []}", False, False), ("{include: [schedules]}", False, True)],
)
def test_what_acts_by_itself_is_chosen_and_the_rest_is_always_there(
    project: Project, attributes: str, *, sensors: bool, schedules: bool
) -> None:
    built, whole = project(secrets=attributes), build_definitions()
    assert bool(built.sensors) is sensors
    assert bool(built.schedules) is schedules
    assert {job.name for job in built.jobs or ()} == {job.name for job in whole.jobs or ()}
    graph = built.resolve_asset_graph()
    assert set(graph.get_all_asset_keys()) == set(whole.resolve_asset_graph().get_all_asset_keys())
    assert len(graph.asset_check_keys) == len(whole.resolve_asset_graph().asset_check_keys) > 0
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


@pytest.mark.parametrize(("attributes", "published"), [("{}", True), ("{publish: []}", False)])
def test_secrets_are_published_by_an_attribute_or_the_environment(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attributes: str, *, published: bool
) -> None:
    write(tmp_path / "atmos" / "atmos.yaml", ATMOS)
    write(tmp_path / "atmos" / "stacks" / "dev.yaml", DEV)
    monkeypatch.delenv("SECRETS_PIPELINE_CONFIG")
    monkeypatch.setenv("ATMOS_BASE_PATH", str(tmp_path / "atmos"))
    monkeypatch.setenv("SECRETS_PIPELINE_PUBLISH", "shop/*")
    keys = {key.to_user_string() for key in project(secrets=attributes).resolve_asset_graph().get_all_asset_keys()}
    assert any(key.startswith("secret/shop/") for key in keys) is published


def test_a_project_keeps_its_executor_and_its_resources_beside_it(project: Project, tmp_path: Path) -> None:
    write(tmp_path / "project" / "their_project" / "defs" / "host.py", HOST)
    built = project(secrets="{name: payments}")
    jobs = {job.name: job for job in built.resolve_all_job_defs()}
    ours = {name for name in jobs if name.startswith("payments_")}
    assert {job.name for job in build_definitions(names=Names("payments")).jobs or ()} == ours
    assert {jobs[name].executor_def.name for name in ours} == {"in_process"}
    theirs = {name: jobs[name].executor_def.name for name in jobs.keys() - ours}
    assert theirs == {"daily": "multiprocess", "__ASSET_JOB": "multiprocess"}
    assert dict(built.resources or {})["aws"] == "their aws"


def test_a_code_location_of_nothing_else_also_materializes_in_one_process() -> None:
    for defs in (definitions.defs, code_location.defs):
        assert {job.executor_def.name for job in defs.resolve_all_job_defs()} == {"in_process"}


def test_two_repositories_in_one_project_are_refused(project: Project) -> None:
    with pytest.raises(Exception, match="Error while building definitions") as caught:
        project(secrets="{repository: /one}", other="{}")
    said = str(caught.value.__cause__)
    assert "a code location serves one Atmos repository, and this project names 2" in said
    assert "/one" in said
    assert "that of ATMOS_BASE_PATH" in said
    assert "Make a project for each" in said


def test_an_unknown_attribute_is_refused(project: Project) -> None:
    with pytest.raises(Exception, match="Error while loading component") as caught:
        project(secrets="{repositry: /one}")
    assert "repositry" in str(caught.value.__cause__)


def test_every_field_is_described_where_dg_and_the_ui_show_it() -> None:
    schema = SecretsPipelineComponent.get_model_cls().model_json_schema()  # type: ignore[union-attr] # it has one
    assert set(schema["properties"]) == {
        "repository",
        "operator_settings",
        "name",
        "owners",
        "retire_many",
        "publish",
        "include",
    }
    assert all(field["description"] and field["examples"] for field in schema["properties"].values())


def test_a_repository_may_be_named_with_its_commit_and_where_commits_are_kept(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "atmos"
    write(folder / "atmos.yaml", ATMOS)
    write(folder / "stacks" / "dev.yaml", DEV)
    monkeypatch.setenv("THEIR_COMMIT", commit := committed(folder))
    write(folder / "stacks" / "dev.yaml", "no: stack")
    committed(folder)
    monkeypatch.delenv("SECRETS_PIPELINE_CONFIG")
    named = "{path: ../../../../atmos, commit: '{{ env.THEIR_COMMIT }}', checkouts: ../../../../kept}"
    built = project(secrets=f"{{repository: {named}}}")
    kept = dict(built.resources or {})
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance, dg.build_resources(kept, instance) as made:
        desired = made.secrets_pipeline_stacks.read()
        assert (str(desired.revision), list(desired.specs)) == (commit, ["shop-dev"])
        assert desired.base_path == tmp_path / "kept" / commit
