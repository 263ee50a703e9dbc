"""A DAGSTER_HOME that cannot be used: one sentence, and what to do; and two processes that make one at once."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg
import pytest

from secrets_pipeline.errors import StorageError
from secrets_pipeline.operations.revision.checkouts import CHECKOUTS, Checkouts
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.shared.home import prepare_home, storage_errors
from tests.gits import committed
from tests.waiting import SECONDS

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])
CAPABILITY_VERSION_3 = 0x20080522


@dg.job
def nothing() -> None:
    pass


def use() -> None:
    """What `running.execute` does with a home."""
    with storage_errors(), open_instance() as instance:
        assert nothing.execute_in_process(instance=instance).success


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


def databases(home: Path) -> list[Path]:
    found = [*home.rglob("runs.db"), *home.rglob("index.db"), *home.rglob("schedules.db")]
    assert len(found) == 3
    return found


def no_database(home: Path) -> None:
    for path in databases(home):
        path.write_bytes(b"hello world " * 1000)


def malformed(home: Path) -> None:
    for path in databases(home):
        raw = path.read_bytes()
        path.write_bytes(raw[:4096] + b"\x07" * (len(raw) - 4096))


def no_yaml(home: Path) -> None:
    (home / "dagster.yaml").write_text("a: [b")


def unknown_setting(home: Path) -> None:
    (home / "dagster.yaml").write_text("nonsense: 1")


@pytest.mark.parametrize(
    ("damage", "reason", "remedy"),
    [
        (no_database, "a database in it is damaged", "Move that folder away, or set DAGSTER_HOME"),
        (malformed, "a database in it is damaged", "Move that folder away, or set DAGSTER_HOME"),
        (no_yaml, "Dagster does not understand its dagster.yaml", "Mend that file"),
        (unknown_setting, "Dagster does not understand its dagster.yaml", "Mend that file"),
    ],
)
def test_a_damaged_home_is_said_with_what_to_do(
    home: Path, damage: Callable[[Path], None], reason: str, remedy: str
) -> None:
    use()
    damage(home)
    with pytest.raises(StorageError) as failure:
        use()
    assert failure.value.message == f"DAGSTER_HOME {home} cannot be used: {reason}"
    assert failure.value.remedy.startswith(remedy)


def test_a_file_in_its_place_is_said(home: Path) -> None:
    home.write_text("")
    with pytest.raises(StorageError, match="cannot be used: it is no folder"):
        prepare_home()


def test_a_database_that_another_process_keeps_is_said(home: Path) -> None:
    use()
    with closing(sqlite3.connect(next(home.rglob("runs.db")))) as held:
        held.execute("begin exclusive")
        with pytest.raises(StorageError, match="another process keeps its database locked"):
            use()
    use()


def test_errors_that_are_not_the_storage_s_pass_unchanged(tmp_path: Path) -> None:
    for error in (PermissionError(13, "no", str(tmp_path / "elsewhere")), OSError(104, "reset"), KeyError("x")):
        with pytest.raises(type(error)) as passed, storage_errors():
            raise error
        assert passed.value is error


def as_anybody() -> None:
    """Give up what root may beyond others; source: https://man7.org/linux/man-pages/man2/capset.2.html."""
    header, none = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capset(header, none) == 0


def as_ever() -> None:
    """Nothing is forbidden."""


def with_little_room() -> None:
    """No file may grow beyond what makes Dagster's tables."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))


def used_by_another(home: Path, prepare: Callable[[], None], start: Barrier, answer: Connection, log: Path) -> None:
    """Use the home in another process, which may do less, and answer what was said."""
    with log.open("a") as sink:
        os.dup2(sink.fileno(), sys.stderr.fileno())
    os.environ["DAGSTER_HOME"] = str(home)
    prepare()
    start.wait()
    try:
        use()
    except StorageError as error:
        answer.send(error.message)
    else:
        answer.send("used")


def said_by_others(home: Path, *prepared: Callable[[], None]) -> tuple[list[str], str]:
    """What processes say that use the home at once, and what they wrote to standard error."""
    # The server of these processes imports Dagster once for all of them.
    start, log = PROCESSES.Barrier(len(prepared)), home.with_name("log")
    answers, started = [], []
    for prepare in prepared:
        reading, writing = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=used_by_another, args=(home, prepare, start, writing, log))
        process.start()
        writing.close()
        answers.append(reading)
        started.append(process)
    said = [str(answer.recv()) for answer in answers if answer.poll(SECONDS)]
    for process in started:
        process.join(SECONDS)
        assert process.exitcode == 0
    return said, log.read_text()


def read_only(home: Path) -> None:
    use()
    for path in (*home.rglob("*"), home):
        path.chmod(0o500 if path.is_dir() else 0o400)


def closed(home: Path) -> None:
    use()
    home.chmod(0)


@pytest.mark.parametrize("spoil", [read_only, closed])
def test_a_home_that_may_not_be_written_is_said(home: Path, spoil: Callable[[Path], None]) -> None:
    spoil(home)
    try:
        said, _ = said_by_others(home, as_anybody)
    finally:
        for path in (home, *home.rglob("*")):
            path.chmod(0o700)
    assert said == [f"DAGSTER_HOME {home} cannot be used: it may not be written"]


def test_a_home_without_room_is_said(home: Path) -> None:
    said, logged = said_by_others(home, with_little_room)
    assert said == [f"DAGSTER_HOME {home} cannot be used: its disk fails, or is full"]
    assert "Traceback" not in logged


def test_processes_that_make_one_home_at_once_all_use_it(home: Path) -> None:
    said, logged = said_by_others(home, as_ever, as_ever, as_ever)
    assert said == ["used"] * 3, logged
    assert (home / "dagster.yaml").exists()


def test_nothing_is_made_in_a_home_whose_storage_is_elsewhere(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "dagster.yaml").write_text(f"storage: {{sqlite: {{base_dir: '{tmp_path / 'elsewhere'}'}}}}\n")
    before = list(home.iterdir())
    with open_instance() as instance:
        assert instance.get_runs_count() == 0
    assert list(home.iterdir()) == before


def test_git_ignores_the_folder_that_nobody_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    home = prepare_home()
    assert "*" in (home / ".gitignore").read_text().splitlines()
    (home / ".gitignore").write_text("")
    monkeypatch.delenv("DAGSTER_HOME")
    prepare_home()
    assert (home / ".gitignore").read_text() == ""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "named"))
    assert not (prepare_home() / ".gitignore").exists()


def test_commits_that_are_kept_in_it_leave_the_default_folder_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    home = prepare_home()
    monkeypatch.delenv("DAGSTER_HOME")
    (tmp_path / "atmos.yaml").write_text("base_path: .")
    (tmp_path / "link.yaml").symlink_to("atmos.yaml")
    (tmp_path / ".gitignore").write_text(".dagster")
    Checkouts(home / CHECKOUTS).keep(tmp_path, committed(tmp_path))
    assert prepare_home() == home
    # Still, it may be no link.
    (home / CHECKOUTS).rename(tmp_path / "elsewhere")
    (home / CHECKOUTS).symlink_to(tmp_path / "elsewhere")
    monkeypatch.delenv("DAGSTER_HOME")
    with pytest.raises(StorageError, match="is a link"):
        prepare_home()
