"""A first apply of examples/ where everything takes as long as on AWS, on a clock that waiting moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.cli.apply.command import WAIT_SECONDS
from secrets_pipeline.emulator import Pace, Profile
from secrets_pipeline.emulator.control.delays import INTERFACES, PENDING_IN_VPC
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.in_process.running import checks_of, execute, provision
from secrets_pipeline.orchestration.provisioning.jobs import ON_DATABASE_CHANGE
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.runs import assert_applied, assert_succeeded
from tests.slow_aws import EXAMPLES, SlowAccount, apply_once, slow_account
from tests.sweep import SEED, WHOLE

SEEDS = 200
SAMPLED = 1
CHOSEN = range(SEEDS) if WHOLE else [(SEED * SAMPLED + number) % SEEDS for number in range(SAMPLED)]


@pytest.fixture
def account(embedded_aws: emulator.LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowAccount]:
    """An empty account where everything takes as long as it usually does."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with slow_account(embedded_aws, Pace(Profile.AWS)) as account:
        yield account


def wanted(account: SlowAccount) -> list[str]:
    """List the open changes of deep plans of all stacks, except notes of rollouts (`aws_polling_sensor`'s)."""
    assembly = account.desired.assemble()
    planned = [one for stack in account.desired.specs for one in plan_stack(assembly.stack(stack), deep=True).values()]
    open_ones = [change for changes in planned for change in changes if change.action.writes]
    return [f"{one.resource}: {one.reason}" for one in open_ones if one.resource.kind != "refreshed"]


def test_one_apply_that_waits_makes_all_of_it_rotation_included_and_every_check_is_green(account: SlowAccount) -> None:
    options = ApplyOptions(wait_seconds=WAIT_SECONDS)
    for stack in account.desired.specs:
        report, checks = provision(stack, base_path=EXAMPLES, options=options, desired=account.desired)
        assert_applied(report)
        assert not [row for row in report.rows if row["outcome"] in ("failed", "skipped")]
        assert [check for check in checks if not check.passed] == []
    # Terraform was an hour ago, and each of two databases takes seven minutes.
    assert 3600 + 2 * 400 < account.time.slept < 2 * WAIT_SECONDS + 3600
    account.time.sleep(3600)
    assert wanted(account) == []


def test_without_waiting_it_ends_well_says_what_is_still_made_and_the_daemons_run_finishes_it(
    account: SlowAccount,
) -> None:
    for stack in account.desired.specs:
        report, checks = provision(stack, base_path=EXAMPLES, options=ApplyOptions(), desired=account.desired)
        assert report.success, report.error
        assert [one for one in report.rows if one["outcome"] == "failed"] == []
        assert [one for one in checks if not one.passed and one.severity == "ERROR"] == []
        endpoints = [row for row in report.rows if row["kind"] == "database-endpoint"]
        assert {row["name"] for row in endpoints if row["outcome"] == "skipped"} == {
            database.identifier for database in account.desired.specs[stack].databases
        }
    account.time.sleep(1200)
    for stack in ("myapp-dev", "myapp-prod"):
        built = build_definitions(asked=Asked(base_path=EXAMPLES, desired=account.desired))
        done = execute(ON_DATABASE_CHANGE, stack, built, {})
        assert_succeeded(done)
        assert [one for one in checks_of(stack, done) if not one.passed] == []
    account.time.sleep(600)
    assert wanted(account) == []


@pytest.mark.parametrize("seed", CHOSEN)
def test_however_long_each_thing_takes_one_apply_that_waits_leaves_nothing_open(
    embedded_aws: emulator.LocalAws, seed: int
) -> None:
    with slow_account(embedded_aws, Pace(Profile.DRAWN, seed)) as account:
        done = apply_once(account, wait=WAIT_SECONDS)
    assert done.open == ()
    assert done.virtual > done.real + 20


def test_a_function_whose_role_lambda_sees_as_late_as_may_be_is_made_though_it_takes_as_long_to_fail(
    embedded_aws: emulator.LocalAws,
) -> None:
    longest = {delay.name: delay.most for delay in (INTERFACES, PENDING_IN_VPC)}
    with slow_account(embedded_aws, Pace(seconds=longest)) as account:
        assert apply_once(account, wait=WAIT_SECONDS).open == ()
