"""The embedded AWS in the process of the tests: an AWS client calls a function instead of sending a request.

The server listens as well, for processes that a test starts and for HTTP clients other than botocore. While latency
is set or a fault is armed, the clients of this process use HTTP too, so that the connection can fail.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from email.utils import formatdate
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse, HeadersDict
from botocore.session import Session
from filelock import FileLock

from secrets_pipeline.emulator import LocalAws, status
from secrets_pipeline.emulator.handle.lifecycle import DEFAULT_ACCOUNT, DEFAULT_REGION, MOTO_SETTINGS
from secrets_pipeline.emulator.handle.state import LOCK_FILE

# Moto reads them as it is imported, which is later.
os.environ |= MOTO_SETTINGS

_applications: dict[str, Any] = {}
"""Host and port → the application of this process that answers there."""
_ANSWERED_HERE = "answered here"
"""Key of a request's context: whether a function answers it."""
_within = ContextVar("_within", default=False)
"""Whether this thread answers a request of this process."""


@contextmanager
def in_process_aws(folder: Path) -> Iterator[LocalAws]:
    """Be an embedded AWS until the context ends."""
    from secrets_pipeline.emulator.server.server import serving  # noqa: PLC0415 - it imports moto

    with FileLock(folder / LOCK_FILE), serving(folder, DEFAULT_ACCOUNT, DEFAULT_REGION) as server:
        place = f"{server.host}:{server.port}"
        _applications[place] = server.app
        botocore.register_initializer(_answer_here)
        _sign_no_content()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        found = status(folder)
        assert found is not None
        # Python's collector would look through all of moto again and again.
        gc.freeze()
        try:
            yield found
        finally:
            del _applications[place]
            server.shutdown()
            thread.join()


@pytest.fixture
def over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call of this test travels over HTTP."""
    monkeypatch.setattr(sys.modules[__name__], "_applications", {})


def _sign_no_content() -> None:
    """Path, headers and body are not signed on a way on which nobody can change them.

    The embedded AWS computes signatures by the same class of botocore, so it still refuses a wrong key.
    """
    internals: Any = SigV4Auth
    whole = internals.canonical_request
    internals.canonical_request = lambda signer, request: (
        "" if _within.get() or request.context.get(_ANSWERED_HERE) else whole(signer, request)
    )


def _note(request: AWSRequest, **_: object) -> None:
    request.context[_ANSWERED_HERE] = _application(request.url) is not None


def _answer_here(session: Session) -> None:
    register: Any = session.register  # whose handlers are typed as taking no named argument
    register("before-send", _answer, "answered-in-process")
    register("before-sign", _note, "signed-in-process")


def _answer(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
    parts = urlsplit(request.url)
    application = _application(request.url)
    if application is None:
        return None
    status_and_headers: list[Any] = []
    environ = _environ(request, parts.path, parts.query, parts.netloc)
    token = _within.set(True)
    try:
        chunks: Iterable[bytes] = application(environ, lambda *started: status_and_headers.extend(started))
        body = b"".join(chunks)
    finally:
        _within.reset(token)
    headers: Any = HeadersDict(status_and_headers[1], Date=formatdate(usegmt=True))
    return AWSResponse(request.url, int(status_and_headers[0].partition(" ")[0]), headers, _Raw(body))


def _application(url: str | None) -> Any:  # noqa: ANN401 - the emulator's modules are imported later
    """What answers here in place of an HTTP request; None for any other address, and while connections fail."""
    application = _applications.get(urlsplit(url or "").netloc)
    return None if application is None or application.troubles_connections else application


def _environ(request: AWSPreparedRequest, path: str, query: str, place: str) -> dict[str, Any]:
    """Describe a request as werkzeug's server does."""
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    sent = body.encode() if isinstance(body, str) else bytes(body)
    whole = f"{path}?{query}" if query else path
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": whole,
        "RAW_URI": whole,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": place.partition(":")[2],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": place,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(sent),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = text
    environ.setdefault("CONTENT_LENGTH", str(len(sent)))
    return environ


class _Raw(BytesIO):
    """The body of an answer, as urllib3 gives it."""

    def stream(self, amt: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:  # noqa: ARG002 - urllib3's
        while chunk := self.read(amt):
            yield chunk
