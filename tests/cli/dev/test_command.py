"""`dev` serves the UI, here outside of a checkout; `apply --queue` hands a run to it."""

from __future__ import annotations

import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.processes import COMMAND, PROGRAM, environment, running
from tests.gits import committed
from tests.ports import free_port
from tests.waiting import SECONDS, eventually


@dataclass(frozen=True)
class Served:
    """A running `dev`."""

    process: subprocess.Popen[bytes]
    url: str
    state_dir: Path
    log: Path


@pytest.fixture
def served(tmp_path: Path, repository: Path) -> Iterator[Served]:
    # A run that is queued elsewhere is handed a commit.
    committed(repository)
    port, log = free_port(), tmp_path / "log"
    # Of the current folder, which may be anybody's: none of them is imported or read.
    for name in ("filelock", "dagster", "dagster_webserver", "secrets_pipeline"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
    (tmp_path / ".env").write_text("SECRETS_PIPELINE_CONFIG=/none\n")
    command = [PROGRAM, "dev", "--port", str(port), "--state-dir", str(tmp_path / "aws")]
    command += ["--base-path", str(repository)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment(DAGSTER_HOME=str(tmp_path / "home")), stdout=out, stderr=out
        )
    try:
        yield Served(process, f"http://127.0.0.1:{port}", tmp_path / "aws", log)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/server_info", timeout=5) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_queued_apply_runs_in_the_deployment_and_ctrl_c_leaves_nothing(
    tmp_path: Path, repository: Path, served: Served
) -> None:
    eventually(lambda: answers(served.url) or served.process.poll() is not None, lambda: served.log.read_text()[-3000:])
    assert served.process.poll() is None, served.log.read_text()[-3000:]
    for header in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        foreign = urllib.request.Request(f"{served.url}/server_info", headers=header)  # noqa: S310 - our own
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(foreign, timeout=SECONDS)  # noqa: S310 - our own
    script = """
        set -e
        eval "$("$PYTHON" -m secrets_pipeline local status --state-dir "$STATE" 2>/dev/null)"
        export ATMOS_BASE_PATH="$REPOSITORY"
        "$PYTHON" -m secrets_pipeline apply -s shop-dev --queue --url "$URL"
        "$PYTHON" -m secrets_pipeline plan --detailed-exitcode
    """
    variables = {"PYTHON": COMMAND[0], "STATE": str(served.state_dir), "URL": served.url, "REPOSITORY": str(repository)}
    done = subprocess.run(
        ["/bin/sh", "-c", script], env=environment(**variables), check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr + served.log.read_text()[-3000:]
    assert "shop-dev: run succeeded" in done.stdout
    assert f"shop-dev: {served.url}/runs/" in done.stderr
    # The keys of another user than the pipeline's, to break things with.
    told = served.log.read_text()
    assert "These keys are those of user local-second-user, who is not the pipeline and reads no value." in told
    # It applied before anybody asked it to, so that the UI shows what is there.
    assert told.index("shop-dev secrets: ") < told.index("Stack shop-dev is applied. Open http://127.0.0.1:")
    assert told.count("export AWS_ACCESS_KEY_ID=") == 1
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(SECONDS) == 0
    eventually(lambda: running(tmp_path) == [], lambda: running(tmp_path))


def test_ctrl_c_while_it_applies_ends_it_and_leaves_nothing(tmp_path: Path, served: Served) -> None:
    eventually(lambda: "Applying shop-dev" in served.log.read_text(), lambda: served.log.read_text()[-3000:])
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(SECONDS) == 0, served.log.read_text()[-3000:]
    assert not answers(served.url)
    eventually(lambda: running(tmp_path) == [], lambda: running(tmp_path))
