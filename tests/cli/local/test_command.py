from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from secrets_pipeline import emulator
from secrets_pipeline.cli.local.command import embedded_account, shell_lines
from secrets_pipeline.emulator import stop
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE, open_repository, operator_settings
from secrets_pipeline.reconcilers.observed.database_state import instance_state
from tests.cli.conftest import EXAMPLES, Cli, write
from tests.cli.processes import COMMAND, environment, running
from tests.emulator.postgres.installed import install_broken
from tests.runs import assert_exited
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

ROOT = EXAMPLES.parent


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "aws"
    stop(tmp_path / "aws")


def test_a_shell_that_evaluates_start_reaches_the_embedded_aws(tmp_path: Path, state_dir: Path) -> None:
    script = f"""
        set -e
        eval "$({sys.executable} -m secrets_pipeline local start --state-dir {state_dir} --base-path {EXAMPLES})"
        test -z "$AWS_PROFILE"
        test -z "$SECRETS_PIPELINE_CONFIG"
        export SECRETS_PIPELINE_CONFIG={EXAMPLES}/operator.yaml
        {sys.executable} -m secrets_pipeline plan --base-path {EXAMPLES} --detailed-exitcode
    """
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=tmp_path,
        env=environment(AWS_PROFILE="production"),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith("infra-shared (111122223333, eu-west-2): ")
    # What Terraform makes is there: nothing is blocked for want of a function, a service or a stage.
    assert "blocked" not in done.stdout
    assert "The embedded AWS answers at http://127.0.0.1:" in done.stderr
    assert f"For this command alone, SECRETS_PIPELINE_CONFIG is {EXAMPLES}/operator.yaml." in done.stderr


def rds_of(state_dir: Path) -> RDSClient:
    aws = emulator.status(state_dir)
    assert aws is not None
    return boto3.client(
        "rds",
        endpoint_url=aws.endpoint_url,
        region_name=aws.region,
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=aws.secret_access_key,
    )


def create(rds: RDSClient) -> None:
    rds.create_db_instance(
        DBInstanceIdentifier="orders",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="First-password-1",
    )


def describe(rds: RDSClient) -> DBInstanceTypeDef:
    return rds.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]


@pytest.mark.parametrize(
    ("initdb", "at_start", "status"),
    [
        ("echo libpq.so.5 is missing >&2; exit 127", "PostgreSQL does not run: libpq.so.5 is missing", None),
        (
            'test "$1" = --version || { echo no memory is left >&2; exit 1; }',
            "",
            "PostgreSQL did not start: initdb said 'no memory is left'",
        ),
    ],
    ids=["at start", "later"],
)
def test_a_postgresql_that_does_not_start_says_why(
    tmp_path: Path, state_dir: Path, initdb: str, at_start: str, status: str | None
) -> None:
    install_broken(tmp_path / "site", initdb)
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o755)
        done = subprocess.run(
            [*COMMAND, "local", "start", "--state-dir", str(state_dir)],
            cwd=tmp_path,
            env=environment(PYTHONPATH=os.pathsep.join([str(tmp_path / "site"), str(ROOT)]), TMPDIR=temporary),
            check=False,
            capture_output=True,
            text=True,
        )
        assert at_start in " ".join(done.stderr.split())
        assert ("will fail" in done.stderr) == bool(at_start)
        rds = rds_of(state_dir)
        if status is None:
            with pytest.raises(ClientError, match=at_start):
                create(rds)
            return
        create(rds)
        eventually(lambda: describe(rds)["DBInstanceStatus"] == "failed")
        assert f"instance is failed: {status}" in instance_state(describe(rds)).condition


def test_no_other_repository_brings_the_operators_settings(cli: Cli, state_dir: Path, repository: Path) -> None:
    # Who reads them knows the other account.
    write(repository / "operator.yaml", "targets: [{stacks: '*', account_id: '999900001111'}]")
    settings = repository / "operator.yaml"
    result = cli("local", "start", "--state-dir", state_dir, "--base-path", repository)
    assert_exited(result)
    assert "account 111122223333" in result.stderr
    assert "SECRETS_PIPELINE_CONFIG" not in result.stdout
    said = f"{settings} is not read, as its repository is not its operator: name it in SECRETS_PIPELINE_CONFIG if you"
    assert said in " ".join(result.stderr.split())


def test_a_stack_without_an_account_lives_in_the_embedded_one_for_a_block(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = repository / "stacks" / "dev.yaml"
    manifest.write_text(manifest.read_text().replace('account_id: "111122223333"', ""))
    opened = open_repository(repository)
    with embedded_account(opened) as desired:
        assert desired.specs["shop-dev"].target.account_id == "111122223333"
        # So the other processes of `dev` read it.
        assert operator_settings().target("shop-dev") is not None
    assert CONFIG_VARIABLE not in os.environ
    own = repository.parent / "operator.yaml"
    own.write_text("targets: []")
    monkeypatch.setenv(CONFIG_VARIABLE, str(own))
    with embedded_account(opened) as desired:
        assert desired is opened


def test_start_is_idempotent_and_stop_ends_it(cli: Cli, state_dir: Path, tmp_path: Path) -> None:
    assert_exited(cli("local", "status", "--state-dir", state_dir), 1)
    first = cli("local", "start", "--state-dir", state_dir, "--base-path", EXAMPLES)
    assert_exited(first)
    again = cli("local", "start", "--state-dir", state_dir, "--base-path", EXAMPLES)
    status = cli("local", "status", "--state-dir", state_dir)
    assert_exited(status)
    for result in (again, status):
        assert set(result.stdout.splitlines()) <= set(first.stdout.splitlines())
    stopped = cli("local", "stop", "--state-dir", state_dir)
    assert_exited(stopped)
    assert stopped.stdout == ""
    assert "Stopped." in stopped.stderr
    assert running(state_dir) == []
    assert "No embedded AWS runs" in cli("local", "stop", "--state-dir", state_dir).stderr


def test_start_works_outside_of_a_repository(
    cli: Cli, state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli("local", "start", "--state-dir", state_dir)
    assert_exited(result)
    assert "No Atmos repository" in result.stderr
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in result.stdout


def test_errors_of_the_repository_are_told_and_the_rest_is_made(cli: Cli, state_dir: Path, half_broken: Path) -> None:
    result = cli("local", "start", "--state-dir", state_dir, "--base-path", half_broken)
    assert_exited(result, 1)
    assert "vars.secrets.nothing" in result.stderr
    assert "export AWS_ENDPOINT_URL=" in result.stdout


def test_shell_lines_are_quoted() -> None:
    assert shell_lines({"A": "b c; $(d)"}, unset=["X"]) == "unset X\nexport A='b c; $(d)'"
