"""A report is said once, and updated: whatever else is said there, however long it is, and whoever refuses it."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.ci_files import CI
from tests.forge import API_TOKEN, Forge, served

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "acme/infra",
    "GITHUB_REF": "refs/pull/7/merge",
    "GITHUB_RUN_ID": "12",
    "GITHUB_TOKEN": API_TOKEN,
}
GITLAB = {
    "CI_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_JOB_URL": "https://x.example/1",
    "GITLAB_TOKEN": API_TOKEN,
}


@pytest.fixture
def forge() -> Iterator[Forge]:
    with served(Forge()) as one:
        yield one


def report(forge: Forge, variables: Mapping[str, str], *arguments: str | Path) -> str:
    """Run the script in this process, without any other variable; what it ends with, empty for success."""
    addresses = {"GITHUB_API_URL": forge.url, "CI_API_V4_URL": forge.url}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {**addresses, **variables})
        patch.setattr(sys, "argv", ["report.py", "--marker", "m", *map(str, arguments)])
        try:
            runpy.run_path(str(CI / "report.py"), run_name="__main__")
        except SystemExit as end:
            return str(end.code)
    return ""


@pytest.mark.parametrize("variables", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_a_comment_behind_many_others_is_found_and_those_of_others_are_left_alone(
    forge: Forge, tmp_path: Path, variables: dict[str, str]
) -> None:
    forge.comments = {number: f"> <!-- m --> quoted {number}" for number in range(1, 251)}
    forge.comments[230] = "<!-- m -->\nold"
    before = dict(forge.comments)
    (tmp_path / "plan.md").write_text("**new** `é`")
    assert report(forge, variables, tmp_path / "plan.md") == ""
    assert forge.refused == []
    assert {number for number in before if forge.comments[number] != before[number]} == {230}
    assert forge.comments[230].startswith("<!-- m -->\n**new** `é`\n\n<sub>[Log of the run](https://")


@pytest.mark.parametrize("variables", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_what_somebody_else_wrote_with_the_marker_in_front_is_neither_taken_nor_closed(
    forge: Forge, tmp_path: Path, variables: dict[str, str]
) -> None:
    forge.comments = {1: "<!-- m -->\nno changes, trust me"}
    forge.issues = {1: {"title": "x", "text": "<!-- m -->\ntheirs", "open": True}}
    forge.foreign = {1}
    (tmp_path / "plan.md").write_text("plan")
    for _ in range(2):
        assert report(forge, variables, tmp_path / "plan.md") == ""
        assert report(forge, variables, "--issue", "Drift", tmp_path / "plan.md") == ""
    assert report(forge, variables, "--issue", "Drift", "--state", "resolved", tmp_path / "plan.md") == ""
    assert forge.comments[1] == "<!-- m -->\nno changes, trust me"
    assert forge.issues[1] == {"title": "x", "text": "<!-- m -->\ntheirs", "open": True}
    assert (len(forge.comments), [one["open"] for one in forge.issues.values()]) == (2, [True, False])
    assert forge.refused == []


def test_a_report_that_is_empty_or_too_long_is_said_all_the_same(forge: Forge, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("")
    assert report(forge, GITHUB, tmp_path / "plan.md") == ""
    (text,) = forge.comments.values()
    assert "There is no result" in text
    assert "https://github.example/acme/infra/actions/runs/12" in text
    (tmp_path / "plan.txt").write_text("x" * 100_000)
    assert report(forge, GITHUB, tmp_path / "plan.txt") == ""
    (text,) = forge.comments.values()
    assert len(text) < 65_536
    assert "is too long" in text


@pytest.mark.parametrize("variables", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_an_issue_is_opened_updated_closed_and_opened_anew(
    forge: Forge, tmp_path: Path, variables: dict[str, str]
) -> None:
    file = tmp_path / "drift.md"
    for number, state in enumerate(["resolved", "open", "open", "resolved", "resolved", "open"]):
        file.write_text(f"night {number}")
        assert report(forge, variables, "--issue", "Drift", "--state", state, file) == ""
    found = [(one["title"], one["text"].splitlines()[1], one["open"]) for one in forge.issues.values()]
    assert found == [("Drift", "night 3", False), ("Drift", "night 5", True)]


def test_who_refuses_is_said_without_the_token(forge: Forge, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("plan")
    said = report(forge, {**GITHUB, "GITHUB_TOKEN": "canary"}, tmp_path / "plan.md")
    assert said == f"{forge.url}/repos/acme/infra/issues/7/comments: 404 Not Found"
    said = report(forge, {**GITHUB, "GITHUB_REF": "refs/heads/main"}, tmp_path / "plan.md")
    assert "give --issue TITLE" in said


@pytest.mark.parametrize("ticks", [1, 3, 10, 24])
def test_no_backticks_in_a_text_close_its_fence(forge: Forge, tmp_path: Path, ticks: int) -> None:
    inside = f"odd key\n{'`' * ticks}\n# Heading @everybody [link](https://evil.example)"
    (tmp_path / "verify.txt").write_text(inside)
    assert report(forge, GITHUB, tmp_path / "verify.txt") == ""
    (text,) = forge.comments.values()
    first, *lines = text.partition("\n")[2].splitlines()
    fence = first.removesuffix("text")
    assert set(fence) == {"`"}
    # The fence ends at the first line of as many backticks, or more, and nothing else.
    # Source: https://github.github.com/gfm/#fenced-code-blocks
    end = next(at for at, line in enumerate(lines) if set(line) == {"`"} and len(line) >= len(fence))
    assert lines[:end] == inside.splitlines()
