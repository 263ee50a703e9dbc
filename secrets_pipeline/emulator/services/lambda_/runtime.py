"""Run a function's own code in a process of its own, as Lambda runs it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import stat
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from secrets_pipeline.emulator.control.lambda_faults import MISHAPS
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.identity import VARIABLES
from secrets_pipeline.emulator.services.lambda_.forks import FORKS
from secrets_pipeline.emulator.services.settings import settings

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

# Lambda does not count the initialisation phase, at most ten seconds, against the function's timeout.
INIT_SECONDS = 10
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
TEMPORARY = "tmp"
TRUST_VARIABLE = "SSL_CERT_FILE"
"""OpenSSL's, which `ssl.create_default_context` honours."""
_extracting = Lock()


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came of one invocation.

    Attributes:
        payload: JSON that the handler returned, or Lambda's description of its failure.
        failed: the handler raised, timed out or could not be run (`x-amz-function-error`).
        log: what it wrote to standard output and standard error.
    """

    payload: bytes
    failed: bool
    log: str


def invoke(function: LambdaFunction, body: str) -> Invocation:
    """Run the handler once with `body` as its event.

    The process gets the function's environment, temporary credentials of its role, the endpoint of this server and a
    temporary folder of its own, and nothing else of this process's.
    """
    if not str(function.run_time or "").startswith("python"):
        return _failure("Runtime.Unsupported", f"The embedded AWS runs Python functions, not {function.run_time}.")
    with _folder() as folder:
        root = _code(function.code_bytes)
        request = {
            "root": str(root),
            "handler": str(function.handler),
            "event": body or "{}",
            "environment": _environment(function, root, folder / TEMPORARY),
            "killed": MISHAPS.take(body or "{}"),
        }
        (folder / "request.json").write_text(json.dumps(request))
        # From here on a function may have put something else wherever a name in it leads.
        FORKS.identity.give(folder)
        seconds = int(function.timeout)
        status = FORKS.run(folder, seconds + INIT_SECONDS)
        answer, written = _left(folder / "answer.json"), (_left(folder / "log") or b"").decode(errors="replace")
        if status is None:
            return _ended("Sandbox.Timedout", f"Task timed out after {seconds}.00 seconds", written)
        if answer is None:
            return _ended("Runtime.ExitError", _exit_error(status), written)
        return Invocation(answer, status != 0, written)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder of one invocation, with a temporary one in it for the function."""
    with tempfile.TemporaryDirectory(prefix="invocation-", dir=settings().lambda_root) as name:
        folder = Path(name)
        (folder / TEMPORARY).mkdir(mode=0o700)
        FORKS.identity.give(folder / TEMPORARY)
        yield folder


def _left(path: Path) -> bytes | None:
    """What a function left in a file; None where there is none, or something else that it has put there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or FORKS.identity.user not in {None, found.st_uid}:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _code(archive: bytes) -> Path:
    """The folder of a deployment package; functions cannot write there in Lambda, so invocations share it."""
    root = settings().lambda_root / hashlib.sha256(archive).hexdigest()
    with _extracting:
        if not root.exists():
            fresh = root.with_suffix(".fresh")
            fresh.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
                zipped.extractall(fresh)
            fresh.rename(root)
    return root


def _exit_error(status: int) -> str:
    how = f"signal: {signal.strsignal(-status)}".lower() if status < 0 else f"exit status {status}"
    return f"Runtime exited with error: {how}"


def _ended(kind: str, message: str, log: str = "") -> Invocation:
    """Of a process that did not live to say it, Lambda itself writes the last line of the log.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
    """
    request = uuid.uuid4()
    return _failure(kind, message, f"{log}RequestId: {request} Error: {message}\n")


def _failure(kind: str, message: str, log: str = "") -> Invocation:
    return Invocation(json.dumps({"errorMessage": message, "errorType": kind}).encode(), failed=True, log=log)


def _environment(function: LambdaFunction, root: Path, temporary: Path) -> dict[str, str]:
    role = sts_backends[function.account_id][get_partition(function.region)].assume_role(
        region_name=function.region,
        role_session_name=function.function_name,
        role_arn=function.role,
        policy="",
        duration=3600,
        external_id="",
    )
    return {
        **VARIABLES,
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "LAMBDA_TASK_ROOT": str(root),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
        "AWS_EC2_METADATA_DISABLED": "true",
        ENDPOINT_VARIABLE: settings().endpoint_url,
        **_trust(),
        **function.environment_vars,
    }


def _trust() -> dict[str, str]:
    """Lambda's runtimes trust the authorities of RDS.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-rds.html#rds-connection
    """
    trust_store = settings().trust_store
    return {} if trust_store is None else {TRUST_VARIABLE: str(trust_store)}


def started() -> str:
    """The moment of a change, as Lambda writes LastModified."""
    return CLOCK.moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
