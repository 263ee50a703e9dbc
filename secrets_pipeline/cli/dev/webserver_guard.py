"""Refuse requests that come from a foreign page or name another host, which Dagster's webserver does not look at.

A browser on this machine lets pages of any site reach 127.0.0.1, and those as its own whose site's name points there.
Source: https://www.rfc-editor.org/rfc/rfc6454#section-7.3
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost")
_GRAPHQL = "/graphql"
"""What the path ends with, whatever prefix the webserver was given."""
_BODIES = ("application/json", "application/graphql")
"""Content types that no page sends to another origin before it was allowed to.

Source: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
"""
_POLICY_VIOLATION = 1008


class Guard:
    """ASGI middleware that refuses what `refusal` names, before the application sees it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request or WebSocket."""
        why = refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if why is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": why})
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": f"{why}\n".encode()})


def refusal(scope: Scope) -> str | None:
    """Say why a request is not served; None where it is.

    Args:
        scope: of ASGI, `http` or `websocket`.
    """
    hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
    names = [f"{name}:{scope['server'][1]}" for name in NAMES]
    if len(hosts) != 1 or hosts[0] not in names:
        return f"This webserver answers as {' or '.join(names)} only, not as another host."
    if any(origin != f"http://{hosts[0]}" for origin in origins):
        return "This webserver answers its own pages, not those of another origin."
    if not scope["path"].isprintable():
        # A router that ends a path with `$` takes one more line's end for it.
        return "This webserver takes no path with control characters."
    if scope["type"] == "http" and scope["path"].rstrip("/").endswith(_GRAPHQL) and not _is_deliberate(scope):
        return f"Send GraphQL by POST, as {_BODIES[0]}."
    return None


def _is_deliberate(scope: Scope) -> bool:
    """Whether a request for GraphQL is one that no link, picture or form makes; or asks for the page of GraphiQL."""
    if scope["method"] == "GET":
        return "text/html" in next(iter(_values(scope, b"accept")), "")
    kind = next(iter(_values(scope, b"content-type")), "").partition(";")[0].strip().lower()
    return scope["method"] == "POST" and kind in _BODIES


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
