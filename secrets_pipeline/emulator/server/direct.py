"""A service of moto, which answers what is sent to `/` itself: all calls of most services are.

Flask finds the function, which is always the same one, and sets up contexts and signals that no code of moto looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from secrets_pipeline.emulator.control.control import Environ, StartResponse

if TYPE_CHECKING:
    from flask import Flask

_Handler = Callable[[Any, str, dict[str, str]], Any]


class DirectApp:
    """A WSGI application.

    Args:
        app: what moto makes of the service.
    """

    def __init__(self, app: Flask) -> None:
        self.service = str(app.service)  # type: ignore[attr-defined] # moto sets it
        self._app = app
        self._request: Any = app.request_class
        self._handler = _handler_of_root(app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self._handler is None or (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("POST", "/"):
            return self._app(environ, start_response)
        request = self._request(environ)
        url = f"{environ['wsgi.url_scheme']}://{request.host}/"
        url += f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        try:
            status, headers, content = self._handler(request, url, dict(request.headers))
        except HTTPException as error:
            return error(environ, start_response)
        body = content.encode() if isinstance(content, str) else content
        code = int(status)
        sent = {str(name): str(value) for name, value in headers.items() if name.lower() != "content-length"}
        start_response(f"{code} {HTTP_STATUS_CODES.get(code, '')}", [*sent.items(), ("Content-Length", str(len(body)))])
        return [body]


def _handler_of_root(app: Flask) -> _Handler | None:
    """The function that answers every call of the service, if there is such a one."""
    views: list[Any] = [app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules() if rule.rule == "/"]
    return next((view.callback for view in views if view.callback.__name__ == "dispatch"), None)
