"""`doctor --experiment` asks, measures, removes and writes; `--clean` removes what an interrupted one left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner, Result

from secrets_pipeline import emulator
from secrets_pipeline.cli.app import app
from secrets_pipeline.emulator import FaultAction, InjectedFault, LocalAws
from secrets_pipeline.operations.experiment.contract import FILE
from secrets_pipeline.operations.experiment.experiment import BELIEFS
from secrets_pipeline.operations.experiment.removal import KINDS, PREFIX
from tests.embedded import operator
from tests.runs import assert_exited
from tests.waiting import eventually

HERE = ("--region", "eu-west-2")


class Measure(Protocol):
    def __call__(self, *options: str, answer: str = "") -> Result: ...


@pytest.fixture
def measure(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measure:
    """The command in an empty folder; its last argument is what is answered."""
    emulator.reset_conditions(aws)
    monkeypatch.chdir(tmp_path)

    def run(*options: str, answer: str = "") -> Result:
        return CliRunner().invoke(app, ["doctor", *HERE, *options], prog_name="secrets-pipeline", input=answer)

    return run


def beliefs(*ids: str) -> list[str]:
    assert {*ids} <= {one.id for one in BELIEFS}
    return [part for one in ids for part in ("--belief", one)]


def there(aws: LocalAws) -> set[tuple[str, str]]:
    """All of experiments that the embedded AWS lists."""
    boto: Any = operator(aws)
    return {(kind.what, name) for kind in KINDS for name in kind.listed(boto.client(kind.service), PREFIX)}


def test_it_says_what_it_would_make_where_and_makes_nothing_unless_somebody_says_yes(
    measure: Measure, aws: LocalAws, tmp_path: Path
) -> None:
    emulator.reset_calls(aws)
    done = measure("--experiment", *beliefs("new-queue", "new-key"), answer="n\n")
    assert_exited(done, 1)
    assert "Account 111122223333, eu-west-2: 2 beliefs are measured" in done.stderr
    assert "(KMS key: 1, alias: 1, queue: 2)" in done.stderr
    assert {one.operation for one in emulator.calls(aws)} <= {"GetCallerIdentity"}
    assert list(tmp_path.iterdir()) == []


def test_it_measures_removes_and_writes_what_names_no_account_id_or_value(
    measure: Measure, aws: LocalAws, tmp_path: Path
) -> None:
    names = ("new-queue", "new-key", "new-role-of-a-function", "bus-policy", "rate-of-deployments", "new-secret")
    done = measure("--experiment", *beliefs(*names), answer="y\n")
    assert_exited(done, 0)
    assert there(aws) == set()
    [file] = tmp_path.iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-aws-eu-west-2\.json", file.name)
    contract = FILE.validate_json(file.read_text())
    assert (contract.answered_by, contract.region) == ("an endpoint that is not AWS's", "eu-west-2")
    assert {one.belief for one in contract.measured} == {*names}
    assert not any(one.unmeasured for one in contract.measured)
    assert not re.search(r"111122223333|thrown?-away|[0-9a-f]{8}-[0-9a-f]{4}-", file.read_text().replace("0" * 8, ""))
    assert "6 measured, 0 not, 0 left over" in done.stdout
    again = measure("--experiment", "--yes", *beliefs("new-key"))
    assert again.exit_code
    assert "exists" in again.stderr


def test_what_aws_refuses_is_not_measured_and_what_it_does_not_delete_is_named_and_removed_by_clean(
    measure: Measure, aws: LocalAws
) -> None:
    emulator.arm(
        aws,
        InjectedFault(FaultAction.DENY, service="kms", operation="CreateAlias"),
        *(InjectedFault(FaultAction.DENY, at, service="sqs", operation="DeleteQueue") for at in (1, 2)),
    )
    done = measure("--experiment", "--yes", *beliefs("new-key", "new-queue"))
    emulator.disarm(aws)
    assert_exited(done, 1)
    assert "CreateAlias was refused: AccessDenied" in done.stdout
    assert "1 measured, 1 not, 2 left over" in done.stdout
    left = there(aws)
    assert {what for what, _ in left} == {"queue"}
    assert all(f"left over: queue {name}" in done.stderr for _, name in left)
    asked = measure("--clean", answer="n\n")
    assert_exited(asked, 1)
    assert there(aws) == left
    assert_exited(measure("--clean", "--yes"), 0)
    assert there(aws) == set()
    assert "no experiment left anything" in measure("--clean").stdout


def test_nothing_of_anybody_else_is_removed(measure: Measure, aws: LocalAws) -> None:
    boto = operator(aws)
    boto.client("sqs").create_queue(QueueName="orders")
    boto.client("secretsmanager").create_secret(Name=f"shop/{PREFIX}token", SecretString="x")
    key = boto.client("kms").create_key(Description="of a shop")["KeyMetadata"]["KeyId"]
    assert_exited(measure("--experiment", "--yes", *beliefs("new-key", "new-queue", "new-secret")), 0)
    assert_exited(measure("--clean", "--yes"), 0)
    assert boto.client("sqs").get_queue_url(QueueName="orders")
    assert "DeletedDate" not in boto.client("secretsmanager").describe_secret(SecretId=f"shop/{PREFIX}token")
    assert boto.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_what_is_not_visible_yet_is_removed_too(measure: Measure, aws: LocalAws) -> None:
    emulator.set_pace(aws, emulator.Pace(seconds={"CreateKey to the key": 5}))
    emulator.arm(aws, InjectedFault(FaultAction.DENY, service="kms", operation="GenerateMac"))
    done = measure("--experiment", "--yes", *beliefs("new-mac-key"))
    assert "0 measured, 1 not, 0 left over" in done.stdout, done.output
    emulator.reset_conditions(aws)
    assert there(aws) == set()


def test_a_secret_that_is_scheduled_for_deletion_goes_by_itself(measure: Measure, aws: LocalAws) -> None:
    emulator.arm(aws, InjectedFault(FaultAction.DENY, service="secretsmanager", operation="RestoreSecret"))
    done = measure("--experiment", "--yes", *beliefs("deleted-secret"))
    assert "0 measured, 1 not, 0 left over" in done.stdout, done.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_one_leaves_nothing(aws: LocalAws, tmp_path: Path, number: signal.Signals) -> None:
    emulator.reset_conditions(aws)
    emulator.set_pace(aws, emulator.Pace(seconds={"CreateAlias to the alias": 3600}))
    files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    command = [sys.executable, "-m", "secrets_pipeline", "doctor", "--experiment", "--yes", *HERE, *beliefs("new-key")]
    with subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **files, **aws.environment()}) as process:
        eventually(lambda: any(what == "KMS key" for what, _ in there(aws)), lambda: there(aws))
        process.send_signal(number)
        assert process.wait() in (130, 128 + number)
    emulator.reset_conditions(aws)
    assert there(aws) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--experiment", "--clean"])
def test_where_nothing_may_be_written_nothing_is(
    measure: Measure, aws: LocalAws, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_READ_ONLY", "1")
    emulator.reset_calls(aws)
    done = measure(option, "--yes")
    assert_exited(done, 1)
    assert f"doctor {option} would write" in done.stderr
    assert emulator.calls(aws) == ()


@pytest.mark.parametrize(
    "options",
    [
        ("--experiment", "--clean"),
        ("--experiment", "--belief", "nothing"),
        ("--experiment", "--region", ""),
        ("--experiment", "--stack", "shop-dev"),
        ("--experiment", "--contract", "no/such/folder.json"),
        ("--clean", "--with-database"),
        ("--replica-region", "eu-central-1"),
    ],
)
def test_options_that_make_no_sense_are_refused(measure: Measure, aws: LocalAws, options: tuple[str, ...]) -> None:
    emulator.reset_calls(aws)
    assert measure(*options, "--yes").exit_code
    assert emulator.calls(aws) == ()
