from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from secrets_pipeline.stacks.shell import CommandError, run


def test_a_command_gives_what_it_prints_without_the_last_newlines(tmp_path: Path) -> None:
    assert run("printf 'a\\nb\\n\\n'", tmp_path, {}, 10) == "a\nb"


def test_a_command_sees_its_folder_and_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "leaked")
    assert run('echo "$PWD [$CANARY] $GIVEN"', tmp_path, {"GIVEN": "g"}, 10) == f"{tmp_path} [] g"


def test_a_command_has_no_input(tmp_path: Path) -> None:
    assert run("cat; echo end", tmp_path, {"PATH": "/bin:/usr/bin"}, 10) == "end"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("echo canary; echo canary >&2; exit 3", "ended with exit status 3"),
        ("kill -9 $$", "ended with exit status -9"),
        ("printf '\\377canary'", "printed what is not UTF-8"),
    ],
)
def test_a_failure_shows_nothing_of_what_was_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str, message: str
) -> None:
    with pytest.raises(CommandError) as raised:
        run(command, tmp_path, {"PATH": "/bin:/usr/bin"}, 10)
    assert str(raised.value) == message
    assert "canary" not in "".join(capfd.readouterr())


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be run"):
        run("true", tmp_path / "none", {}, 10)


def test_every_process_of_a_command_dies_with_its_time_limit(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    child = f"while true; do echo x >> {beats}; sleep 0.05; done"
    start = time.monotonic()
    with pytest.raises(CommandError, match=r"took longer than 0\.5 s"):
        run(f"({child}) & wait", tmp_path, {"PATH": "/bin:/usr/bin"}, 0.5)
    assert time.monotonic() - start < 20
    before = beats.stat().st_size
    assert before > 0
    time.sleep(0.3)
    assert beats.stat().st_size == before


@pytest.mark.parametrize("command", ["yes", "(yes canary) & wait", "head -c 2000000 /dev/zero"])
def test_a_command_that_prints_too_much_is_killed(tmp_path: Path, command: str) -> None:
    start = time.monotonic()
    with pytest.raises(CommandError) as raised:
        run(command, tmp_path, {"PATH": "/bin:/usr/bin"}, 60, most=2**20)
    assert str(raised.value) == "printed more than 1 MiB"
    assert time.monotonic() - start < 20


def test_a_command_may_print_as_much_as_the_limit(tmp_path: Path) -> None:
    assert len(run("head -c 1048576 /dev/zero", tmp_path, {"PATH": "/bin:/usr/bin"}, 60, most=2**20)) == 2**20


def test_a_process_in_a_session_of_its_own_is_not_waited_for(tmp_path: Path) -> None:
    command = "setsid sh -c 'echo $$ > child; exec sleep 60' & wait"
    start = time.monotonic()
    try:
        with pytest.raises(CommandError, match="took longer"):
            run(command, tmp_path, {"PATH": "/bin:/usr/bin"}, 1)
        assert time.monotonic() - start < 20
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
