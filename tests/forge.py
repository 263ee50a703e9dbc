"""Where comments and issues go in tests: what the APIs of GitHub and GitLab take and give of them, on 127.0.0.1."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

API_TOKEN: Final = "token-of-the-api"


class Forge(ThreadingHTTPServer):
    """Takes comments and issues, as the APIs of GitHub and GitLab do.

    Attributes:
        comments: their texts, by number.
        issues: title, text and whether it is open, by number.
        foreign: numbers of comments and issues that somebody else wrote than whose token it is.
        refused: requests that it did not understand, or that brought no token.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.comments: dict[int, str] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.foreign: set[int] = set()
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    server: Forge

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        said = json.loads(self.rfile.read(length)) if length else {}
        mine = {f"Bearer {API_TOKEN}", API_TOKEN}
        known = {self.headers.get("Authorization"), self.headers.get("PRIVATE-TOKEN")} & mine
        url = urlsplit(self.path)
        found = self.dealt_with(url.path.strip("/").split("/"), said) if known else None
        if isinstance(found, list):
            asked = {name: int(value) for name, (value,) in parse_qs(url.query).items() if value.isdigit()}
            found = found[(asked["page"] - 1) * asked["per_page"] :][: asked["per_page"]]
        if found is None:
            self.server.refused.append(f"{self.command} {self.path}")
        content = json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the base class calls them so

    def dealt_with(self, path: list[str], said: Mapping[str, str]) -> Any:  # noqa: ANN401, PLR0911 - JSON, an answer a case
        """https://docs.github.com/en/rest/issues, https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/issues/."""
        match self.command, path:
            case "GET", ["user"]:
                return {"id": 7}
            case "GET", ["repos", "acme", "infra", "issues", "7", "comments"] | [
                "projects",
                "42",
                "merge_requests",
                "7",
                "notes",
            ]:
                texts = self.server.comments.items()
                return [{"id": number, "body": text, **self.author(number)} for number, text in texts]
            case "POST", [*_, "issues" | "merge_requests", "7", "comments" | "notes"]:
                return self.commented(len(self.server.comments) + 100, said["body"])
            case ("PATCH", ["repos", "acme", "infra", "issues", "comments", number]) | (
                "PUT",
                ["projects", "42", "merge_requests", "7", "notes", number],
            ) if int(number) in self.server.comments:
                return self.commented(int(number), said["body"])
            case _, ["repos", "acme", "infra", "issues", *rest]:
                return self.issue(rest, said, "number", "body")
            case _, ["projects", "42", "issues", *rest]:
                return self.issue(rest, said, "iid", "description")
        return None

    def author(self, number: int) -> dict[str, Any]:
        foreign = number in self.server.foreign
        return {"user": {"type": "User" if foreign else "Bot"}, "author": {"id": 8 if foreign else 7}}

    def commented(self, number: int, text: str) -> dict[str, str]:
        self.server.comments[number] = text
        return {}

    def issue(self, rest: list[str], said: Mapping[str, str], number: str, text: str) -> Any:  # noqa: ANN401 - JSON
        issues = self.server.issues
        match self.command, rest:
            case "GET", []:
                seen = [(one, found["text"]) for one, found in issues.items() if found["open"]]
                return [{number: one, text: said_there, **self.author(one)} for one, said_there in seen]
            case "POST", []:
                issues[len(issues) + 1] = {"title": said["title"], "text": said[text], "open": True}
                return {}
            case "PATCH" | "PUT", [one]:
                issues[int(one)]["text"] = said[text]
                if "closed" in said.values() or said.get("state_event") == "close":
                    issues[int(one)]["open"] = False
                return {}
        return None


@contextmanager
def served(forge: Forge) -> Iterator[Forge]:
    """Let it answer until the block ends."""
    thread = threading.Thread(target=forge.serve_forever, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        forge.shutdown()
        forge.server_close()
        thread.join()
