"""`dev` shows the history of its own AWS, one that begins empty has none, and says what to click."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.cli.dev.command import choose_home, what_to_click
from secrets_pipeline.errors import LocalError
from secrets_pipeline.orchestration.in_process.instance import open_instance


@pytest.fixture(autouse=True)
def unnamed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Set first, so that what the product sets is undone.
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    folder = tmp_path / ".local-aws"
    folder.mkdir(mode=0o700)
    return folder


def partitions() -> list[str]:
    """The partitions in the history of this moment, and one more."""
    with open_instance() as instance:
        found = list(instance.get_dynamic_partitions("stacks"))
        instance.add_dynamic_partitions("stacks", [f"stack-{len(found)}"])
    return found


def test_an_aws_that_begins_empty_has_a_history_that_does(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = choose_home(state_dir, begins=True)
    assert said.startswith("The history of runs starts empty, as this AWS does. ")
    assert f"DAGSTER_HOME={state_dir / 'dagster'}" in said
    assert partitions() == []
    assert partitions() == ["stack-0"]
    monkeypatch.setenv("DAGSTER_HOME", "")
    choose_home(state_dir, begins=True)
    assert partitions() == []
    # That of commands on another AWS is another one.
    assert not Path(".dagster").exists()


def test_an_aws_that_was_running_keeps_its_history(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choose_home(state_dir, begins=True)
    partitions()
    monkeypatch.setenv("DAGSTER_HOME", "")
    assert "goes on, as this AWS was running already" in choose_home(state_dir, begins=False)
    assert partitions() == ["stack-0"]


def test_a_folder_that_the_user_names_stays_as_it_is_and_dev_says_what_that_means(
    state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "mine"))
    partitions()
    said = choose_home(state_dir, begins=True)
    assert said.endswith("/mine: it may tell of another AWS than this one.")
    assert partitions() == ["stack-0"]


def test_a_history_that_others_brought_is_neither_taken_nor_deleted(state_dir: Path) -> None:
    (state_dir / "dagster").mkdir(mode=0o755)
    (state_dir / "dagster").chmod(0o755)
    for begins in (True, False):
        with pytest.raises(LocalError, match="its mode is 755"):
            choose_home(state_dir, begins=begins)
    assert (state_dir / "dagster").is_dir()


@pytest.mark.parametrize(
    ("stacks", "failed", "left", "said"),
    [
        (["a"], [], "", "Stack a is applied. Open http://127.0.0.1:3000/assets"),
        (["a", "b"], ["b"], "", "Not everything was applied: b. Open http://127.0.0.1:3000/runs"),
        (["a"], [], "--no-apply", "The stacks were not applied, because of --no-apply. To apply them open http://"),
        (["a"], [], "SECRETS_PIPELINE_READ_ONLY is set", "Materialize fails until you unset the variable."),
        ([], [], "", "No stack can be applied. Follow the lines above"),
        ([], [], "--no-apply", "No stack can be applied."),
    ],
)
def test_the_reader_is_told_to_click_what_can_work(stacks: list[str], failed: list[str], left: str, said: str) -> None:
    told = what_to_click(3000, stacks, failed, left=left)
    assert said in told
    assert ("click Materialize" in told) is (left == "--no-apply" and bool(stacks))
