"""Which requests the guard in front of Dagster's webserver lets through, by their headers alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any

import pytest

from secrets_pipeline.cli.dev.webserver_guard import Guard, Scope, refusal

PORT = 3000
OWN = f"127.0.0.1:{PORT}"
JSON = "application/json"


def scope(
    path: str = "/", method: str = "GET", kind: str = "http", host: str | None = OWN, **headers: str
) -> dict[str, Any]:
    """As uvicorn has it; an underscore in a header's name is a hyphen."""
    sent = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {
        "type": kind,
        "method": method,
        "path": path,
        "server": ("127.0.0.1", PORT),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items() if value is not None],
    }


@pytest.mark.parametrize(
    "asked",
    [
        scope(),
        scope(host=f"localhost:{PORT}"),
        scope("/runs/1", origin=f"http://{OWN}"),
        scope("/graphql", "POST", content_type=JSON),
        scope("/graphql", "POST", content_type=f"{JSON}; charset=utf-8", origin=f"http://{OWN}"),
        scope("/graphql", "POST", host=f"localhost:{PORT}", content_type=JSON, origin=f"http://localhost:{PORT}"),
        scope("/graphql", "POST", content_type="application/graphql"),
        scope("/graphql", accept="text/html,*/*"),
        scope("/a/prefix/graphql", "POST", content_type=JSON),
        scope("/assets/graphql/lineage"),
        scope("/graphql", kind="websocket", origin=f"http://{OWN}"),
        scope("/graphql", kind="websocket"),
    ],
)
def test_the_ui_its_clients_and_links_to_its_pages_are_served(asked: Scope) -> None:
    assert refusal(asked) is None


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", f"evil.example:{PORT}", "127.0.0.1", "localhost", "127.0.0.1:1", f"127.0.0.2:{PORT}"],
)
def test_another_host_is_refused(kind: str, host: str | None) -> None:
    why = refusal(scope("/graphql", "POST", kind, host=host, content_type=JSON))
    assert why == f"This webserver answers as {OWN} or localhost:{PORT} only, not as another host."


def test_two_hosts_are_refused() -> None:
    asked = scope()
    asked["headers"].append((b"host", b"evil.example"))
    assert "not as another host" in str(refusal(asked))


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        f"http://evil.example:{PORT}",
        f"https://{OWN}",
        "http://127.0.0.1",
        "http://127.0.0.1:8080",
        f"http://localhost:{PORT}",
        f"http://{OWN}.evil.example",
    ],
)
def test_a_page_of_another_origin_is_refused(kind: str, origin: str) -> None:
    for path in ("/", "/graphql", "/report_asset_materialization/secrets"):
        why = refusal(scope(path, "POST", kind, content_type=JSON, origin=origin))
        assert why == "This webserver answers its own pages, not those of another origin."


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/a/prefix/graphql"])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("GET", {"accept": "*/*"}),
        ("GET", {"accept": "image/*", "content_type": JSON}),
        ("HEAD", {}),
        ("PUT", {"content_type": JSON}),
        ("POST", {}),
        ("POST", {"content_type": "application/x-www-form-urlencoded"}),
        ("POST", {"content_type": "multipart/form-data; boundary=x"}),
        ("POST", {"content_type": "text/plain"}),
        ("POST", {"content_type": f"text/plain; {JSON}"}),
    ],
)
def test_graphql_that_a_link_a_picture_or_a_form_can_ask_for_is_refused(
    path: str, method: str, headers: Mapping[str, str]
) -> None:
    assert refusal(scope(path, method, **headers)) == "Send GraphQL by POST, as application/json."


@pytest.mark.parametrize("path", ["/graphql\n", "/a/prefix/graphql\n", "/graphql\n/", "/graphql\x85", "/graphql\u2028"])
def test_a_path_that_a_router_takes_for_another_is_refused(path: str) -> None:
    assert refusal(scope(path, accept="image/*")) == "This webserver takes no path with control characters."


def guarded(asked: Scope) -> tuple[list[str], list[MutableMapping[str, Any]]]:
    """What the application behind saw, and what was sent."""
    seen: list[str] = []
    sent: list[MutableMapping[str, Any]] = []

    async def app(scope: Scope, _receive: object, _send: object) -> None:
        await asyncio.sleep(0)
        seen.append(scope["type"])

    async def send(message: MutableMapping[str, Any]) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(0)
        return {}

    asyncio.run(Guard(app)(asked, receive, send))
    return seen, sent


def test_the_application_never_sees_what_is_refused() -> None:
    assert guarded(scope()) == (["http"], [])
    assert guarded({"type": "lifespan"}) == (["lifespan"], [])
    seen, sent = guarded(scope(origin="null"))
    assert (seen, sent[0]["status"]) == ([], 403)
    assert b"not those of another origin" in sent[1]["body"]
    seen, sent = guarded(scope("/graphql", kind="websocket", origin="null"))
    assert (seen, sent[0]["type"]) == ([], "websocket.close")
