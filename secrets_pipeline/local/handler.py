"""HTTP of the embedded AWS: connections stay open, as AWS's do.

Werkzeug's own handler closes the connection after each answer, which costs a connection and a thread for each call.
"""

from __future__ import annotations

from io import BytesIO

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.wrappers import Response

_BODILESS = frozenset({204, 304})


class RequestHandler(MotoRequestHandler):
    """Answers without a line of log for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60
    """Seconds until a connection that nobody uses is closed."""

    def run_wsgi(self) -> None:
        """Read one request whole, and answer it whole, so that the next one can follow on the connection."""
        environ = self.make_environ()
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
        else:
            environ["wsgi.input"] = BytesIO(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        try:
            answer = Response.from_app(self.server.app, environ, buffered=True)
        except ConnectionError:
            self.close_connection = True
            return
        body = answer.get_data()
        self.send_response(answer.status_code, answer.status.partition(" ")[2])
        for name, value in answer.headers:
            if name.lower() not in {"content-length", "connection", "date", "server"}:
                self.send_header(name, value)
        if answer.status_code not in _BODILESS:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: calls are counted instead."""
