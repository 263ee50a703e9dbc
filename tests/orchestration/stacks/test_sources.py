"""Where the stacks of a run come from: its configuration, else the environment, else the command line's own reading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.orchestration.shared.resources import Asked, Stacks, StacksResource
from secrets_pipeline.stacks import SourceChoice
from tests.orchestration.conftest import sensor_named

VARIABLES = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests."""
    for name in ("SECRETS_PIPELINE_FROM_FILE", "SECRETS_PIPELINE_FROM_ATMOS"):
        monkeypatch.delenv(name, raising=False)


def description(folder: Path, *stacks: str) -> Path:
    """A description of stacks with one secret each."""
    variables = {**VARIABLES, "secrets": {"token": {"generate_random_password": True}}}
    tree = {
        stack: {"components": {"terraform": {"secretsmanager": {"vars": {"context_name": stack, **variables}}}}}
        for stack in stacks
    }
    file = folder / f"{'-'.join(stacks)}.json"
    file.write_text(json.dumps(tree))
    return file


@contextmanager
def stacks(base_path: Path, *, desired: OpenRepository | None = None) -> Iterator[Stacks]:
    asked = dg.ResourceDefinition.hardcoded_resource(Asked(base_path=base_path, desired=desired))
    resource = StacksResource(asked=asked)
    with dg.build_resources({"stacks": resource}) as resources:
        yield resources.stacks


def test_a_run_reads_what_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_FROM_FILE", str(description(tmp_path, "b")))
    with stacks(tmp_path) as made:
        assert set(made.desired.specs) == {"b"}
        assert made.desired.origin == made.origin
    monkeypatch.delenv("SECRETS_PIPELINE_FROM_FILE")
    monkeypatch.setenv("SECRETS_PIPELINE_FROM_ATMOS", "1")
    monkeypatch.setenv("ATMOS_BINARY", str(tmp_path / "no-such-atmos"))
    with stacks(tmp_path) as made, pytest.raises(StackError, match="no-such-atmos was not found"):
        assert made.desired


def test_what_the_command_line_has_read_is_not_read_again(tmp_path: Path) -> None:
    file = description(tmp_path, "a")
    desired = open_repository(tmp_path, origin=SourceChoice(str(file)))
    file.unlink()
    with stacks(tmp_path / "elsewhere", desired=desired) as made:
        assert made.desired is desired
        assert (made.base_path, made.origin) == (tmp_path, desired.origin)


def test_standard_input_is_the_command_lines_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_FROM_FILE", "-")
    with stacks(tmp_path) as made, pytest.raises(StackError, match="standard input"):
        assert made.desired


def test_partitions_follow_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_FROM_FILE", str(description(tmp_path, "a", "b")))
    with (
        stacks(tmp_path) as made,
        dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance,
        dg.build_sensor_context(instance=instance, resources={"secrets_pipeline_stacks": made}) as context,
    ):
        tick: Any = sensor_named("stack_change_sensor")(context)
    (request,) = tick.dynamic_partitions_requests
    assert request.partition_keys == ["a", "b"]
