"""A failed run that can pass is repeated by Dagster's own daemon, also where that gave it up or left it out."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget, InProcessWorkspaceLoadTarget
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster_shared.record import replace

from secrets_pipeline.orchestration.ended_runs.repeating import REPEATS_TAG, REPETITION_TAG, repeated
from secrets_pipeline.orchestration.ended_runs.sensor import _RETRIED_SECONDS
from secrets_pipeline.orchestration.shared.backoff import BACKOFF_SECONDS
from secrets_pipeline.orchestration.shared.dagster_internals import INTERNALS, internal
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG, COMMIT_TAG, DEEP_TAG, SECRETS_TAG
from tests.orchestration.ended_runs import failing
from tests.orchestration.ended_runs.watched import ASSET, ELSE, OWN, READ, Watched

MOST = 2
ASSET_JOB = "__ASSET_JOB"
RULE = "auto_reexecution_should_retry_run"
LAUNCHER = {"module": SyncInMemoryRunLauncher.__module__, "class": SyncInMemoryRunLauncher.__name__}
RETRIES = {"enabled": True, "max_retries": MOST, "retry_on_asset_or_op_failure": False}


class Accounts:
    """Stacks of one account."""

    def asked_as(self, _stack: str) -> str:
        return "account 111122223333"


class Deployment:
    """A code server that may be away, Dagster's daemon that repeats runs, and the sensor of ended runs."""

    def __init__(
        self, instance: dg.DagsterInstance, code: WorkspaceProcessContext, nothing: WorkspaceProcessContext
    ) -> None:
        self.watched = Watched(instance)
        self.watched.stacks = Accounts()
        instance.add_dynamic_partitions(PLAIN.of("stacks"), ["a-dev", "b-dev"])
        self._instance = instance
        self._code = code
        self._nothing = nothing
        # Its first look only notes where the log ends.
        self.retry()

    def died(self, **tags: str) -> dg.DagsterRun:
        """A run whose process is gone, as another sensor found."""
        run = self._made(dg.DagsterRunStatus.STARTED, tags)
        self._instance.report_run_failed(run, "The process is gone.")
        return run

    def died_in(self, status: BulkActionStatus) -> dg.DagsterRun:
        """A run of a backfill that is in this state when Dagster's daemon looks at the run."""
        backfill = PartitionBackfill("kihqixby", status, from_failure=False, tags={}, backfill_timestamp=0.0)
        self._instance.add_backfill(backfill)
        return self.died(**{"dagster/backfill": backfill.backfill_id})

    def raised(self, kind: str, **tags: str) -> dg.DagsterRun:
        """A run whose step raised."""
        run = self._made(dg.DagsterRunStatus.NOT_STARTED, {failing.RAISES: kind, **tags})
        self._instance.launch_run(run.run_id, self._code.create_request_context())
        return run

    def _made(self, status: dg.DagsterRunStatus, tags: Mapping[str, str]) -> dg.DagsterRun:
        (location,) = self._code.create_request_context().code_locations
        (repository,) = location.get_repositories().values()
        job = repository.get_full_job("provision")
        return self._instance.create_run_for_job(
            failing.provision,
            status=status,
            tags={PARTITION_TAG: "a-dev", **tags},
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
        )

    def unasked(self, **tags: str) -> dg.DagsterRun:
        """A run that could not ask AWS."""
        return self.raised("unasked", **{ACCOUNT_TAG: "111122223333", **tags})

    def unasked_of(self, job: str, **chosen: Any) -> dg.DagsterRun:  # noqa: ANN401 - of a run
        """A run of another job, launched in the UI, that could not ask AWS."""
        (location,) = self._code.create_request_context().code_locations
        (repository,) = location.get_repositories().values()
        run = dg.DagsterRun(
            job,
            run_id=str(uuid.uuid4()),
            status=dg.DagsterRunStatus.STARTED,
            tags={PARTITION_TAG: "a-dev", ACCOUNT_TAG: "111122223333", "dagster/max_retries": "0"},
            remote_job_origin=repository.get_full_job("provision").get_remote_origin(),
            **chosen,
        )
        self._instance.add_run(run)
        self.watched.end_unasked(run)
        return run

    def tick(self, *, ahead: float = 0.0) -> list[dg.RunRequest]:
        """What the sensor requests so much later."""
        self.watched.ahead = ahead
        return self.watched.tick()

    def retry(self, *, away: bool = False) -> None:
        """Let Dagster's daemon look at what failed, and start what is queued."""
        list(EventLogConsumerDaemon().run_iteration(self._nothing if away else self._code))
        for run in self._instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
            self._instance.launch_run(run.run_id, self._code.create_request_context())

    def goes_on(self) -> None:
        """Let sensor and daemon look by turns."""
        for _ in range(MOST + 3):
            self.watched.tick()
            self.retry()

    def statuses(self) -> list[str]:
        """Of all runs, the first one first."""
        return [run.status.value for run in reversed(self._instance.get_runs())]


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=failing.__name__)
    code = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(target, location_name="failing"))
    with (
        dg.DagsterInstance.local_temp(str(tmp_path), {"run_launcher": LAUNCHER, "run_retries": RETRIES}) as instance,
        WorkspaceProcessContext(instance, code) as workspace,
        WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as nothing,
    ):
        yield Deployment(instance, workspace, nothing)


def test_a_run_that_died_while_the_code_server_was_away_is_repeated_once(deployment: Deployment) -> None:
    dead = deployment.died()
    deployment.retry(away=True)
    given_up = deployment.watched.instance.get_run_by_id(dead.run_id)
    assert given_up is not None
    assert given_up.tags["dagster/will_retry"] == "false"
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE", "SUCCESS"]
    (again,) = deployment.watched.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    assert (again.parent_run_id, again.tags[PARTITION_TAG]) == (dead.run_id, "a-dev")
    assert deployment.watched.alerts() == []


def test_where_the_code_server_stays_away_dagster_is_asked_once_and_the_failure_is_told(deployment: Deployment) -> None:
    deployment.died()
    for _ in range(4):
        deployment.retry(away=True)
        deployment.watched.tick()
    assert deployment.statuses() == ["FAILURE"]
    (said,) = deployment.watched.alerts()
    assert said.startswith("Apply of a-dev failed: The process is gone.")


def test_a_run_that_dagster_was_to_repeat_and_forgot_is_repeated_after_a_while(deployment: Deployment) -> None:
    deployment.died()
    # A daemon that dies between two of its writes, or an error of the database, moves its cursor on.
    for key in ("RUN_FAILURE", "PIPELINE_FAILURE"):
        newest = str(deployment.watched.instance.event_log_storage.get_maximum_record_id())
        deployment.watched.instance.daemon_cursor_storage.set_cursor_values(
            {f"EVENT_LOG_CONSUMER_CURSOR-{key}": newest}
        )
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE"]
    deployment.watched.ahead = _RETRIED_SECONDS + 1
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE", "SUCCESS"]
    assert deployment.watched.alerts() == []


def test_the_last_run_of_a_backfill_that_died_is_requested_anew_as_dagster_repeats_nothing_of_one_that_is_over(
    deployment: Deployment,
) -> None:
    dead = deployment.died_in(BulkActionStatus.COMPLETED_FAILED)
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE"]
    (again,) = deployment.tick(ahead=_RETRIED_SECONDS + 1)
    assert (again.job_name, again.tags[PARTITION_TAG], again.tags[REPEATS_TAG]) == ("provision", "a-dev", dead.run_id)
    assert "dagster/backfill" not in again.tags
    left = deployment.watched.instance.get_run_by_id(dead.run_id)
    assert left is not None
    assert not left.is_complete_and_waiting_to_retry
    assert deployment.tick(ahead=3 * _RETRIED_SECONDS) == []
    assert deployment.watched.alerts() == []


def test_a_run_of_a_backfill_that_somebody_cancelled_is_not_requested_but_told(deployment: Deployment) -> None:
    deployment.died_in(BulkActionStatus.CANCELED)
    for ahead in (0, _RETRIED_SECONDS + 1, 3 * _RETRIED_SECONDS):
        deployment.retry()
        assert deployment.tick(ahead=ahead) == []
    assert len(deployment.watched.alerts()) == 1


def test_a_run_that_died_within_a_backfill_under_way_is_dagsters_to_repeat(deployment: Deployment) -> None:
    deployment.died_in(BulkActionStatus.REQUESTED)
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE", "SUCCESS"]


def test_a_step_that_failed_by_the_database_is_repeated(deployment: Deployment) -> None:
    deployment.raised("storage")
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE", "SUCCESS"]
    assert deployment.watched.alerts() == []


@pytest.mark.parametrize("kind", ["ours", "any"])
def test_a_step_that_failed_by_anything_else_stays_failed_and_is_told(deployment: Deployment, kind: str) -> None:
    deployment.raised(kind)
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE"]
    assert len(deployment.watched.alerts()) == 1


def test_no_run_is_repeated_more_often_than_the_settings_say(deployment: Deployment) -> None:
    deployment.raised("storage", **{failing.ALWAYS: "true"})
    for _ in range(3):
        deployment.goes_on()
    assert deployment.statuses() == ["FAILURE"] * (1 + MOST)
    assert len(deployment.watched.alerts()) == 1


def test_a_run_that_may_not_be_repeated_and_one_that_said_itself_why_it_fails_are_left(deployment: Deployment) -> None:
    deployment.raised("storage", **{failing.ALERTS: "true"})
    deployment.goes_on()
    deployment.died(**{"dagster/max_retries": "0"})
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE"] * 2


def test_where_dagster_has_no_rule_to_ask_by_name_its_own_repetitions_stand_and_the_failure_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    internal.cache_clear()
    monkeypatch.delattr(import_module(INTERNALS[RULE].module), RULE)
    deployment.raised("storage")
    deployment.goes_on()
    assert deployment.statuses() == ["FAILURE"]
    assert len(deployment.watched.alerts()) == 1
    internal.cache_clear()


DOWN = "AWS account 111122223333 cannot be asked: no answer; 1 stack not looked at"


def test_a_run_that_could_not_ask_aws_is_requested_after_a_pause_once_and_no_alert_of_its_own_says_so(
    deployment: Deployment,
) -> None:
    first = deployment.unasked(**{"team": "payments", "dagster/priority": "3"})
    assert deployment.tick() == []
    assert deployment.watched.alerts() == [DOWN]
    assert deployment.tick(ahead=BACKOFF_SECONDS[0] - 5) == []
    (again,) = deployment.tick(ahead=BACKOFF_SECONDS[0] + 5)
    assert (again.job_name, again.run_key) == ("provision", f"unasked:{first.run_id}")
    assert {tag for tag in again.tags if tag.startswith("dagster/")} == {PARTITION_TAG, "dagster/sensor_name"}
    assert (again.tags["team"], again.tags[PARTITION_TAG]) == ("payments", "a-dev")
    assert (again.tags[REPETITION_TAG], again.tags[REPEATS_TAG]) == ("1", first.run_id)
    assert deployment.tick(ahead=sum(BACKOFF_SECONDS)) == []


def _owning(job: str) -> Own:
    return Own(OWN.jobs | {job}, OWN.assets, OWN.checks)


@pytest.mark.parametrize(("job", "kept"), [("provision", True), ("verify", False), ("on_rotation", False)])
def test_only_what_applies_changes_of_the_yaml_is_repeated_at_its_commit(
    deployment: Deployment, job: str, kept: bool
) -> None:
    failed = deployment.watched.instance.get_run_by_id(deployment.unasked(**{COMMIT_TAG: "c" * 40}).run_id)
    assert failed is not None
    again = repeated(deployment.watched.instance, replace(failed, job_name=job), PLAIN, _owning(job))
    assert again is not None
    assert (COMMIT_TAG in again.tags) is kept


def test_the_pauses_grow_and_after_the_last_a_run_waits_until_the_account_answers(deployment: Deployment) -> None:
    deployment.unasked(**{REPETITION_TAG: str(len(BACKOFF_SECONDS) - 1)})
    assert deployment.tick(ahead=0) == []
    assert deployment.tick(ahead=BACKOFF_SECONDS[-1] - 60) == []
    assert len(deployment.tick(ahead=BACKOFF_SECONDS[-1] + 60)) == 1
    deployment.unasked(**{REPETITION_TAG: str(len(BACKOFF_SECONDS))})
    assert deployment.tick(ahead=0) == []
    assert deployment.tick(ahead=10 * BACKOFF_SECONDS[-1]) == []
    deployment.watched.run({READ: True}, job="verify", stack="b-dev", tags={ACCOUNT_TAG: "111122223333"})
    assert [one.tags[REPETITION_TAG] for one in deployment.tick()] == [str(len(BACKOFF_SECONDS) + 1)]


def test_a_run_is_not_repeated_beside_a_later_one_that_did_the_same_and_its_stack_is_verified(
    deployment: Deployment,
) -> None:
    deployment.unasked()
    deployment.tick()
    deployment.raised("any")
    # Nobody has looked at the stack since.
    assert [one.job_name for one in deployment.tick(ahead=BACKOFF_SECONDS[0] + 5)] == ["verify"]


def test_runs_about_two_secrets_of_a_stack_and_a_deep_one_beside_another_are_each_repeated(
    deployment: Deployment,
) -> None:
    told: list[dict[str, str]] = [{SECRETS_TAG: "x"}, {SECRETS_TAG: "y"}, {DEEP_TAG: "true"}, {}]
    for tags in told:
        deployment.unasked(**tags)
    deployment.unasked_of("provision", run_config={"ops": {"step": {"config": {"only": "this"}}}})
    deployment.tick()
    requested = deployment.tick(ahead=BACKOFF_SECONDS[0] + 5)
    assert [{tag: one.tags[tag] for tag in (SECRETS_TAG, DEEP_TAG) if tag in one.tags} for one in requested] == [
        *told,
        {},
    ]
    assert {one.job_name for one in requested} == {"provision"}


def test_what_the_command_line_ran_is_not_repeated_but_its_stack_is_verified(deployment: Deployment) -> None:
    done = failing.provision.execute_in_process(
        instance=deployment.watched.instance,
        raise_on_error=False,
        tags={failing.RAISES: "unasked", PARTITION_TAG: "a-dev", ACCOUNT_TAG: "111122223333"},
    )
    deployment.watched.instance.add_dynamic_partitions(PLAIN.of("stacks"), ["a-dev"])
    deployment.tick()
    assert deployment.watched.alerts() == [
        "Apply of a-dev failed: GetCallerIdentity failed: EndpointConnectionError",
        DOWN,
    ]
    (again,) = deployment.tick(ahead=BACKOFF_SECONDS[0] + 5)
    assert (again.job_name, again.tags[REPEATS_TAG]) == ("verify", done.run_id)


def test_a_run_of_a_job_that_is_not_ours_is_not_requested_and_its_stack_is_verified(deployment: Deployment) -> None:
    # The host project's, with an asset of ours; one of ours that another version renamed is found by its checks.
    deployment.unasked_of("daily", asset_selection=frozenset({ASSET, dg.AssetKey("hosts_own")}))
    deployment.unasked_of("renamed", asset_check_selection=frozenset({READ}))
    deployment.tick()
    requested = deployment.tick(ahead=BACKOFF_SECONDS[0] + 5)
    assert {(one.job_name, one.tags[PARTITION_TAG]) for one in requested} == {("verify", "a-dev")}


def test_of_what_was_chosen_in_the_ui_only_ours_is_repeated(deployment: Deployment) -> None:
    others = dg.AssetKey("hosts_own")
    both = frozenset({READ, dg.AssetCheckKey(others, "check")})
    deployment.unasked_of(ASSET_JOB, asset_selection=frozenset({ASSET, others}), asset_check_selection=both)
    deployment.unasked_of(ASSET_JOB, asset_selection=frozenset(), asset_check_selection=frozenset({ELSE}))
    deployment.unasked_of("verify", asset_check_selection=frozenset({dg.AssetCheckKey(ASSET, "gone"), READ}))
    deployment.tick()
    requested = deployment.tick(ahead=BACKOFF_SECONDS[0] + 5)
    assert [(one.job_name, one.asset_selection, one.asset_check_keys) for one in requested] == [
        ("provision", [ASSET], [READ]),
        ("verify", None, [ELSE]),
        ("verify", None, [READ]),
    ]


def test_where_all_that_was_chosen_is_gone_from_the_code_the_stack_is_verified(deployment: Deployment) -> None:
    deployment.unasked_of("provision", asset_selection=frozenset({dg.AssetKey("gone")}))
    deployment.tick()
    # The job would apply everything if nothing was chosen.
    assert [one.job_name for one in deployment.tick(ahead=BACKOFF_SECONDS[0] + 5)] == ["verify"]


def test_a_stack_that_left_the_repository_is_neither_repeated_nor_waited_for(deployment: Deployment) -> None:
    deployment.unasked()
    deployment.tick()
    deployment.watched.instance.delete_dynamic_partition(PLAIN.of("stacks"), "a-dev")
    assert deployment.tick(ahead=BACKOFF_SECONDS[0] + 5) == []
    assert deployment.watched.skipped.endswith("red: 0")
    assert deployment.watched.alerts() == [DOWN]
