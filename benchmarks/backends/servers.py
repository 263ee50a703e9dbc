"""AWS emulators that nobody here wrote, each as a process of an environment of its own, on 127.0.0.1 alone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import trustme
from botocore.exceptions import BotoCoreError, ClientError

from secrets_pipeline.emulator import ADMINISTRATOR_ROLE, LocalAws
from secrets_pipeline.emulator.handle.lifecycle import OPERATOR_USER
from tests.ports import free_port
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
HOME, AWAY, REGION = "111122223333", "444455556666", "eu-west-2"
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_BY_HOME = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "sts:AssumeRole"}
_START_SECONDS, _STOP_SECONDS = 60, 20


@dataclass(frozen=True)
class Backend:
    """An emulator.

    Attributes:
        name: as its list of requirements and its environment have it.
        command: arguments of its environment's Python, by port and folder.
        environment: of its process, by folder.
        tls: whether it serves HTTPS; who enforces policies knows `aws:SecureTransport`.
        root: whoever may do everything in an account, by account and URL.
    """

    name: str
    command: Callable[[int, Path], Sequence[str]]
    environment: Callable[[Path], Mapping[str, str]]
    tls: bool
    root: Callable[[str, str], boto3.Session]


def _assumed(account: str, url: str) -> boto3.Session:
    """A session of a role that nobody made: who enforces nothing hands it out, and that is how an account begins."""
    sts = client_of(boto3.Session("testing", "testing", region_name=REGION), url, "sts")
    role = f"arn:aws:iam::{account}:role/{ADMINISTRATOR_ROLE}"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="root")["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=REGION)


MOTO = Backend(
    "moto",
    lambda port, _: ("-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)),
    lambda _: {},
    tls=False,
    root=_assumed,
)
MINISTACK = Backend(
    "ministack",
    # By its ASGI server: its own main would take port 443 as well.
    lambda port, folder: (
        *("-m", "hypercorn", "ministack.app:app", "--bind", f"127.0.0.1:{port}"),
        *("--certfile", str(folder / "certificate.pem"), "--keyfile", str(folder / "key.pem")),
    ),
    lambda folder: {
        "AUTH": "true",
        "MINISTACK_ACCOUNT_ID": HOME,
        "MINISTACK_REGION": REGION,
        "MINISTACK_HOST": "127.0.0.1",
        "S3_DATA_DIR": str(folder / "s3"),
        "STATE_DIR": str(folder / "state"),
    },
    tls=True,
    root=lambda account, _: boto3.Session(account, "test", region_name=REGION),
)
BACKENDS = {one.name: one for one in (MOTO, MINISTACK)}


@contextmanager
def running(backend: Backend, folder: Path) -> Iterator[LocalAws]:
    """Start an emulator that holds nothing but an administrator of each of two accounts; stop it in the end.

    Args:
        backend: which.
        folder: for its log, certificates and files; `ca.pem` there is the authority of its certificate.
    """
    port = free_port()
    _certificates(folder)
    # Of every client of this process: what plays Terraform makes its own.
    os.environ["AWS_CA_BUNDLE"] = str(folder / "ca.pem")
    python = ROOT / f".venv-{backend.name}" / "bin" / "python"
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {**inherited, "TMPDIR": str(folder), "GATEWAY_PORT": str(port), **backend.environment(folder)}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(python), *backend.command(port, folder)], env=environment, cwd=folder, stdout=log, stderr=log
        )
    try:
        url = f"{'https' if backend.tls else 'http'}://127.0.0.1:{port}"
        yield eventually(lambda: _peopled(backend, server, url, folder), "an answer", seconds=_START_SECONDS)
    finally:
        server.terminate()
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _certificates(folder: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "certificate.pem").write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))


def _peopled(backend: Backend, server: subprocess.Popen[bytes], url: str, folder: Path) -> LocalAws | None:
    """An administrator of the home account, who may assume a role in the other; None while nobody answers."""
    if server.poll() is not None:
        raise RuntimeError(f"{backend.name} ended with {server.returncode}:\n{(folder / 'log').read_text()[-2000:]}")
    try:
        home, away = (client_of(backend.root(account, url), url, "iam") for account in (HOME, AWAY))
        home.list_users()
    except (BotoCoreError, ClientError):
        return None
    everything = json.dumps(_EVERYTHING)
    home.create_user(UserName=OPERATOR_USER)
    home.put_user_policy(UserName=OPERATOR_USER, PolicyName="all", PolicyDocument=everything)
    made = home.create_access_key(UserName=OPERATOR_USER)["AccessKey"]
    trust = json.dumps({"Version": "2012-10-17", "Statement": [_BY_HOME]})
    away.create_role(RoleName=ADMINISTRATOR_ROLE, AssumeRolePolicyDocument=trust)
    away.put_role_policy(RoleName=ADMINISTRATOR_ROLE, PolicyName="all", PolicyDocument=everything)
    return LocalAws(url, HOME, REGION, folder, server.pid, made["AccessKeyId"], made["SecretAccessKey"])


def client_of(session: boto3.Session, url: str, service: str) -> Any:  # noqa: ANN401 - boto3 has a type for each service
    """A client of a service."""
    make: Any = session.client
    return make(service, endpoint_url=url)
