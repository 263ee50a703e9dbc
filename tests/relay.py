"""An HTTP proxy before the embedded AWS that can be cut: who comes later is turned away without an answer."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import urlsplit


class Relay:
    """Passes bytes on until it is cut.

    Attributes:
        url: where it listens.
        is_cut: whether nobody gets through.
        cut_at: what is in the request that is the first not to get through, for example the name of an operation.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_cut = False
        self.cut_at = b""

    def lets(self, data: bytes) -> bool:
        """Whether a request gets through."""
        if self.cut_at and self.cut_at in data:
            self.is_cut = True
        return not self.is_cut


@contextmanager
def relay(endpoint: str) -> Iterator[Relay]:
    """Listen before an endpoint, as HTTP_PROXY of whoever calls it: a request keeps the host that it was signed for."""
    to, whole = urlsplit(endpoint), endpoint.rstrip("/").encode()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((to.hostname or "", to.port or 80)) as server, contextlib.suppress(OSError):
                back = Thread(target=_pass_on, args=(server, self.request), daemon=True)
                back.start()
                while (data := self.request.recv(65536)) and way.lets(data):
                    line, end, rest = data.partition(b"\r\n")
                    server.sendall(line.replace(whole, b"", 1) + end + rest)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads = True
        way = Relay(f"http://127.0.0.1:{served.server_address[1]}")
        thread = Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield way
        finally:
            served.shutdown()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
