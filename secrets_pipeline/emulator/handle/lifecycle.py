"""Start, find and stop the embedded AWS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

import secrets_pipeline
from secrets_pipeline.emulator.handle.state import (
    LOCK_FILE,
    LOG_FILE,
    RDS_CA_FILE,
    START_LOCK_FILE,
    TEMPLATE_FOLDER,
    State,
    forget,
    own_roots,
    read_state,
)
from secrets_pipeline.errors import LocalError

_PACKAGES = ("moto", "trustme")
"""Of the extra `local`; PostgreSQL is looked for where a database is made."""
DEFAULT_ACCOUNT = "111122223333"
DEFAULT_REGION = "eu-west-2"
ADMINISTRATOR_ROLE = "OrganizationAccountAccessRole"
"""The role in every other account that the default account may assume, and that may do everything there."""
OPERATOR_USER = "local-operator"
"""The user whose credentials `environment` holds; it may do everything in the default account."""
GRACE_SECONDS, KILL_SECONDS = 20.0, 20.0
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH")
"""What the server gets of the environment of whoever starts it."""
MOTO_SETTINGS = {
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    # No instance is ever started here, and every account would hold a hundred images.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}
_POLL_SECONDS = 0.02
# Servers that this process started, to be reaped.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running embedded AWS.

    Attributes:
        endpoint_url: `http://127.0.0.1:PORT`, for all services, accounts and regions.
        account_id: account of the operator, whose credentials are in `environment`.
        region: region in `environment`.
        state_dir: folder with log and state.
        pid: process id of the server.
        access_key_id: of the operator, made anew with each start.
        secret_access_key: of the operator.
    """

    endpoint_url: str
    account_id: str
    region: str
    state_dir: Path
    pid: int
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @property
    def rds_ca_file(self) -> Path:
        """Certificate of the authority that the embedded RDS's certificates come from, PEM."""
        return self.state_dir / RDS_CA_FILE

    def environment(self) -> dict[str, str]:
        """Variables that send every AWS SDK here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def start(
    state_dir: Path,
    *,
    account_id: str = DEFAULT_ACCOUNT,
    region: str = DEFAULT_REGION,
    port: int | None = None,
    die_with_parent: bool = False,
    timeout: float = 120,
) -> LocalAws:
    """Start the embedded AWS, or return the one that runs in this folder.

    Args:
        state_dir: created if missing, for this user alone.
        account_id: account of credentials that no role issued.
        region: region that clients are told to use.
        port: on 127.0.0.1; None takes a free one.
        die_with_parent: stop, databases included, when this process is gone, however it ended.
        timeout: seconds to wait until it answers.

    Raises:
        LocalError: it is not installed, or does not start in time.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise LocalError(
            f"The embedded AWS is not installed: there is no {' and no '.join(missing)}.",
            remedy="Install the extra: pip install '.[local]' in a checkout.",
        )
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(state_dir / START_LOCK_FILE):
        running = status(state_dir)
        if running is not None:
            return running
        # Nothing is imported from the current folder, which may be anybody's.
        command = [
            sys.executable,
            "-P",
            "-m",
            "secrets_pipeline.emulator.server.server",
            "--state-dir",
            str(state_dir.resolve()),
        ]
        command += ["--account-id", account_id, "--region", region, "--port", str(port or 0)]
        command += ["--parent-pid", str(os.getpid())] if die_with_parent else []
        with (state_dir / LOG_FILE).open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_server_environment(),
                start_new_session=True,
            )
        return _ready(state_dir, process, timeout)


def _server_environment() -> dict[str, str]:
    """What a process needs to start of this environment, whose other variables may be secret; and moto's settings."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    source = str(Path(next(iter(secrets_pipeline.__path__))).parent)
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(filter(None, [source, kept.get("PYTHONPATH")])),
        **MOTO_SETTINGS,
    }


def _ready(state_dir: Path, process: subprocess.Popen[bytes], timeout: float) -> LocalAws:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        state = read_state(state_dir)
        if state is not None and state.pid == process.pid:
            _children[process.pid] = process
            return _as_told(state, state_dir)
        time.sleep(_POLL_SECONDS)
    code = process.poll()
    process.kill()
    process.wait()
    problem = f"did not start within {timeout:g} s" if code is None else f"ended as it started, with exit code {code}"
    raise LocalError(f"The embedded AWS {problem}.", remedy=f"Read {state_dir / LOG_FILE}.")


def status(state_dir: Path) -> LocalAws | None:
    """The embedded AWS that runs in this folder, None if none does.

    Its data is in memory: a new start begins empty.
    """
    if not state_dir.is_dir() or _is_free(state_dir):
        return None
    state = read_state(state_dir)
    return _as_told(state, state_dir) if state else None


def _as_told(state: State, state_dir: Path) -> LocalAws:
    return LocalAws(
        state.endpoint_url,
        state.account_id,
        state.region,
        state_dir,
        state.pid,
        state.access_key_id,
        state.secret_access_key,
    )


def _is_free(state_dir: Path) -> bool:
    """Whether nobody holds the lock that a server keeps until its process is gone."""
    try:
        with FileLock(state_dir / LOCK_FILE, timeout=0):
            return True
    except Timeout:
        return False


def stop(state_dir: Path) -> bool:
    """Stop the embedded AWS of this folder with every PostgreSQL, and wait until all processes are gone.

    Returns:
        True if something was stopped.

    Raises:
        LocalError: a process does not go away.
    """
    if not state_dir.is_dir():
        return False
    state, running = read_state(state_dir), not _is_free(state_dir)
    if state is None:
        return False
    if running:
        for signum, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            os.kill(state.pid, signum)
            if _wait(lambda: _is_free(state_dir), seconds):
                break
        else:
            raise LocalError(f"Process {state.pid} of the embedded AWS does not stop.", remedy="Stop it by hand.")
    child = _children.pop(state.pid, None)
    if child is not None:
        child.wait()
    # A server that was killed leaves its databases to their keepers, which remove each folder last but the template.
    root = state.postgres_root
    if root in own_roots(state_dir, state):
        _wait(lambda: not root.is_dir() or all(one.name == TEMPLATE_FOLDER for one in root.iterdir()), KILL_SECONDS)
    forget(state_dir, state)
    return running


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(_POLL_SECONDS)
    return done()
