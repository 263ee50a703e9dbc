from __future__ import annotations

import ast
import inspect
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster_aws.ecs import launcher as dagsters

from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.errors import GuardError
from secrets_pipeline.orchestration.launching.ecs import REFUSED_TAGS, GuardedEcsRunLauncher
from tests.embedded import lead_to


@pytest.fixture
def launcher(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> GuardedEcsRunLauncher:
    lead_to(aws, monkeypatch)
    return GuardedEcsRunLauncher(secrets_tag="")


@pytest.mark.parametrize("tag", REFUSED_TAGS)
@pytest.mark.parametrize("method", ["launch_run", "resume_run"])
def test_a_run_that_chooses_its_task_is_not_started(launcher: GuardedEcsRunLauncher, tag: str, method: str) -> None:
    run = dg.DagsterRun(job_name="provision", tags={tag: '{"command": ["sh"]}', "ecs/cpu": "512"})
    with pytest.raises(GuardError, match=f"a run may not choose its task: {tag}"):
        getattr(launcher, method)(SimpleNamespace(dagster_run=run))


def test_nothing_else_that_the_launcher_reads_from_tags_chooses_a_command_a_role_or_a_network() -> None:
    read = {"ecs/cpu", "ecs/memory", "ecs/ephemeral_storage", "ecs/task_arn", "ecs/cluster"}
    assert tags_in_source() == read | set(REFUSED_TAGS)


def tags_in_source() -> set[str]:
    """Every tag of ECS that Dagster's launcher names."""
    tree = ast.parse(inspect.getsource(dagsters))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if text.startswith("ecs/")}
