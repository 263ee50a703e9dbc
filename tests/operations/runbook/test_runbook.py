"""The runbook speaks of each check, alert and finding of `health`, of nothing else, in commands that can be run."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from typer.core import TyperGroup

from docs_build.runbook import page
from secrets_pipeline.cli.root import loaded
from secrets_pipeline.operations.runbook import ENTRIES, Entry, Subject
from secrets_pipeline.operations.runbook.alerts import CAN_BE_ASKED, OUTAGE
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.rotation.causes import CauseKind

ROOT: Final = Path(__file__).parents[3]
ORCHESTRATION: Final = ROOT / "secrets_pipeline" / "orchestration"
_COMMAND: Final = re.compile(r"`secrets-pipeline ([^`]+)`")


def names(subject: Subject) -> set[str]:
    return {name for name, entry in ENTRIES.items() if entry.subject is subject}


def said_causes(tree: ast.AST) -> Iterator[str]:
    """Texts that are handed over as `cause`, or assigned to that name, alone or beside others."""
    for node in ast.walk(tree):
        pairs: list[tuple[str | None, ast.expr]] = []
        if isinstance(node, ast.keyword):
            pairs = [(node.arg, node.value)]
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and isinstance(node.value, ast.Tuple)
        ):
            targets = [one.id if isinstance(one, ast.Name) else None for one in node.targets[0].elts]
            pairs = list(zip(targets, node.value.elts, strict=True))
        for name, value in pairs:
            if name == "cause" and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def test_each_check_has_an_entry_and_each_entry_a_check() -> None:
    assert names(Subject.CHECK) == {one.name for one in CHECKS}


def test_each_alert_has_an_entry_and_each_entry_an_alert() -> None:
    said = {cause for file in ORCHESTRATION.rglob("*.py") for cause in said_causes(ast.parse(file.read_text()))}
    # `alerts/outages.py` takes its two causes from the runbook, as constants.
    assert names(Subject.ALERT) == said | {OUTAGE, CAN_BE_ASKED}


def test_each_finding_of_health_has_an_entry_and_each_entry_a_finding() -> None:
    judging = ast.parse((ORCHESTRATION / "health" / "judgement.py").read_text())
    texts = {one.value for one in ast.walk(judging) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    assert names(Subject.HEALTH) == {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+", text)}


def test_the_words_of_somebody_whose_pager_rang_find_their_entry() -> None:
    text = page()
    assert "daemon" in text.partition("## Checks")[0]
    for words in ("no tick since", "daemon", "queue is stuck"):
        assert words in text
    assert "### `no-tick-since`" in text


def test_each_cause_of_a_failed_rotation_is_dealt_with() -> None:
    said = " ".join(ENTRIES["rotation-failed"].do.split())
    assert [one.value for one in CauseKind if f"`{one.value}`" not in said] == []


def test_no_name_has_two_entries() -> None:
    headings = re.findall(r"^### `(.*)`$", page(), re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == ENTRIES.keys()


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_each_command_is_one_that_the_command_line_takes(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"{entry.means}\n{entry.warns}\n{entry.what_to_do()}"
    for line in _COMMAND.findall(text):
        words = shlex.split(line)
        command: Any = loaded(words.pop(0))
        while isinstance(command, TyperGroup):
            command = command.commands[words.pop(0)]
        command.make_context(command.name, words).close()


def test_commands_name_the_stack_that_they_are_asked_for() -> None:
    told = ENTRIES["consumers_can_read"].what_to_do("myapp-dev")
    assert "secrets-pipeline apply -s myapp-dev --deep" in told
    assert "STACK" not in told


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_what_is_quoted_elsewhere_has_no_link_within_the_runbook(entry: Entry) -> None:
    told = entry.what_to_do("myapp-dev")
    assert "](#" not in told
    assert all(f"`{name}`" in told for name in re.findall(r"\[`([^`]+)`\]\(#", entry.what_to_do()))
