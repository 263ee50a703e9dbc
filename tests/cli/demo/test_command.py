from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import COMMAND, environment, running
from tests.emulator.postgres.installed import install_privately
from tests.sweep import turn
from tests.waiting import SECONDS, eventually

LINES, WIDTH = 80, 140
ROOT = Path(__file__).parents[3]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """TMPDIR of the demo: open to the user that runs PostgreSQL, as pytest's folders are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def settings(temporary: Path) -> dict[str, str]:
    return environment(
        TMPDIR=str(temporary),
        # Nothing of this may be used: the demo is sealed off.
        AWS_PROFILE="production",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        SECRETS_PIPELINE_READ_ONLY="1",
    )


def left(temporary: Path) -> list[str]:
    """What stays in TMPDIR, but for the programs of PostgreSQL: below a private folder they are copied, once."""
    return [one.name for one in temporary.iterdir() if not one.name.startswith("secrets-pipeline-postgresql-")]


def test_the_demo_is_green_short_and_leaves_nothing_but_its_runs(tmp_path: Path, temporary: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo"], cwd=tmp_path, env=settings(temporary), check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "Secrets Manager"
    for text in (
        "  myapp-dev     applied: kms_keys 1, secrets 3, rds_instances 1, rds_endpoints 1, ",
        "  myapp-prod    rds_endpoints ",
        "  myapp-prod    rotation_functions  1 applied ",
        "  lambda myapp-prod-worker   DATABASE_SECRET_ARN=arn:aws:secretsmanager:eu-west-2:",
        "  ecs orders-prod            DATABASE_URL=arn:aws:secretsmanager:",
        "  apigateway myapp-prod/prod apiKeyArn=arn:aws:secretsmanager:",
        "  passed in infra-shared, myapp-dev, myapp-prod: ",
        "database_login_works",
        "  Allowed: role myapp-dev-migrations of 111122223333 can read myapp/dev/database/credentials: ",
        "  DeniedBySecretsManager: role myapp-dev-migrations of 111122223333 cannot read myapp/dev/database/connection",
        "  DeniedByKms: role secrets-inventory of 111122223333 cannot read ",
        "AccessDeniedException: Access to KMS is not allowed",
        "  Allowed: role myapp-dev-reports of 444455556666 can read myapp/dev/database/connection: ",
        "  DeniedByKms: role myapp-dev-reports of 444455556666 cannot read legacy/smtp-password: ",
        "InvalidRequestException: access a secret from a different",
        "0 writes, 0 GetSecretValue",
        "  myapp/prod/database/credentials: createSecret ✓  setSecret ✓  testSecret ✓  finishSecret ✓",
        " accepts the new password and refuses the old one",
        "  rotation_event_sensor: ",
        " events of myapp-prod → on_rotation: 13 of 13 checks passed",
        "    myapp/prod/database/connection: rendered again, carries the new password",
        "    lambda myapp-prod-worker: started anew: ",
        "    ecs myapp/orders-prod: started anew: ",
        "All green",
        "`make dev`, or `secrets-pipeline dev`, applies the same stacks",
    ):
        assert text in done.stdout
    assert running(temporary) == []
    assert left(temporary) == []
    # The history of an AWS that is gone would tell the next command, or the UI, of what no longer exists.
    assert not (tmp_path / ".dagster").exists()


def test_the_demo_is_green_below_a_private_folder(tmp_path: Path, temporary: Path) -> None:
    install_privately(tmp_path / "private")
    private = settings(temporary) | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "private"), str(ROOT)])}
    done = subprocess.run([*COMMAND, "demo"], cwd=tmp_path, env=private, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("number", turn([signal.SIGINT, signal.SIGTERM]))
def test_an_interrupted_demo_stops_at_once_and_leaves_nothing(
    tmp_path: Path, temporary: Path, number: signal.Signals
) -> None:
    log = tmp_path / "stdout"
    with log.open("w") as stdout:
        process = subprocess.Popen([*COMMAND, "demo"], cwd=tmp_path, env=settings(temporary), stdout=stdout)
        try:
            eventually(lambda: "\nApply\n" in log.read_text() or process.poll() is not None, log.read_text)
            assert running(temporary), log.read_text()
            process.send_signal(number)
            assert process.wait(SECONDS) in (130, 128 + number)
        finally:
            process.kill()
    assert "Second apply" not in log.read_text()
    eventually(lambda: running(temporary) == [], lambda: running(temporary))
    assert left(temporary) == []


def test_a_demo_of_a_broken_repository_is_not_green(tmp_path: Path, temporary: Path, half_broken: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--base-path", half_broken],
        cwd=tmp_path,
        env=settings(temporary),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "vars.secrets.nothing" in done.stderr
    assert "Not green" in done.stdout
    assert "passed in shop-dev" in done.stdout
    assert running(temporary) == []
