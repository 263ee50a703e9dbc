"""Keep the state folder: a lock that the running server holds, and a file that says where it is.

Data lives in the server's memory and its databases; none of it survives the server.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

STATE_FILE = "state.json"
LOCK_FILE = "server.lock"
START_LOCK_FILE = "start.lock"
LOG_FILE = "server.log"
RDS_CA_FILE = "rds-ca.pem"
POSTGRES_FOLDER = "postgres"
LAMBDA_FOLDER = "lambda"
TEMPORARY = "secrets-pipeline-{}-"
"""What the name of either begins with in the temporary folder."""
TEMPLATE_FOLDER = "template"
"""In the folder of all PostgreSQL servers: what each begins with, without a process of its own."""


@dataclass(frozen=True, slots=True)
class State:
    """What the server tells about itself.

    Attributes:
        endpoint_url: for AWS_ENDPOINT_URL.
        account_id: account of the operator's credentials.
        region: default region.
        pid: process id of the server.
        postgres_root: folder with the data of every PostgreSQL; in the state folder, or a temporary one.
        lambda_root: folder with the code of functions, and a folder for each invocation; as postgres_root.
        access_key_id: of the operator, made anew with each start.
        secret_access_key: of the operator.
    """

    endpoint_url: str
    account_id: str
    region: str
    pid: int
    postgres_root: Path
    lambda_root: Path
    access_key_id: str
    secret_access_key: str = field(repr=False)


def write_state(state_dir: Path, state: State) -> None:
    """Write the state file in one step, for its owner alone: who reads it may connect."""
    fresh = state_dir / f"{STATE_FILE}.{os.getpid()}"
    members = {name: getattr(state, name) for name in State.__dataclass_fields__}
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(members, default=str))
    fresh.replace(state_dir / STATE_FILE)


def read_state(state_dir: Path) -> State | None:
    """The state file, None if there is none or it is not ours; whether that server lives is for the lock to say."""
    try:
        members = json.loads((state_dir / STATE_FILE).read_text())
        return State(**{**members, **{root: Path(members[root]) for root in ("postgres_root", "lambda_root")}})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def own_roots(state_dir: Path, state: State) -> Iterator[Path]:
    """The folders in a state that a server made: whoever wrote the file may have named any other."""
    for name, root in ((POSTGRES_FOLDER, state.postgres_root), (LAMBDA_FOLDER, state.lambda_root)):
        temporary = root.parent == Path(tempfile.gettempdir()) and root.name.startswith(TEMPORARY.format(name))
        inside = root == state_dir.resolve() / name
        if (temporary or inside) and root.is_dir() and not root.is_symlink() and root.stat().st_uid == os.geteuid():
            yield root


def forget(state_dir: Path, state: State) -> None:
    """Remove what a server that is gone has left."""
    for folder in own_roots(state_dir, state):
        shutil.rmtree(folder, ignore_errors=True)
    for name in (STATE_FILE, RDS_CA_FILE):
        (state_dir / name).unlink(missing_ok=True)
