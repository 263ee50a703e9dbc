from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks import AtmosRepository, SourceChoice, StackSource, open_source
from secrets_pipeline.stacks.sources.source import FROM_ATMOS_VARIABLE, FROM_FILE_VARIABLE
from tests.stacks.conftest import Write

DESCRIPTION = '{"dev": {"components": {"terraform": {"app": {"vars": {"here": "!cwd", "who": "!env WHO"}}}}}}'


def variables(source: StackSource) -> object:
    return source.stack("dev").components["terraform"]["app"].vars


def test_the_manifests_of_the_repository_are_read_unless_another_source_is_named(write: Write) -> None:
    folder = write({"stacks/deploy/dev.yaml": "components: {terraform: {app: {vars: {v: 1}}}}"})
    source = open_source(SourceChoice(), folder, env={})
    assert isinstance(source, AtmosRepository)
    assert source.stack_names() == ("deploy/dev",)


def test_a_file_needs_no_repository_and_its_functions_are_evaluated_in_the_base_path(tmp_path: Path) -> None:
    file = tmp_path / "stacks.json"
    file.write_text(DESCRIPTION)
    source = open_source(SourceChoice(str(file)), tmp_path, env={"WHO": "me"})
    assert variables(source) == {"here": str(tmp_path), "who": "me"}


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_an_error(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "stacks.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StackError, match=r"stacks\.json: it cannot be read"):
        open_source(SourceChoice(str(file)), tmp_path, env={})


def test_what_is_named_wins_over_the_environment() -> None:
    both = {FROM_FILE_VARIABLE: "/a.json", FROM_ATMOS_VARIABLE: "1"}
    assert SourceChoice.chosen("/b.json", atmos=False, env=both) == SourceChoice("/b.json")
    assert SourceChoice.chosen(None, atmos=True, env=both) == SourceChoice(atmos=True)
    assert SourceChoice.chosen(None, atmos=False, env={}) == SourceChoice()


def test_a_named_file_stays_the_same_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert SourceChoice.chosen("a.json", atmos=False, env={}) == SourceChoice(str(tmp_path / "a.json"))
    assert SourceChoice.chosen("-", atmos=False, env={}) == SourceChoice("-")
    assert SourceChoice.chosen(None, atmos=False, env={FROM_FILE_VARIABLE: "a.json"}) == SourceChoice(
        str(tmp_path / "a.json")
    )


@pytest.mark.parametrize(("text", "asked"), [("1", True), ("true", True), ("", False), ("0", False), ("False", False)])
def test_the_environment_asks_for_the_command(text: str, asked: bool) -> None:
    assert SourceChoice.chosen(None, atmos=False, env={FROM_ATMOS_VARIABLE: text}) == SourceChoice(atmos=asked)


def test_a_file_and_the_command_at_once_are_an_error() -> None:
    with pytest.raises(StackError, match="at once"):
        SourceChoice.chosen("a.json", atmos=True, env={})
    with pytest.raises(StackError, match="at once"):
        SourceChoice.chosen(None, atmos=False, env={FROM_FILE_VARIABLE: "a", FROM_ATMOS_VARIABLE: "1"})
