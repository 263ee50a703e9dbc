"""Start, status, stop, and that nothing outlives the embedded AWS."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

import secrets_pipeline
from secrets_pipeline.emulator import LocalAws, Pace, calls, set_pace, start, status, stop
from secrets_pipeline.emulator.handle.state import read_state
from secrets_pipeline.errors import LocalError
from tests.embedded import operator
from tests.waiting import WAITER, eventually

SOURCE = Path(next(iter(secrets_pipeline.__path__))).parent
PARENT = """
import sys, time
from pathlib import Path
from secrets_pipeline.emulator import start
print(start(Path(sys.argv[1]), die_with_parent=True).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    stop(tmp_path / "state")


def client(aws: LocalAws, service: str) -> Any:  # noqa: ANN401 - any boto3 client
    session: Any = operator(aws)
    return session.client(service, endpoint_url=aws.endpoint_url)


def database(aws: LocalAws, password: str = "password-1") -> None:
    rds = client(aws, "rds")
    rds.create_db_instance(
        DBInstanceIdentifier="one",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword=password,
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="one", WaiterConfig=WAITER)


def postgres_processes(aws: LocalAws) -> dict[int, str]:
    """Processes whose command line names this embedded AWS's data, with it: keepers and PostgreSQL."""
    root, lines = str(data_folder(aws)), [line.split(None, 1) for line in processes().splitlines()[1:]]
    return {int(pid): command for pid, command in lines if root in command}


def processes() -> str:
    return subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout  # noqa: S607 - the PATH's


def data_folder(aws: LocalAws) -> Path:
    state = read_state(aws.state_dir)
    assert state is not None
    return state.postgres_root


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return not Path("/proc").exists() or Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_second_start_returns_the_one_that_runs(folder: Path) -> None:
    first = start(folder, account_id="999900001111", region="eu-central-1")
    assert start(folder) == first == status(folder)
    assert client(first, "sts").get_caller_identity()["Account"] == "999900001111"
    assert stop(folder)
    assert (stop(folder), status(folder)) == (False, None)


def test_without_its_packages_it_says_what_to_install_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Python marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "moto", None)
    with pytest.raises(LocalError, match=r"no moto\.\n  Install the extra: pip install '\.\[local\]' in a checkout"):
        start(tmp_path / "aws")
    assert not (tmp_path / "aws").exists()


def test_a_taken_port_is_an_error_with_the_log_named(folder: Path, tmp_path: Path, aws: LocalAws) -> None:
    port = int(aws.endpoint_url.rsplit(":", 1)[1])
    with pytest.raises(LocalError, match=r"ended as it started, with exit code 1\.\n  Read .*server\.log"):
        start(folder, port=port)
    assert status(folder) is None


def test_stop_takes_every_database_and_folder_with_it(folder: Path) -> None:
    aws = start(folder)
    database(aws)
    root, running = data_folder(aws), postgres_processes(aws)
    assert len(running) >= 2
    stop(folder)
    assert not any(alive(pid) for pid in [aws.pid, *running])
    assert not root.exists()


def test_a_killed_server_leaves_no_database(folder: Path) -> None:
    aws = start(folder)
    database(aws)
    root, running = data_folder(aws), postgres_processes(aws)
    os.kill(aws.pid, signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in running))
    assert status(folder) is None
    stop(folder)
    assert not root.exists()


def test_a_killed_keeper_takes_its_database_along(folder: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux signals the child of a killed parent")
    aws = start(folder)
    database(aws)
    running = postgres_processes(aws)
    keeper = next(pid for pid, command in running.items() if "keeper.py" in command)
    os.kill(keeper, signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in running if pid != keeper))


def test_a_server_goes_although_a_database_would_be_creating_for_an_hour(folder: Path) -> None:
    aws = start(folder)
    set_pace(aws, Pace(seconds={"database creating": 3600}))
    client(aws, "rds").create_db_cluster(
        DBClusterIdentifier="slow", Engine="aurora-postgresql", MasterUsername="owner", MasterUserPassword="password-1"
    )
    os.kill(aws.pid, signal.SIGTERM)
    eventually(lambda: not alive(aws.pid))


def test_the_server_goes_when_its_parent_is_killed(folder: Path) -> None:
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    aws = status(folder)
    assert aws is not None
    database(aws)
    root, running = data_folder(aws), postgres_processes(aws)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not alive(server) and not any(alive(pid) for pid in running))
    assert not root.exists()


def test_what_a_killed_server_left_does_not_hinder_the_next(folder: Path) -> None:
    first = start(folder)
    os.kill(first.pid, signal.SIGKILL)
    eventually(lambda: status(folder) is None)
    second = start(folder)
    assert second.pid != first.pid
    assert client(second, "secretsmanager").list_secrets()["SecretList"] == []


def test_no_password_is_on_a_command_line_or_in_a_file(folder: Path) -> None:
    # Nothing else on this machine has it.
    aws, password = start(folder), f"password-{uuid4().hex}"
    database(aws, password)
    assert password not in processes()
    for top in (folder, data_folder(aws)):
        for path in top.rglob("*"):
            # PostgreSQL removes files of its own meanwhile.
            with contextlib.suppress(FileNotFoundError):
                assert not path.is_file() or password.encode() not in path.read_bytes()


def test_neither_the_server_nor_postgresql_gets_the_environment_or_dumps_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells what the environment of a process is")
    secret = uuid4().hex
    for variable in ("OAUTH_CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "MOTO_X", "SECRETS_PIPELINE_X", "PGPASSWORD"):
        monkeypatch.setenv(variable, secret)
    aws = start(folder)
    database(aws)
    running = postgres_processes(aws)
    assert len(running) >= 2
    for process in (aws.pid, *running):
        assert secret not in Path(f"/proc/{process}/environ").read_text()
        limits = Path(f"/proc/{process}/limits").read_text().splitlines()
        (core,) = [line.split()[4:6] for line in limits if line.startswith("Max core file size")]
        assert core == ["0", "0"]


def test_calls_name_who_called_and_hold_no_parameters(folder: Path) -> None:
    aws = start(folder)
    client(aws, "secretsmanager").create_secret(Name="canary-name", SecretString="canary-value")
    issued = client(aws, "sts").assume_role(
        RoleArn="arn:aws:iam::444455556666:role/OrganizationAccountAccessRole", RoleSessionName="test"
    )["Credentials"]
    boto3.client(
        "secretsmanager",
        endpoint_url=aws.endpoint_url,
        region_name=aws.region,
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
    ).list_secrets()
    seen = {(one.operation, one.account_id, one.principal, one.status) for one in calls(aws)}
    key = aws.environment()["AWS_ACCESS_KEY_ID"]
    assert seen == {
        ("CreateSecret", "111122223333", key, 200),
        ("AssumeRole", "111122223333", key, 200),
        ("ListSecrets", "444455556666", "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole", 200),
    }
    assert "canary" not in repr(calls(aws))
