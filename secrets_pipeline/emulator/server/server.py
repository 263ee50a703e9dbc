"""Run the embedded AWS: `python -m secrets_pipeline.emulator.server.server --state-dir DIR`."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import resource
import shutil
import signal
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from moto.iam import models as iam_models
from werkzeug.serving import BaseWSGIServer, make_server

from secrets_pipeline.emulator import services
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.identity import unprivileged
from secrets_pipeline.emulator.core.scheduler import SCHEDULER
from secrets_pipeline.emulator.handle.state import (
    LAMBDA_FOLDER,
    LOCK_FILE,
    POSTGRES_FOLDER,
    RDS_CA_FILE,
    TEMPORARY,
    State,
    forget,
    read_state,
    write_state,
)
from secrets_pipeline.emulator.postgres import Authority
from secrets_pipeline.emulator.server.app import Application, list_once, watch_calls
from secrets_pipeline.emulator.server.entrance import Entrance, Keys
from secrets_pipeline.emulator.server.handler import RequestHandler
from secrets_pipeline.emulator.services import lambda_

HOST = "127.0.0.1"
PARENT_POLL_SECONDS = 0.2
LOCK_SECONDS = 2
LOCKED = 3


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM, or until the parent is gone."""
    options = _options(arguments)
    # What it holds and starts is dumped nowhere; what other users are to read, they can.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o022)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        with FileLock(options.state_dir / LOCK_FILE, timeout=LOCK_SECONDS):
            return _serve(options)
    except Timeout:
        return LOCKED


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m secrets_pipeline.emulator.server.server", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="folder for everything this process leaves")
    parser.add_argument("--account-id", default="111122223333", help="account of credentials that no role issued")
    parser.add_argument("--region", default="eu-west-2", help="region that clients are told to use")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--parent-pid", type=int, help="stop when this is no longer the parent process")
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace) -> int:
    with serving(options.state_dir, options.account_id, options.region, options.port) as server:
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: _shut_down(server))
        if options.parent_pid is not None:
            _start(_follow_parent, options.parent_pid, server)
        # Python's collector would look through all modules again and again: a twentieth of the processor time.
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        server.serve_forever(poll_interval=0.05)
    return 0


@contextmanager
def serving(state_dir: Path, account_id: str, region: str, port: int = 0) -> Iterator[BaseWSGIServer]:
    """Be the embedded AWS until the context ends. The caller holds the lock of the folder, and lets the server serve.

    Args:
        state_dir: folder for everything that this leaves.
        account_id: account of credentials that no role issued.
        region: region that clients are told to use.
        port: on 127.0.0.1; 0 takes a free one.

    Yields:
        The server, which listens; its `app` is the `Application`.
    """
    _own_account(account_id)
    services.install_eager()
    list_once()
    watch_calls()
    keys = Keys.random()
    app = Application(Entrance(keys))
    server = make_server(HOST, port, app, threaded=True, request_handler=RequestHandler)
    stale = read_state(state_dir)
    if stale is not None:
        forget(state_dir, stale)
    state = State(
        f"http://{HOST}:{server.port}",
        account_id,
        region,
        os.getpid(),
        _root(state_dir, POSTGRES_FOLDER),
        _root(state_dir, LAMBDA_FOLDER),
        keys.access_key_id,
        keys.secret_access_key,
    )
    authority = Authority.make()
    services.configure(
        services.Settings(
            state.postgres_root,
            state.lambda_root,
            authority,
            _publish(authority, state_dir.resolve(), state.lambda_root),
            state.endpoint_url,
        )
    )
    SCHEDULER.start()
    write_state(state_dir, state)
    try:
        yield server
    finally:
        # Threads that wait for something to take its time would outlive this one.
        PACE.delete()
        _stop_databases()
        lambda_.FORKS.stop()
        forget(state_dir, state)


def _own_account(account_id: str) -> None:
    """Make this the account of credentials that moto did not issue.

    MOTO_ACCOUNT_ID would force every call there, also those of roles assumed in other accounts.
    """
    os.environ.pop("MOTO_ACCOUNT_ID", None)
    iam: Any = iam_models  # an imported name, which typing does not count as the module's own
    iam.DEFAULT_ACCOUNT_ID = account_id


def _root(state_dir: Path, name: str) -> Path:
    """A folder that other users can reach, in the state folder where possible."""
    root = state_dir.resolve() / name
    if unprivileged().can_reach(root):
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
    else:
        root = Path(tempfile.mkdtemp(prefix=TEMPORARY.format(name)))
    root.chmod(0o755)
    return root


def _publish(authority: Authority, state_dir: Path, lambda_root: Path) -> Path:
    """Write what clients of the databases trust; the file of what Lambda functions trust."""
    (state_dir / RDS_CA_FILE).write_bytes(authority.certificate)
    system, trust_store = ssl.get_default_verify_paths().cafile, lambda_root / "trust-store.pem"
    trust_store.write_bytes((Path(system).read_bytes() if system else b"") + authority.certificate)
    return trust_store


def _stop_databases() -> None:
    rds = sys.modules.get("secrets_pipeline.emulator.services.rds")
    if rds is not None:
        rds.stop_servers()


def _start(target: Callable[..., object], *args: object) -> None:
    threading.Thread(target=target, args=args, daemon=True).start()


def _follow_parent(parent: int, server: BaseWSGIServer) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    server.shutdown()


def _shut_down(server: BaseWSGIServer) -> None:
    """`shutdown` waits for `serve_forever`, which this signal interrupted: another thread must call it."""
    _start(server.shutdown)


if __name__ == "__main__":
    raise SystemExit(main())
