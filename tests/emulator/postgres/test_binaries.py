"""Where PostgreSQL's programs come from, whoever may reach them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from secrets_pipeline.emulator.core.identity import Identity, unprivileged
from secrets_pipeline.emulator.postgres import binaries, find
from secrets_pipeline.errors import LocalError

OTHER = Identity(65_534, 65_534)


@pytest.fixture
def open_temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory that others may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel's folder below a private one."""
    private = tmp_path / "home"
    programs = private / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text("#!/bin/sh\necho postgres\n")
    (programs / "postgres").chmod(0o755)
    private.chmod(0o700)
    return private / "pginstall"


def test_the_installed_programs_run_as_the_unprivileged_user() -> None:
    found = find()
    identity = found.identity
    answer = subprocess.run(
        [found.folder / "postgres", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        user=identity.user,
        group=identity.group,
    )
    assert found.version in answer.stdout
    assert (identity.user is None) == (os.geteuid() != 0)


def test_a_private_parent_is_noticed(wheel: Path) -> None:
    assert not OTHER.can_reach(wheel / "bin" / "postgres")
    assert Identity(None, None).can_reach(wheel / "bin" / "postgres")


def test_programs_below_a_private_folder_are_copied_once_and_the_folder_stays_private(
    wheel: Path, open_temporary: Path
) -> None:
    copy = binaries._shared_copy(wheel, "18.6.3", OTHER)
    assert copy.parent == open_temporary
    assert OTHER.can_reach(copy / "bin" / "postgres")
    assert (copy / "bin" / "postgres").read_text() == (wheel / "bin" / "postgres").read_text()
    assert binaries._shared_copy(wheel, "18.6.3", OTHER) == copy
    assert wheel.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in open_temporary.iterdir()] == [copy.name]


def test_a_copy_that_others_may_write_is_refused(wheel: Path, open_temporary: Path) -> None:
    binaries._shared_copy(wheel, "18.6.3", OTHER).chmod(0o777)
    with pytest.raises(LocalError, match="others may write"):
        binaries._shared_copy(wheel, "18.6.3", OTHER)


def test_without_a_reachable_folder_the_error_says_what_to_do(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(wheel.parent))
    with pytest.raises(LocalError, match="TMPDIR"):
        binaries._shared_copy(wheel, "18.6.3", OTHER)


def test_an_ordinary_user_stays_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged() == Identity(None, None)
