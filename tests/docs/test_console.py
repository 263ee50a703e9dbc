"""The runner of console blocks reads what a page says, and fails where a command does not do that."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from tests.docs.console import NOT_RUN, RUN, SHELLS, Fence, commands, comments, fences, problem, run, shows
from tests.waiting import eventually

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BESIDE: Final = [one for one in ROOT.glob("*.md") if one not in PAGES]


def block(text: str, before: str = "", language: str = RUN) -> str:
    return f"# Page\n\n{before}```{language}\n{text}\n```\n"


def told(page: str, folder: Path) -> str:
    """What is wrong with a page that is run without AWS."""
    (folder / "scratch").mkdir()
    asked = commands(page)
    environment = {"PATH": os.environ["PATH"], "CHECKOUT": str(ROOT)}
    return problem("page.md", asked, run(asked, folder / "scratch", environment, seconds=5))


PASSES: Final = {
    "output": "$ echo a; echo b >&2\na\nb",
    "a part of the output": "$ seq 5\n2\n3",
    "lines that are folded": "$ echo one two three\none\n  two   three",
    "anything": "$ echo id 1234 of 3; echo end\nid … of 3",
    "anything in a word": "$ echo key-1234-x\nkey-…-x",
    "any lines": "$ seq 9\n1\n…\n9",
    "a line that goes on": "$ echo a \\\n    b\na b",
    "a bar at the end": "$ echo a |\n    tr a b\nb",
    "quotes over lines": "$ echo 'a\nb'\na b",
    "a document": "$ cat <<'END'\n$ x\nEND\n…x",
    "one shell": "$ export A=b; mkdir c; cd c\n$ echo $A ${PWD##*/}\nb c",
    "an exit code": "$ false   # exit code 1: nothing to do",
}


@pytest.mark.parametrize("text", PASSES.values(), ids=PASSES.keys())
def test_a_page_that_says_what_happens_passes(text: str, tmp_path: Path) -> None:
    assert told(block(text), tmp_path) == ""


FAILS: Final = {
    "an unknown command": (
        "$ true\n$ secrets-pipelin plan",
        "page.md:5: $ secrets-pipelin plan\nended with exit code 127, not 0",
    ),
    "another output": ("$ echo a\nb", "page.md:4: $ echo a\ndid not print what the page shows:\nb\nbut:\na\n"),
    "a gap in the output": ("$ seq 3\n1\n3", "did not print what the page shows"),
    "a part of a word": ("$ echo 21 errors\n1 errors", "did not print what the page shows"),
    "another order": ("$ seq 3\n2\n…\n1", "did not print what the page shows"),
    "another exit code": ("$ true  # exit code 2: changes", "ended with exit code 0, not 2"),
    "a pipe that breaks early": ("$ false | cat", "ended with exit code 1, not 0"),
    "the end of the shell": ("$ exit 0\n$ true", "did not end"),
    "what waits for an answer": ("$ read -r answer", "ended with exit code 1, not 0"),
}


@pytest.mark.parametrize(("text", "expected"), FAILS.values(), ids=FAILS.keys())
def test_a_page_that_says_otherwise_is_told_with_line_command_and_output(
    text: str, expected: str, tmp_path: Path
) -> None:
    assert expected in told(block(text), tmp_path)


def test_a_command_that_does_not_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    asked = commands(block("$ echo begun; sleep 60"))
    ended = run(asked, tmp_path / "scratch", {"PATH": os.environ["PATH"]}, seconds=0.5)
    assert problem("page.md", asked, ended) == "page.md:4: $ echo begun; sleep 60\ndid not end. It printed:\nbegun\n"


def test_what_a_page_leaves_running_is_ended(tmp_path: Path) -> None:
    assert told(block("$ sleep 60 & echo $! > pid"), tmp_path) == ""
    left = Path("/proc") / (tmp_path / "scratch" / "pid").read_text().strip() / "cmdline"
    eventually(lambda: not left.exists() or b"sleep" not in left.read_bytes(), "its end", seconds=30)


def test_set_up_runs_before_its_block_unseen(tmp_path: Path) -> None:
    before = "<!-- setup:\necho x > file\ntest -d $CHECKOUT/docs\n-->\n"
    assert told(block("$ cat file\nx", before), tmp_path) == ""


def test_set_up_that_fails_is_told_as_such(tmp_path: Path) -> None:
    assert told(block("$ true", "<!-- setup: false -->\n"), tmp_path).startswith("page.md:5: set-up: $ false\nended")


def test_what_is_typed_reaches_a_terminal(tmp_path: Path) -> None:
    before = "<!-- setup: true -->\n<!-- typed: yes -->\n"
    asked = "$ test -t 0 && test -t 2 && stty size && read -r answer && echo said $answer\n… 100\nsaid yes"
    assert told(block(asked, before), tmp_path) == ""


def test_an_exit_code_on_a_terminal_is_told(tmp_path: Path) -> None:
    assert "ended with exit code 3, not 0" in told(block("$ (exit 3)", "<!-- typed: yes -->\n"), tmp_path)


def test_only_console_blocks_are_run() -> None:
    page = block("$ a", language="text") + block("b", "<!-- not run: needs Docker -->\n", NOT_RUN) + block("$ c")
    assert [one.script for one in commands(page)] == ["c"]


def test_a_block_in_a_list_is_read_without_its_indentation() -> None:
    (one,) = commands("* Do:\n\n    ```console\n    $ a\n    b\n    ```\n")
    assert (one.line, one.script, one.shown) == (4, "a", "b")


def test_nothing_shown_is_in_everything() -> None:
    assert shows("", "a")


def wrong(fence: Fence) -> str:
    """What makes a block one that no test runs, or that a reader cannot follow; empty for nothing."""
    prompt = any(line.startswith("$ ") for line in fence.text.splitlines())
    if fence.language == RUN:
        return "" if prompt else "it has no `$ ` command"
    if fence.language == NOT_RUN:
        return "" if fence.said.get("not run") and not prompt else "it needs <!-- not run: REASON -->, and no `$ `"
    if fence.language in SHELLS:
        return f"write ```{RUN}, which is run, or ```{NOT_RUN} with a reason"
    return f"write ```{RUN} for commands" if prompt else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_run_or_says_why_not(page: Path) -> None:
    text = page.read_text()
    found = list(fences(text))
    assert {one.line: told for one in found if (told := wrong(one))} == {}
    assert sum(len(one.said) for one in found) == comments(text), "a comment is not directly before its block"
    assert text.count("```") == 2 * len(found), "a fence is not closed, or is none of its own lines"


@pytest.mark.parametrize("page", BESIDE, ids=lambda page: page.name)
def test_a_page_that_is_not_run_has_no_console_block(page: Path) -> None:
    assert [one.line for one in fences(page.read_text()) if one.language == RUN] == []


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (block("ls"), "no `$ ` command"),
        (block("ls", language="sh"), "REASON"),
        (block("$ ls", "<!-- not run: why -->\n", "sh"), "REASON"),
        (block("ls", language="bash"), "which is run"),
        (block("$ ls", language="text"), "for commands"),
    ],
)
def test_a_block_that_no_test_runs_is_refused(page: str, expected: str) -> None:
    (one,) = fences(page)
    assert expected in wrong(one)
