from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.files.disk import is_file
from secrets_pipeline.stacks.files.files import Files


def test_a_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffa: é\r\n".encode())
    files = Files(tmp_path)
    assert files.text(path) == "a: é\n"
    path.write_text("changed")
    assert files.text(path) == "a: é\n"
    assert files.name(path) == "a.yaml"


def test_a_base_path_that_is_a_link_holds_what_is_behind_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.yaml").write_text("a")
    (tmp_path / "link").symlink_to("real")
    files = Files(tmp_path / "link")
    assert files.text(tmp_path / "link" / "a.yaml") == "a"
    assert files.name(tmp_path / "link" / "a.yaml") == "a.yaml"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.yaml", "the file cannot be read: No such file"),
        ("folder", "the file cannot be read: Is a directory"),
        ("binary.yaml", "not UTF-8 at byte 1"),
        ("../outside.yaml", "outside of the base path"),
        ("link.yaml", "outside of the base path"),
        ("../base-2/x.yaml", "outside of the base path"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_a_remedy(tmp_path: Path, name: str, message: str) -> None:
    base = tmp_path / "base"
    (base / "folder").mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text("stolen")
    (base / "link.yaml").symlink_to("../outside.yaml")
    (base / "binary.yaml").write_bytes(b"a\xff")
    with pytest.raises(StackError) as raised:
        Files(base).text(base / name)
    assert message in raised.value.message
    assert raised.value.remedy
    assert raised.value.where is not None
    assert raised.value.where.file == name


def test_a_name_that_no_file_can_have_is_no_file(tmp_path: Path) -> None:
    assert not is_file(tmp_path / ("x" * 5_000))
    assert not is_file(tmp_path / "a\0b")
    assert not is_file(tmp_path)
