"""What was asked of the file system is noted, and holds until the answer would be another."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from secrets_pipeline.stacks.files import disk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("text")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("file")
    return tmp_path


def turn_link(link: Path, target: str) -> None:
    link.unlink()
    link.symlink_to(target)


def replaced(path: Path) -> None:
    path.unlink()
    path.mkdir()


CASES: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "a file that goes": (lambda at: disk.is_file(at / "file"), lambda at: (at / "file").unlink()),
    "a file that comes": (lambda at: disk.is_file(at / "new"), lambda at: (at / "new").write_text("")),
    "a folder that comes": (lambda at: disk.is_folder(at / "new"), lambda at: (at / "new").mkdir()),
    "a folder that goes": (lambda at: disk.is_folder(at / "folder"), lambda at: (at / "folder").rmdir()),
    "anything that comes": (lambda at: disk.exists(at / "new"), lambda at: (at / "new").mkdir()),
    "a link in place of a file": (
        lambda at: disk.is_link(at / "file"),
        lambda at: (at / "link").replace(at / "file"),
    ),
    "a link that leads elsewhere": (
        lambda at: disk.real_path(at / "link"),
        lambda at: turn_link(at / "link", "folder"),
    ),
    "a new entry": (disk.entries, lambda at: (at / "new").write_text("")),
    "an entry that goes": (disk.entries, lambda at: (at / "folder").rmdir()),
    "an entry that becomes a folder": (disk.entries, lambda at: replaced(at / "file")),
    "a folder that can be listed": (lambda at: disk.entries(at / "new"), lambda at: write_below(at / "new")),
    "another text": (lambda at: disk.read_text(at / "file"), lambda at: (at / "file").write_text("else")),
    "another text behind a link": (lambda at: disk.read_text(at / "link"), lambda at: (at / "file").write_text("else")),
    "a text that comes": (lambda at: unread(at / "new"), lambda at: (at / "new").write_text("")),
    "a text that cannot be read": (lambda at: disk.read_text(at / "file"), lambda at: replaced(at / "file")),
    "a text that is read later": (lambda at: disk.note_file(at / "link"), lambda at: (at / "file").write_text("else")),
    "an answer of one's own": (
        lambda at: disk.asked(os.path.getsize, str(at / "file")),
        lambda at: (at / "file").write_text("longer"),
    ),
}


def write_below(folder: Path) -> None:
    folder.mkdir()
    (folder / "file").write_text("")


def unread(path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        disk.read_bytes(path)


@pytest.mark.parametrize("case", CASES)
def test_an_answer_holds_until_it_would_be_another(folder: Path, case: str) -> None:
    ask, change = CASES[case]
    seen = disk.Seen()
    ask(folder)
    assert not seen.answers
    with disk.noted_in(seen):
        ask(folder)
    assert seen.holds()
    assert seen.holds()
    change(folder)
    assert not seen.holds()


def test_what_contradicts_itself_never_holds(folder: Path) -> None:
    for ask, change in (CASES["a file that comes"], CASES["another text"]):
        seen = disk.Seen()
        with disk.noted_in(seen):
            ask(folder)
            change(folder)
            ask(folder)
        assert (seen.torn, seen.holds()) == (True, False)


def test_a_stamp_counts_only_where_the_file_was_old_enough(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stamps() -> list[object]:
        seen = disk.Seen()
        with disk.noted_in(seen):
            disk.read_text(folder / "file")
        return [content.stamp for content in seen.contents.values()]

    assert stamps() == [None]
    # Its date can be set, and the time of its change cannot.
    os.utime(folder / "file", (1_000_000_000, 1_000_000_000))
    assert stamps() == [None]
    monkeypatch.setattr(disk, "_SETTLED_NS", -1)
    assert stamps() != [None]


def test_threads_note_apart(folder: Path) -> None:
    seen = disk.Seen()
    with disk.noted_in(seen):
        thread = Thread(target=lambda: disk.is_file(folder / "file"))
        thread.start()
        thread.join()
    assert not seen.answers
