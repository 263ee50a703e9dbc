"""Say the result of a run once: in a comment on its pull or merge request, or in an issue, which the next run updates.

For GitHub Actions and GitLab CI; the standard library is all it needs. GITHUB_TOKEN may write the comment or the issue,
and so may GITLAB_TOKEN, a project access token of scope `api`: GitLab's job token may not.

Sources: https://docs.github.com/en/rest/issues/comments, https://docs.github.com/en/rest/issues/issues,
https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/issues/, https://docs.gitlab.com/api/users/
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_PAGE = 100
_MOST = 64_000
"""Characters: GitHub takes 65,536."""
_SECONDS = 30.0
_TICKS = re.compile("`+")


@dataclass(frozen=True)
class Host:
    """What differs between GitHub and GitLab.

    Attributes:
        api: URL of the project in the API.
        headers: that say who asks.
        comments: path of the comments of this run's request; empty where it has none.
        body: how a comment and an issue call their text.
        updates: HTTP method that changes one.
        closing: what closes an issue.
        run: URL of this run.
        author: how a comment and an issue call who wrote them.
        own: what is so of whoever these jobs write as, and of nobody else who may write here.
    """

    api: str
    headers: dict[str, str]
    comments: str
    body: tuple[str, str]
    updates: str
    closing: dict[str, str]
    run: str
    author: str
    own: tuple[str, object]

    def ask(self, method: str, path: str, **fields: str) -> Any:  # noqa: ANN401 - JSON
        """Call the API."""
        headers = {**self.headers, "Content-Type": "application/json"}
        data = json.dumps(fields).encode() if fields else None
        request = urllib.request.Request(f"{self.api}/{path}", data, headers, method=method)  # noqa: S310 - as CI says
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as CI says
            return json.loads(answer.read())

    def listed(self, path: str) -> Iterator[dict[str, Any]]:
        """List all of something, page by page."""
        page = 1
        found: list[dict[str, Any]] = []
        mark = "&" if "?" in path else "?"
        while page == 1 or len(found) == _PAGE:
            found = self.ask("GET", f"{path}{mark}per_page={_PAGE}&page={page}")
            yield from found
            page += 1

    def written(self, path: str, marker: str, field: str) -> dict[str, Any] | None:
        """Find what these jobs wrote before: others may begin with the marker too, and edit what they wrote."""
        key, value = self.own
        for one in self.listed(path):
            if (one[field] or "").startswith(marker) and (one[self.author] or {}).get(key) == value:
                return one
        return None


def github() -> Host:
    """The repository of this run of GitHub Actions."""
    env = os.environ
    repository, ref = env["GITHUB_REPOSITORY"], env["GITHUB_REF"].split("/")
    return Host(
        api=f"{env['GITHUB_API_URL']}/repos/{repository}",
        headers={"Authorization": f"Bearer {env['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"},
        comments=f"issues/{ref[2]}/comments" if ref[1] == "pull" else "",
        body=("body", "body"),
        updates="PATCH",
        closing={"state": "closed"},
        run=f"{env['GITHUB_SERVER_URL']}/{repository}/actions/runs/{env['GITHUB_RUN_ID']}",
        author="user",
        own=("type", "Bot"),
    )


def gitlab() -> Host:
    """The project of this pipeline of GitLab CI."""
    env = os.environ
    request = env.get("CI_MERGE_REQUEST_IID")
    host = Host(
        api=f"{env['CI_API_V4_URL']}/projects/{env['CI_PROJECT_ID']}",
        headers={"PRIVATE-TOKEN": env["GITLAB_TOKEN"]},
        comments=f"merge_requests/{request}/notes" if request else "",
        body=("body", "description"),
        updates="PUT",
        closing={"state_event": "close"},
        run=env["CI_JOB_URL"],
        author="author",
        own=("id", None),
    )
    me = replace(host, api=env["CI_API_V4_URL"]).ask("GET", "user")
    return replace(host, own=("id", me["id"]))


def told(files: list[Path], run: str) -> str:
    """The text of files, Markdown as it is and anything else as it stands, and where the log is."""
    parts = []
    for file in files:
        text = file.read_text(encoding="utf-8").strip()
        # No run of backticks inside, as of a name from YAML, may close the fence.
        fence = "`" * max([2, *map(len, _TICKS.findall(text))]) + "`"
        parts.append(text if file.suffix == ".md" or not text else f"{fence}text\n{text}\n{fence}")
    text = "\n\n".join(filter(None, parts)) or "There is no result: the log of the run says why."
    if len(text) > _MOST:
        text = f"{text[:_MOST]}\n\n… is too long for a comment."
    return f"{text}\n\n<sub>[Log of the run]({run})</sub>\n"


def comment(host: Host, marker: str, text: str) -> None:
    """Update the comment that begins with the marker, or make it."""
    field = host.body[0]
    if not host.comments:
        sys.exit("this run is of no pull or merge request: give --issue TITLE")
    one = host.written(host.comments, marker, field)
    if one is None:
        host.ask("POST", host.comments, **{field: f"{marker}\n{text}"})
        return
    # GitHub finds a comment by its id alone.
    above = "issues/comments" if host.comments.startswith("issues/") else host.comments
    host.ask(host.updates, f"{above}/{one['id']}", **{field: f"{marker}\n{text}"})


def issue(host: Host, marker: str, title: str, text: str, *, resolved: bool) -> None:
    """Update the open issue that begins with the marker, make it, or close it where all is well."""
    field = host.body[1]
    opened = "issues?state=open" if host.updates == "PATCH" else "issues?state=opened"
    one = host.written(opened, marker, field)
    if one is not None:
        more = host.closing if resolved else {}
        host.ask(host.updates, f"issues/{one.get('number', one.get('iid'))}", **{field: f"{marker}\n{text}"}, **more)
    elif not resolved:
        host.ask("POST", "issues", **{field: f"{marker}\n{text}"}, title=title)


def main() -> None:
    """Parse the arguments, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--marker", required=True, help="what tells this report from others, for example secrets-plan")
    parser.add_argument("--issue", metavar="TITLE", help="report in an issue, not on the request of this run")
    parser.add_argument("--state", choices=["open", "resolved"], default="open", help="resolved closes the issue")
    parser.add_argument("files", type=Path, nargs="+", help="the report: .md is Markdown, anything else plain text")
    asked = parser.parse_args()
    try:
        host = github() if os.environ.get("GITHUB_ACTIONS") else gitlab()
        marker, text = f"<!-- {asked.marker} -->", told(asked.files, host.run)
        if asked.issue:
            issue(host, marker, asked.issue, text, resolved=asked.state == "resolved")
        else:
            comment(host, marker, text)
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.url.partition('?')[0]}: {error.code} {error.reason}")


if __name__ == "__main__":
    main()
