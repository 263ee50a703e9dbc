"""Commands of `!exec`: run by `/bin/sh`, without input, with a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path


class CommandError(Exception):
    """A command fails or takes too long. The text has nothing of what it printed, which may be a secret."""


def run(command: str, folder: Path, env: Mapping[str, str], seconds: float) -> str:
    """What a command prints, without the newlines at its end.

    Args:
        command: for `/bin/sh -c`.
        folder: its current folder.
        env: its whole environment.
        seconds: after so many it is killed, with every process it has started.

    Raises:
        CommandError: if it cannot be run, ends with another status than 0, takes too long or prints no UTF-8.
    """
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a process group of its own, so that children can be killed with it
        )
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot be run: {error}") from None
    with process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except BaseException as error:
            _kill(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise CommandError(f"took longer than {seconds:g} s") from None
            raise
    if process.returncode:
        raise CommandError(f"ended with exit status {process.returncode}")
    try:
        return output.decode().rstrip("\n")
    except UnicodeDecodeError:
        raise CommandError("printed what is not UTF-8") from None


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
