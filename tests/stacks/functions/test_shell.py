from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from secrets_pipeline.stacks.functions.shell import CommandError, run
from tests.cli.processes import running
from tests.waiting import SECONDS, eventually


def test_a_command_gives_what_it_prints_without_the_last_newlines(tmp_path: Path) -> None:
    assert run("printf 'a\\nb\\n\\n'", tmp_path, {}, SECONDS) == "a\nb"


def test_a_command_sees_its_folder_and_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "leaked")
    assert run('echo "$PWD [$CANARY] $GIVEN"', tmp_path, {"GIVEN": "g"}, SECONDS) == f"{tmp_path} [] g"


def test_a_command_has_no_input(tmp_path: Path) -> None:
    assert run("cat; echo end", tmp_path, {"PATH": "/bin:/usr/bin"}, SECONDS) == "end"


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
        run(command, tmp_path, {"PATH": "/bin:/usr/bin"}, SECONDS)
    assert str(raised.value) == message
    assert "canary" not in "".join(capfd.readouterr())


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be run"):
        run("true", tmp_path / "none", {}, SECONDS)


def test_every_process_of_a_command_dies_with_its_time_limit(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    child = f"while true; do echo x >> {beats}; sleep 0.05; done"
    with pytest.raises(CommandError, match="took longer than 2 s"):
        run(f"({child}) & wait", tmp_path, {"PATH": "/bin:/usr/bin"}, 2)
    assert beats.exists()
    eventually(lambda: running(beats) == [], lambda: running(beats))


@pytest.mark.parametrize("command", ["yes", "(yes canary) & wait", "head -c 2000000 /dev/zero"])
def test_a_command_that_prints_too_much_is_killed(tmp_path: Path, command: str) -> None:
    with pytest.raises(CommandError) as raised:
        run(command, tmp_path, {"PATH": "/bin:/usr/bin"}, SECONDS, most=2**20)
    assert str(raised.value) == "printed more than 1 MiB"


def test_a_command_may_print_as_much_as_the_limit(tmp_path: Path) -> None:
    assert len(run("head -c 1048576 /dev/zero", tmp_path, {"PATH": "/bin:/usr/bin"}, SECONDS, most=2**20)) == 2**20


def test_a_process_in_a_session_of_its_own_is_not_waited_for(tmp_path: Path) -> None:
    command = "setsid sh -c 'echo $$ > child; exec sleep 600' & wait"
    with pytest.raises(CommandError, match="took longer"):
        run(command, tmp_path, {"PATH": "/bin:/usr/bin"}, 2)
    # It is still there, or this would be an error.
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
