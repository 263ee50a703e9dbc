"""The `atmos` command, played by scripts of the tests: no real one is asked."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.sources.atmos_binary import ARGUMENTS, BINARY_VARIABLE, describe_stacks
from tests.waiting import SECONDS, eventually

CANARY = "canary-Zx81-literal-value"

StandIn = Callable[[str], Path]


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    """Writes an executable `atmos` with a Python body into a folder of its own."""

    def make(body: str) -> Path:
        path = tmp_path / "bin" / "atmos"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\nimport json, os, subprocess, sys, time\n{dedent(body)}")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The repository."""
    (tmp_path / "repository").mkdir()
    return tmp_path / "repository"


def asked(binary: Path, folder: Path, **env: str) -> str:
    return describe_stacks(folder, {BINARY_VARIABLE: str(binary), **env}, seconds=SECONDS)


def test_it_is_asked_for_json_with_functions_left_alone_in_the_folder_of_the_repository(
    stand_in: StandIn, folder: Path
) -> None:
    binary = stand_in('print("\\n".join([os.getcwd(), *sys.argv[1:]]))')
    assert asked(binary, folder).splitlines() == [str(folder), *ARGUMENTS]
    assert "--process-functions=false" in ARGUMENTS
    without = describe_stacks(folder, {BINARY_VARIABLE: str(binary)}, process_templates=False)
    assert without.splitlines()[-1] == "--process-templates=false"


def test_it_is_found_on_path(stand_in: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{stand_in('print(1)').parent}{os.pathsep}{os.environ['PATH']}")
    assert describe_stacks(folder, {}) == "1\n"


def test_a_relative_name_is_relative_to_the_caller(
    stand_in: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stand_in("print(1)").parent)
    assert describe_stacks(folder, {BINARY_VARIABLE: "./atmos"}) == "1\n"


def test_it_sees_what_it_is_given_and_what_every_process_needs_and_nothing_else(
    stand_in: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("HOME", "/home/somebody")
    binary = stand_in('print(" ".join(f"{name}={value}" for name, value in os.environ.items()))')
    seen = asked(binary, folder, ALLOWED="1").split()
    assert {"ALLOWED=1", "HOME=/home/somebody", "ATMOS_MASK=false", "ATMOS_LOGS_FILE=/dev/stderr"} <= set(seen)
    assert CANARY not in " ".join(seen)


def test_a_base_path_in_the_environment_is_that_of_the_repository(stand_in: StandIn, folder: Path) -> None:
    binary = stand_in('print(os.environ.get("ATMOS_BASE_PATH"))')
    assert asked(binary, folder) == "None\n"
    assert asked(binary, folder, ATMOS_BASE_PATH="repository") == f"{folder}\n"


@pytest.mark.parametrize(
    "said",
    [
        f"db_password: {CANARY}",
        f'error calling mustToDate: parsing time "{CANARY}"',
        f"postgres://app:{CANARY}@db/x",
        f"Authorization: Bearer {CANARY}",
        f"password:\n  {CANARY}",
    ],
)
def test_nothing_of_what_it_says_or_prints_is_shown_when_it_fails_but_how_to_see_it(
    stand_in: StandIn, folder: Path, said: str
) -> None:
    binary = stand_in(f"""
        print("{CANARY}")
        print("\\x1b[31mError:\\x1b[0m the stack is invalid", file=sys.stderr)
        print({said!r}, end="", file=sys.stderr)
        sys.exit(3)
    """)
    with pytest.raises(StackError) as caught:
        asked(binary, folder)
    assert CANARY not in str(caught.value)
    lines = 2 + said.count("\n")
    assert f"ended with exit status 3; the {lines} lines that it said may hold values" in caught.value.message
    assert f"cd {folder} && {binary} {' '.join(ARGUMENTS)} >/dev/null" in caught.value.remedy


def test_one_that_fails_without_a_word_is_said_to(stand_in: StandIn, folder: Path) -> None:
    with pytest.raises(StackError, match="exit status 1; it said nothing"):
        asked(stand_in("sys.exit(1)"), folder)


def test_what_it_says_is_not_an_error_when_it_succeeds(stand_in: StandIn, folder: Path) -> None:
    assert asked(stand_in('print("warning", file=sys.stderr); print("{}")'), folder) == "{}\n"


def test_more_output_than_a_pipe_holds_is_read_whole(stand_in: StandIn, folder: Path) -> None:
    binary = stand_in('sys.stderr.write("e" * 300_000); sys.stdout.write("o" * 3_000_000)')
    assert len(asked(binary, folder)) == 3_000_000


def test_output_that_is_no_text_is_an_error(stand_in: StandIn, folder: Path) -> None:
    with pytest.raises(StackError, match="printed no UTF-8 text"):
        asked(stand_in('sys.stdout.buffer.write(b"\\xff")'), folder)


def test_one_that_takes_too_long_is_ended_with_what_it_started(stand_in: StandIn, folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "child"
    binary = stand_in(f"""
        child = subprocess.Popen(["sleep", "6000"])
        open({str(mark)!r}, "w").write(str(child.pid))
        time.sleep(600)
    """)
    with pytest.raises(StackError, match="took longer than 5 s"):
        describe_stacks(folder, {BINARY_VARIABLE: str(binary)}, seconds=5)
    eventually(lambda: not _lives(int(mark.read_text())), "the child to end")


def test_one_that_leaves_the_group_is_not_waited_for(stand_in: StandIn, folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "child"
    binary = stand_in(f"""
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        open({str(mark)!r}, "w").write(str(child.pid))
        time.sleep(600)
    """)
    with pytest.raises(StackError, match="took longer than 5 s"):
        describe_stacks(folder, {BINARY_VARIABLE: str(binary)}, seconds=5)
    # It is still there, or this would be an error.
    os.kill(int(mark.read_text()), signal.SIGKILL)


def test_one_that_prints_without_end_is_ended(stand_in: StandIn, folder: Path) -> None:
    binary = stand_in('while True: sys.stdout.write("o" * 100_000)')
    with pytest.raises(StackError, match="printed more than 1 MiB") as caught:
        describe_stacks(folder, {BINARY_VARIABLE: str(binary)}, seconds=SECONDS, most=2**20)
    assert "--from-file" in caught.value.remedy


def test_one_that_complains_without_end_takes_no_memory(stand_in: StandIn, folder: Path) -> None:
    binary = stand_in('sys.stderr.write("e\\n" * 3_000_000); sys.exit(1)')
    with pytest.raises(StackError, match="the 3000000 lines"):
        asked(binary, folder)


def test_one_that_is_not_there_or_no_program_is_an_error_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=f"no-such-atmos was not found(?s:.*){BINARY_VARIABLE}"):
        describe_stacks(folder, {BINARY_VARIABLE: "no-such-atmos"})
    text = tmp_path / "text"
    text.write_text("\x7fELF no program")
    text.chmod(0o755)
    with pytest.raises(StackError, match="cannot be started"):
        describe_stacks(folder, {BINARY_VARIABLE: str(text)})


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
