"""A webhook on 127.0.0.1 that keeps the posted alerts and counts the calls of a heartbeat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Thread
from typing import Any


@dataclass
class Hook:
    """Where alerts are posted.

    Attributes:
        url: with a canary in its path, which is its secret.
        answers: status of the next answers; then 200. None closes the connection unanswered.
        posted: what came.
        called: paths of GET.
    """

    url: str = ""
    answers: list[int | None] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    called: list[str] = field(default_factory=list)


@contextmanager
def webhook(tls: SSLContext | None = None) -> Iterator[Hook]:
    """Serve one, by https where there is a certificate."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posted.append({"content-type": self.headers["Content-Type"], **json.loads(body)})
            self.answer()

        def do_GET(self) -> None:
            hook.called.append(self.path)
            self.answer()

        def answer(self) -> None:
            status = hook.answers.pop(0) if hook.answers else 200
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        hook.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/services/CANARY-OF-HOOK"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()
