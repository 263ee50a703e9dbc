"""What `apply` says, and its exit code, where a database is not there yet, or does not come by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from secrets_pipeline.cli.apply import command
from secrets_pipeline.emulator import LocalAws, Pace, reset_conditions, set_pace
from secrets_pipeline.reconcilers.database import endpoint
from tests.cli.conftest import Cli, write
from tests.embedded import operator
from tests.runs import assert_exited
from tests.waiting import WAITER

STACK = """
    vars: {context_name: shop, environment: dev, account_id: "111122223333", region: eu-west-2}
    components:
      terraform:
        secretsmanager:
          vars:
            create_kms_key: true
            secrets: {master: {path: database, generate_random_password: true}}
        rds:
          settings: {secrets_pipeline: {create: true}}
          vars:
            identifier: orders
            engine: postgres
            engine_version: "16.4"
            instance_class: db.t4g.micro
            allocated_storage: 20
            username: app
            password: "${output.secretsmanager.generated_passwords.master}"
"""


@pytest.fixture(autouse=True)
def _slow(aws: LocalAws, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that is `creating` until a test ends that, and commands that wait for it for half a second."""
    write(repository / "stacks" / "dev.yaml", STACK)
    monkeypatch.setattr(endpoint, "_WAIT_SECONDS", 0.5)
    monkeypatch.setattr(command, "WAIT_SECONDS", 0.5)
    set_pace(aws, Pace(seconds={"database creating": 300}))
    yield
    reset_conditions(aws)


def test_a_database_that_is_being_made_is_left_to_the_daemon_and_one_that_is_waited_for_in_vain_is_an_error(
    cli: Cli, repository: Path, aws: LocalAws
) -> None:
    done = cli("apply", "-s", "shop-dev", "--base-path", repository)
    assert_exited(done)
    assert "shop-dev waits for orders: instance is creating: the next run goes on" in done.stdout
    assert "the daemon does it by itself; else apply again, or with --wait" in done.stdout
    done = cli("apply", "-s", "shop-dev", "--wait", "--base-path", repository)
    assert_exited(done, 1)
    assert "in vain for 30 minutes; the daemon goes on when it is there, else apply again" in done.stdout
    assert "or with --wait" not in done.stdout


def test_nobody_is_told_to_wait_for_a_database_that_does_not_come_by_itself(
    cli: Cli, repository: Path, aws: LocalAws
) -> None:
    reset_conditions(aws)
    cli("apply", "-s", "shop-dev", "--base-path", repository)
    rds = operator(aws).client("rds", endpoint_url=aws.endpoint_url)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="orders", WaiterConfig=WAITER)
    rds.stop_db_instance(DBInstanceIdentifier="orders")
    done = cli("apply", "-s", "shop-dev", "--base-path", repository)
    assert "instance is stop" in done.stdout
    assert "waits for orders" not in done.stdout
