"""Partitions and runs follow the YAML: what was applied is compared, whatever happened while nobody looked."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import dagster as dg
import pytest

from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.stacks.partitions import Keys, compare_keys
from secrets_pipeline.orchestration.stacks.sensors import stack_change_sensor_for
from tests.orchestration.conftest import Repository

VARIABLES = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333"}


def sensor_of(names: Names, *, retire_many: bool = False) -> dg.SensorDefinition:
    (provision,) = (job for job in jobs(names) if job.name == names.of("provision"))
    return stack_change_sensor_for(names, provision, retire_many=retire_many)


class Daemon:
    """Evaluates the sensor as the daemon does: its cursor is kept, its requests are done."""

    def __init__(self, repository: Repository, instance: dg.DagsterInstance) -> None:
        self.repository, self.instance = repository, instance
        self.names = PLAIN
        self.sensor = sensor_of(PLAIN)
        self.skipped: dg.SkipReason | None = None
        self.cursor: str | None = None
        self.asked: set[str] = set()

    def tick(self) -> list[str]:
        """Stacks that runs are requested for, without what Dagster drops for its key."""
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"secrets_pipeline_stacks": self.repository.stacks()},
        ) as context:
            result: Any = self.sensor(context)
        for request in result.dynamic_partitions_requests:
            change = getattr(self.instance, "add_dynamic_partitions", None)
            if isinstance(request, dg.DeleteDynamicPartitionsRequest):
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition(request.partitions_def_name, key)
            elif change:
                change(request.partitions_def_name, request.partition_keys)
        self.cursor, self.skipped = result.cursor, result.skip_reason
        requested = [request for request in result.run_requests or () if request.run_key not in self.asked]
        self.asked |= {request.run_key for request in requested}
        assert all(request.job_name == self.names.of("provision") for request in requested)
        return [request.tags["dagster/partition"] for request in requested]

    def partitions(self) -> set[str]:
        return self.names.stacks(self.instance)

    def digest(self, stack: str) -> str:
        return self.repository.desired().specs[stack].digest()

    def apply(self, stack: str, digest: str | None = None) -> None:
        """What the first asset of an apply leaves in the storage, whoever started it."""
        tags = {"dagster/data_version": digest or self.digest(stack)}
        self.instance.report_runless_asset_event(dg.AssetMaterialization("stack_config", partition=stack, tags=tags))

    def observed(self, stack: str) -> list[str]:
        """What the sensor says of a stack, where people look."""
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("atmos_stack"), asset_partitions=[stack])
        records = self.instance.fetch_observations(wanted, limit=5).records
        said = [one.asset_observation.description for one in records if one.asset_observation]
        return [one for one in said if one]

    def waiting(self, stack: str) -> dg.DagsterRun:
        """A run that has not begun."""
        return self.instance.add_run(dg.DagsterRun("provision", run_id=str(uuid4()), tags={PARTITION_TAG: stack}))

    def end(self, run: dg.DagsterRun, digest: str) -> None:
        """What a run leaves in the storage that has waited, and applied what it was decided by."""
        self.apply(run.tags[PARTITION_TAG], digest)
        self.instance.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", "provision"), run.run_id)


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


def test_a_change_while_a_run_waits_is_looked_at_again_when_that_run_has_applied_what_it_was_decided_by(
    daemon: Daemon,
) -> None:
    daemon.apply("a")
    daemon.apply("b")
    assert daemon.tick() == []
    digests, runs = {}, {}
    for length in (30, 40):
        edit(daemon, "a", length)
        assert daemon.tick() == ["a"]
        digests[length], runs[length] = daemon.digest("a"), daemon.waiting("a")
    # Back to what the first of the runs will apply, and the second then takes away.
    edit(daemon, "a", 30)
    assert daemon.tick() == []
    daemon.end(runs[30], digests[30])
    assert daemon.tick() == []
    assert "looked at again when their run has ended: a" in str(daemon.skipped)
    daemon.end(runs[40], digests[40])
    assert daemon.tick() == ["a"]
    daemon.end(daemon.waiting("a"), digests[30])
    assert daemon.tick() == []
    assert "none changed" in str(daemon.skipped)


def test_what_waits_to_be_applied_is_not_said_while_a_run_may_be_applying_it(daemon: Daemon) -> None:
    daemon.repository.settings = {}
    daemon.apply("a")
    daemon.tick()
    edit(daemon, "a", 30)
    run = daemon.waiting("a")
    for _ in range(2):
        daemon.tick()
    assert daemon.observed("a") == []
    edit(daemon, "a", 40)
    daemon.end(run, daemon.digest("a"))
    edit(daemon, "a", 50)
    for _ in range(2):
        daemon.tick()
    assert len(daemon.observed("a")) == 1


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
    (said,) = daemon.observed("a")
    assert "secrets-pipeline apply -s a" in said


def test_a_change_from_before_the_operator_let_changes_be_applied_is_applied_then(daemon: Daemon) -> None:
    daemon.repository.settings = {"apply_on_change": ["b*"]}
    daemon.apply("a")
    daemon.apply("b")
    edit(daemon, "a", 30)
    assert daemon.tick() == []
    daemon.repository.settings = {"apply_on_change": ["*"]}
    assert daemon.tick() == ["a"]


def test_a_stack_that_never_was_without_errors_is_retired_with_the_repository_as_any_other(daemon: Daemon) -> None:
    edit(daemon, "a", 2)
    assert daemon.tick() == ["b"]
    assert daemon.partitions() == {"a", "b"}
    del daemon.repository.tree["a"]
    daemon.tick()
    assert daemon.partitions() == {"b"}


def test_what_somebody_else_added_is_not_retired(daemon: Daemon) -> None:
    daemon.instance.add_dynamic_partitions(PLAIN.of("stacks"), ["theirs-1", "theirs-2"])
    daemon.tick()
    daemon.tick()
    assert daemon.partitions() == {"a", "b", "theirs-1", "theirs-2"}


def test_two_repositories_on_one_instance_keep_their_partitions_apart(
    daemon: Daemon, repository: Repository, instance: dg.DagsterInstance
) -> None:
    other = Daemon(repository, instance)
    other.names = Names("payments")
    other.sensor = sensor_of(other.names)
    daemon.tick()
    repository.tree = {"x": secrets("x")}
    assert other.tick() == ["x"]
    assert (daemon.partitions(), other.partitions()) == ({"a", "b"}, {"x"})


def test_partitions_are_kept_where_most_stacks_are_gone_at_once_until_it_is_said_that_this_is_meant(
    daemon: Daemon,
) -> None:
    repository = daemon.repository
    repository.settings = {}
    repository.tree = {name: secrets(name) for name in ("a", "b", "c", "d")}
    daemon.tick()
    # As a daemon sees it that was started with another folder.
    repository.tree = {"z": secrets("z")}
    daemon.tick()
    assert daemon.partitions() == {"a", "b", "c", "d", "z"}
    assert "gone, and kept as they are too many: a, b, c, d" in str(daemon.skipped)
    daemon.tick()
    assert daemon.partitions() == {"a", "b", "c", "d", "z"}
    daemon.sensor = sensor_of(PLAIN, retire_many=True)
    daemon.tick()
    assert daemon.partitions() == {"z"}


def test_as_many_stacks_of_another_folder_do_not_make_the_guard_forget(daemon: Daemon) -> None:
    repository = daemon.repository
    repository.settings = {}
    repository.tree = {name: secrets(name) for name in ("a", "b", "c", "d")}
    daemon.tick()
    repository.tree = {name: secrets(name) for name in ("w", "x", "y", "z")}
    for _ in range(3):
        daemon.tick()
        assert daemon.partitions() == {"a", "b", "c", "d", "w", "x", "y", "z"}
    # Back in the right folder, what was seen declared there leaves again, and nothing else.
    repository.tree = {name: secrets(name) for name in ("a", "b", "c", "d")}
    daemon.tick()
    daemon.tick()
    assert daemon.partitions() == {"a", "b", "c", "d"}
    del repository.tree["d"]
    daemon.tick()
    assert daemon.partitions() == {"a", "b", "c"}


def test_up_to_half_of_the_partitions_are_retired_at_once() -> None:
    assert compare_keys({"a", "b"}, {"a"}, {"a", "b"}, many=False) == Keys((), ("b",))
    assert compare_keys({"a"}, {"b"}, {"a"}, many=False) == Keys(("b",), (), ("a",))
    assert compare_keys({"a"}, {"b"}, {"a"}, many=True) == Keys(("b",), ("a",))
    assert compare_keys({"a"}, set(), set(), many=True) == Keys()
