"""Partitions and runs follow the YAML: what was applied is compared, whatever happened while nobody looked."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.orchestration.shared.partitions import STACKS
from secrets_pipeline.orchestration.shared.resources import AwsSessions
from secrets_pipeline.orchestration.stacks.sensors import stack_change_sensor
from tests.orchestration.conftest import Repository

VARIABLES = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333"}


class Daemon:
    """Evaluates the sensor as the daemon does: its cursor is kept, its requests are done."""

    def __init__(self, repository: Repository, instance: dg.DagsterInstance) -> None:
        self.repository, self.instance = repository, instance
        self.cursor: str | None = None
        self.asked: set[str] = set()

    def tick(self) -> list[str]:
        """Stacks that runs are requested for, without what Dagster drops for its key."""
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"stacks": self.repository.stacks(AwsSessions())},
        ) as context:
            result: Any = stack_change_sensor(context)
        for request in result.dynamic_partitions_requests:
            change = getattr(self.instance, "add_dynamic_partitions", None)
            if isinstance(request, dg.DeleteDynamicPartitionsRequest):
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition(str(STACKS.name), key)
            elif change:
                change(str(STACKS.name), request.partition_keys)
        self.cursor = result.cursor
        requested = [request for request in result.run_requests or () if request.run_key not in self.asked]
        self.asked |= {request.run_key for request in requested}
        assert all(request.job_name == "provision" for request in requested)
        return [request.tags["dagster/partition"] for request in requested]

    def partitions(self) -> set[str]:
        return set(self.instance.get_dynamic_partitions(str(STACKS.name)))

    def apply(self, stack: str) -> None:
        """What the first asset of an apply leaves in the storage, whoever started it."""
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                "stack_config",
                partition=stack,
                tags={"dagster/data_version": self.repository.desired().specs[stack].digest()},
            )
        )


def secrets(stack: str, length: int = 24) -> dict[str, dict[str, Any]]:
    token = {"generate_random_password": True, "random_password_length": length}
    return {"secretsmanager": {"context_name": stack, **VARIABLES, "secrets": {"token": token}}}


@pytest.fixture
def daemon(repository: Repository, instance: dg.DagsterInstance) -> Daemon:
    repository.tree = {"a": secrets("a"), "b": secrets("b")}
    repository.settings = {"apply_on_change": True}
    return Daemon(repository, instance)


def edit(daemon: Daemon, stack: str, length: int) -> None:
    daemon.repository.tree[stack] = secrets(stack, length)


def test_partitions_come_and_go_with_the_stacks_and_new_stacks_are_applied_in_the_same_tick(daemon: Daemon) -> None:
    assert daemon.tick() == ["a", "b"]
    assert daemon.partitions() == {"a", "b"}
    del daemon.repository.tree["b"]
    assert daemon.tick() == []
    assert daemon.partitions() == {"a"}


def test_only_a_stack_whose_desired_state_changed_is_applied(daemon: Daemon) -> None:
    for stack in daemon.tick():
        daemon.apply(stack)
    assert daemon.tick() == []
    edit(daemon, "b", 30)
    assert daemon.tick() == ["b"]
    assert daemon.tick() == []


def test_a_change_while_the_daemon_was_down_is_not_lost_nor_is_a_cursor_needed_to_see_it(daemon: Daemon) -> None:
    for stack in daemon.tick():
        daemon.apply(stack)
    edit(daemon, "a", 30)
    daemon.cursor = None
    assert daemon.tick() == ["a"]


def test_what_was_applied_by_hand_is_not_applied_again(daemon: Daemon) -> None:
    daemon.apply("a")
    daemon.apply("b")
    assert daemon.tick() == []
    edit(daemon, "a", 30)
    daemon.apply("a")
    assert daemon.tick() == []


def test_going_back_to_an_earlier_state_is_a_change_as_well(daemon: Daemon) -> None:
    for length in (24, 30, 24, 30):
        edit(daemon, "a", length)
        assert "a" in daemon.tick()
        daemon.apply("a")


def test_a_failed_run_is_not_requested_again_until_the_yaml_changes(daemon: Daemon) -> None:
    daemon.tick()
    daemon.cursor = None
    assert daemon.tick() == []
    edit(daemon, "a", 30)
    assert daemon.tick() == ["a"]


def test_a_stack_with_errors_requests_nothing_keeps_its_partition_and_is_looked_at_once_it_is_repaired(
    daemon: Daemon,
) -> None:
    for stack in daemon.tick():
        daemon.apply(stack)
    edit(daemon, "a", 2)
    assert daemon.tick() == []
    assert daemon.partitions() == {"a", "b"}
    edit(daemon, "a", 24)
    assert daemon.tick() == []
    edit(daemon, "a", 30)
    assert daemon.tick() == ["a"]


def test_by_default_a_change_is_said_and_nothing_is_applied(daemon: Daemon) -> None:
    daemon.repository.settings = {}
    assert daemon.tick() == []
    daemon.apply("a")
    edit(daemon, "a", 30)
    assert daemon.tick() == []
    assert daemon.tick() == []
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("stack_config"), asset_partitions=["a"])
    (record,) = daemon.instance.fetch_observations(wanted, limit=5).records
    assert record.asset_observation is not None
    assert "secrets-pipeline apply -s a" in (record.asset_observation.description or "")


def test_a_change_from_before_the_operator_let_changes_be_applied_is_applied_then(daemon: Daemon) -> None:
    daemon.repository.settings = {"apply_on_change": ["b*"]}
    daemon.apply("a")
    daemon.apply("b")
    edit(daemon, "a", 30)
    assert daemon.tick() == []
    daemon.repository.settings = {"apply_on_change": ["*"]}
    assert daemon.tick() == ["a"]
