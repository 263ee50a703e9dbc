"""Speak HTTP for the embedded AWS: connections stay open, as AWS's do.

Werkzeug's own handler closes the connection after each answer, which costs a connection and a thread for each call.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from io import BufferedIOBase, BytesIO
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from secrets_pipeline.emulator.server.entrance import foreign

if TYPE_CHECKING:
    from secrets_pipeline.emulator.control.control import Environ

LONGEST_BODY = 50 * 2**20 * 4 // 3 + 2**20
"""The code of a Lambda function, 50 MB zipped, in base64, and room for the rest of that request.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
_BODILESS = frozenset({204, 304})
_LENGTH = re.compile("[0-9]{1,18}")
_MOST_HEADERS, _LONGEST_HEADER = 100, 2**16
"""As `http.client` has them."""
_DISCARDED = 2**16
"""Bytes of a refused body that are read: a client that has sent no more gets the answer, not a reset connection."""


class RequestHandler(MotoRequestHandler):
    """Answers without a line of log for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60
    """Seconds until a connection that nobody uses is closed."""

    def parse_request(self) -> bool:
        """Read a request's line and headers, which `http.server` gives to a parser of e-mails: a tenth of a call."""
        match self.raw_requestline.decode("latin-1").split():
            case [command, path, self.protocol_version as version]:
                self.command, self.path, self.request_version = command, path, version
            case _:
                return super().parse_request()
        self.requestline = f"{command} {path} {version}"
        headers = _headers(self.rfile)
        self.close_connection = headers is None or headers.get("Connection", "").lower() == "close"
        if headers is None:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        self.headers = headers  # type: ignore[assignment] # of what a message has, `items`, `keys`, `get` and `in` are used
        return headers.get("Expect", "").lower() != "100-continue" or self.handle_expect_100()

    def run_wsgi(self) -> None:
        """Read one request whole, and answer it whole, so that the next one can follow on the connection."""
        environ = self.make_environ()
        length = self.headers.get("Content-Length") or "0"
        refusal = _refusal(environ, length)
        if refusal is not None or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        else:
            environ["wsgi.input"] = BytesIO(self.rfile.read(int(length)))
        try:
            answer = refusal or Response.from_app(self.server.app, environ, buffered=True)
        except ConnectionError:
            self.close_connection = True
            return
        self._send(answer)
        if refusal is not None and _LENGTH.fullmatch(length):
            self.wfile.flush()
            self.rfile.read(min(int(length), _DISCARDED))

    def handle_expect_100(self) -> bool:
        """Let S3's clients send the body at once: botocore waits a second for a `100 Continue` that is buffered."""
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def _send(self, answer: Response) -> None:
        body, length = answer.get_data(), answer.headers.get("Content-Length")
        self.send_response(answer.status_code, answer.status.partition(" ")[2])
        for name, value in answer.headers:
            if name.lower() not in {"content-length", "connection", "date", "server"}:
                self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if answer.status_code not in _BODILESS:
            # To HEAD, the length of what GET would send.
            self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: calls are counted instead."""


def _headers(lines: BufferedIOBase) -> Headers | None:
    """The headers of a request, None where they are none; a line that goes on in the next one is of long ago."""
    headers = Headers()
    while (line := lines.readline(_LONGEST_HEADER + 1)) not in {b"\r\n", b"\n"}:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip() or len(line) > _LONGEST_HEADER:
            return None
        headers.add(name, value.strip())
        if len(headers) > _MOST_HEADERS:
            return None
    return headers


def _refusal(environ: Environ, length: str) -> Response | None:
    """The answer to a request whose body is not read; None for others."""
    if said := foreign(environ):
        return Response(f"{said}\n", 403)
    if _LENGTH.fullmatch(length) is None:
        return Response("Content-Length is not a number of bytes.\n", 400)
    if int(length) > LONGEST_BODY:
        return Response(f"The embedded AWS takes requests of up to {LONGEST_BODY:,} bytes.\n", 413)
    return None
