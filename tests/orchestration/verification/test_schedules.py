"""Whose verification is due, at frozen times, and what the schedule asks for."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.runs.schema import RunsTable
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.verification.model import VerificationSpec
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, add_missing
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.verification.retention import purge_verifications
from secrets_pipeline.orchestration.verification.schedules import DUE_TAG, TICK, latest
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.stacks import SourceChoice

VARIABLES = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333"}
# Stacks whose own share of the two hours is none, so that they are due when cron says.
DAILY, IN_LONDON, OFTEN, NEW, UNKNOWN = "daily-10", "london-14", "often-6", "new-3", "unknown-7"
LONDON = {"cron": "30 6 * * mon-fri", "timezone": "Europe/London"}
(SCHEDULE,) = (one for one in build_definitions().schedules or () if isinstance(one, dg.ScheduleDefinition))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRETS_PIPELINE_FROM_FILE", "SECRETS_PIPELINE_FROM_ATMOS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    # A schedule's context wants an instance that another process could open too.
    with dg.instance_for_test(temp_dir=str(tmp_path)) as made:
        yield made


class Schedule:
    """Stacks with their settings, ticks of the schedule, and runs as the daemon makes them."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._file = folder / "stacks.json"
        self.declare({DAILY: {}})

    def declare(self, stacks: dict[str, dict[str, Any]], *, known: bool = True) -> None:
        """Write the stacks, each with its `verification`."""
        tree = {
            stack: {
                "components": {
                    "terraform": {
                        "secretsmanager": {
                            "settings": {"secrets_pipeline": {"verification": verification}},
                            "vars": {
                                "context_name": stack,
                                **VARIABLES,
                                "secrets": {"token": {"generate_random_password": True}},
                            },
                        }
                    }
                }
            }
            for stack, verification in stacks.items()
        }
        self._file.write_text(json.dumps(tree))
        if known:
            add_missing(self.instance, stacks)

    def tick(self, at: str | datetime) -> list[dg.RunRequest]:
        """What one tick asks for; the daemon's runs of it exist afterwards."""
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)
        source = SourceChoice(str(self._file))
        stacks = Stacks(self._file.parent, Sessions(), ApplyOptions(), self._file.parent, origin=source)
        # The context opens an instance of its own. One that is left open ends when Python's collector finds it, and
        # makes an instance that is long gone Dagster's current one, in whatever test is running.
        context = dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=moment, resources={"secrets_pipeline_stacks": stacks}
        )
        with context:
            asked: Any = SCHEDULE(context)
            found = list(asked)
        requests = [one for one in found if isinstance(one, dg.RunRequest)]
        assert requests or [type(one) for one in found] == [dg.SkipReason]
        for request in requests:
            tags = {**request.tags, "dagster/schedule_name": SCHEDULE.name}
            self.instance.add_run(dg.DagsterRun(job_name="verify", run_id=str(uuid.uuid4()), tags=tags))
        return requests

    def stacks_at(self, at: str) -> list[str]:
        return [request.tags[PARTITION_TAG] for request in self.tick(at)]


@pytest.fixture
def schedule(tmp_path: Path, instance: dg.DagsterInstance) -> Schedule:
    return Schedule(tmp_path, instance)


def test_it_runs_by_default_and_asks_for_the_job_that_verifies() -> None:
    assert SCHEDULE.name == "verification_schedule"
    assert SCHEDULE.default_status is dg.DefaultScheduleStatus.RUNNING
    assert build_definitions().resolve_job_def(SCHEDULE.job_name).name == "verify"


def test_a_stack_is_verified_once_a_day_at_six(schedule: Schedule) -> None:
    assert schedule.stacks_at("2026-03-02T05:45") == []
    (request,) = schedule.tick("2026-03-02T06:00")
    assert request.tags[PARTITION_TAG] == DAILY
    assert request.tags[DUE_TAG] == "2026-03-02T06:00+00:00"
    assert request.run_key == f"verification:2026-03-02T06:00+00:00:verify:{DAILY}"
    assert [
        schedule.stacks_at(f"2026-03-02T{hour:02}:{minute:02}") for hour in range(6, 24) for minute in (15, 45)
    ] == [[]] * 36
    assert schedule.stacks_at("2026-03-03T06:00") == [DAILY]


def test_each_stack_keeps_its_own_time_and_time_zone(schedule: Schedule) -> None:
    schedule.declare({DAILY: {}, IN_LONDON: LONDON, OFTEN: {"cron": "*/20 * * * *"}})
    assert schedule.stacks_at("2026-03-27T06:00") == [DAILY, OFTEN]
    assert schedule.stacks_at("2026-03-27T06:15") == []
    # A Friday in winter time; the next working day is one in summer time.
    assert schedule.stacks_at("2026-03-27T06:30") == [IN_LONDON, OFTEN]
    assert schedule.stacks_at("2026-03-28T06:30") == [DAILY, OFTEN]
    assert IN_LONDON in schedule.stacks_at("2026-03-30T05:30")


def test_what_was_missed_is_made_up_for_once(schedule: Schedule) -> None:
    assert schedule.stacks_at("2026-03-02T06:00") == [DAILY]
    (late,) = schedule.tick("2026-03-05T13:15")
    assert late.tags[DUE_TAG] == "2026-03-05T06:00+00:00"
    assert schedule.stacks_at("2026-03-05T13:30") == []


def test_a_new_stack_waits_for_its_next_time(schedule: Schedule) -> None:
    schedule.stacks_at("2026-03-02T06:00")
    schedule.declare({DAILY: {}, NEW: {}})
    assert schedule.stacks_at("2026-03-02T09:00") == []
    assert schedule.stacks_at("2026-03-03T06:00") == [DAILY, NEW]


def test_a_stack_without_a_partition_waits_until_it_has_one(schedule: Schedule) -> None:
    schedule.declare({DAILY: {}, UNKNOWN: {}}, known=False)
    assert schedule.stacks_at("2026-03-02T06:00") == [DAILY]


def test_a_verification_that_somebody_else_asked_for_is_no_substitute(schedule: Schedule) -> None:
    by_hand = dg.DagsterRun(job_name="verify", run_id=str(uuid.uuid4()), tags={PARTITION_TAG: DAILY})
    schedule.instance.add_run(by_hand)
    assert schedule.stacks_at("2026-03-02T06:00") == [DAILY]


def test_a_stack_with_errors_is_said_and_hides_no_other(schedule: Schedule, capfd: pytest.CaptureFixture[str]) -> None:
    schedule.declare(
        {
            DAILY: {},
            "broken": {"cron": "0 25 * * *"},
            "never": {"cron": "0 6 30 2 *"},
            "no": {"cron": "0 6 31 4 *"},
        }
    )
    assert schedule.stacks_at("2026-03-02T06:00") == [DAILY]
    logged = capfd.readouterr().err
    assert "broken is not verified, it has errors" in logged
    assert "never is not verified, it has errors" in logged


def test_a_repository_that_cannot_be_read_asks_for_nothing(schedule: Schedule) -> None:
    schedule._file.unlink()
    assert schedule.tick("2026-03-02T06:00") == []


crons = st.sampled_from(["0 6 * * *", "30 6 * * 1-5", "*/7 3 * * *", "0 0 1 * *", "5 4 29 2 *", "0 12 * jan sun"])
names = st.sampled_from([DAILY, "any", "shop-dev", "shop-prod"])
zones = st.sampled_from(["UTC", "Europe/London", "America/Los_Angeles", "Asia/Kolkata"])


def spec(verification: VerificationSpec, stack: str = "any") -> StackSpec:
    return StackSpec(stack=stack, target=Target(region="eu-west-2"), verification=verification)


@given(crons, zones, names, st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants them naive
def test_the_latest_moment_never_lies_ahead_and_stays_until_the_next(
    cron: str, zone: str, stack: str, now: datetime
) -> None:
    wanted = spec(VerificationSpec(cron=cron, timezone=zone), stack)
    due = latest(wanted, now)
    assert due is not None
    assert due <= now
    assert latest(wanted, due) == due
    before = latest(wanted, due - timedelta(seconds=1))
    assert before is not None
    assert before < due
    assert latest(wanted, due + (now - due) / 2) == due


def test_many_stacks_are_spread_over_the_minutes_and_each_keeps_its_own(schedule: Schedule) -> None:
    stacks: dict[str, dict[str, Any]] = {f"stack-{number}": {} for number in range(64)}
    schedule.declare(stacks)
    times = [datetime(2026, 3, 2, 6, tzinfo=UTC) + number * TICK for number in range(9)]
    asked = {at: [one.tags[PARTITION_TAG] for one in schedule.tick(at)] for at in times}
    assert sorted(stack for some in asked.values() for stack in some) == sorted(stacks)
    assert asked[times[-1]] == []
    assert max(map(len, asked.values())) < len(stacks) / 3
    again = {at: [one.tags[PARTITION_TAG] for one in schedule.tick(at + timedelta(days=1))] for at in times}
    assert again == asked


def due_at_six(count: int) -> list[str]:
    """Names of stacks whose share of the two hours is none."""
    six = datetime(2026, 3, 2, 6, tzinfo=UTC)
    every = (f"stack-{number}" for number in itertools.count())
    return list(itertools.islice((one for one in every if latest(spec(VerificationSpec(), one), six) == six), count))


def test_a_tick_asks_three_questions_however_many_stacks_there_are(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule.declare({stack: {} for stack in due_at_six(40)})
    assert len(schedule.stacks_at("2026-03-02T06:00")) == 40
    questions: list[dg.RunsFilter | None] = []
    asked = dg.DagsterInstance.get_runs

    def counted(
        self: dg.DagsterInstance, filters: dg.RunsFilter | None = None, limit: int | None = None
    ) -> Sequence[dg.DagsterRun]:
        questions.append(filters)
        return asked(self, filters, limit=limit)

    monkeypatch.setattr(dg.DagsterInstance, "get_runs", counted)
    schedule.declare({stack: {} for stack in due_at_six(80)})
    assert schedule.stacks_at("2026-03-02T06:30") == []
    assert len(questions) == 3


def test_old_verifications_are_deleted_but_for_the_last_of_each_stack_and_for_runs_that_wrote(
    instance: dg.DagsterInstance,
) -> None:
    now, keep = datetime.now(UTC) + timedelta(days=40), timedelta(days=30)

    def made(job: str, stack: str, chosen: frozenset[dg.AssetCheckKey] | None = None) -> str:
        tags, run_id = {PARTITION_TAG: stack} if stack else {}, str(uuid.uuid4())
        run = dg.DagsterRun(job, run_id, tags=tags, status=dg.DagsterRunStatus.SUCCESS, asset_check_selection=chosen)
        return instance.add_run(run).run_id

    def young(run_id: str) -> str:
        # By the storage's clock all of them were made now.
        with instance.run_storage.connect() as connection:  # type: ignore[attr-defined] # of SQL
            then = RunsTable.update().where(RunsTable.c.run_id == run_id)
            connection.execute(then.values(create_timestamp=now.replace(tzinfo=None)))
        return run_id

    def left() -> set[str]:
        return {run.run_id for run in instance.get_runs()}

    old = [made("verify", DAILY), made("verify", "forgotten"), made("provision", DAILY)]
    assert purge_verifications(instance, "verify", now, keep) == 0
    one_check = young(made("verify", DAILY, frozenset({dg.AssetCheckKey(dg.AssetKey("secrets"), "in_sync")})))
    assert purge_verifications(instance, "verify", now, keep) == 0
    newer = young(made("verify", DAILY))
    made("verify", "")
    assert purge_verifications(instance, "verify", now, keep) == 2
    assert left() == {old[1], old[2], one_check, newer}


def test_a_tick_is_no_longer_than_the_time_between_two() -> None:
    assert SCHEDULE.cron_schedule == "*/15 * * * *"
    assert timedelta(minutes=15) == TICK
